// SPDX-License-Identifier: MIT
/*
 * A target through which its own core goes: it reads the pipe, or serves the file system. While it
 * stands still nothing can be written.
 */
#pragma once

#include "capture/request.h"

/* Whether the target of a request is one. Costs 0.1 ms for each process of the machine,
 * before the stop, if the core is written to anything but an ordinary file, and next to nothing
 * else. */
bool cryo_carrier_is_target(const struct cryo_request *request);
