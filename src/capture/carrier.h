// SPDX-License-Identifier: MIT
/*
 * A target through which its own core goes: it reads the pipe, or serves the file system. While it
 * stands still nothing can be written.
 */
#pragma once

#include "capture/request.h"

/* What was found of an output: what to look for in a target. */
struct cryo_carriers;

/**
 * cryo_carrier_is_target - whether the target of a request is one.
 * @carriers: of the captures before, or NULL; the caller's, cryo_carriers_free()
 *
 * The search costs 0.1 ms for each process of the machine, before the stop, if the core is written
 * to anything but an ordinary file, and next to nothing else; it holds for some seconds, as long as
 * the output is the same.
 */
bool cryo_carrier_is_target(const struct cryo_request *request, struct cryo_carriers **carriers);

void cryo_carriers_free(struct cryo_carriers *carriers);
