// SPDX-License-Identifier: MIT
/*
 * The order in which processes are stopped; thaw goes through it backwards.
 */
#pragma once

#include "freeze/census.h"

/**
 * cryo_freeze_order - tracers before their tracees, parents before their children.
 * @rows: by pid; the ppid and tracer of each are looked at
 * @ret_order: indices into @rows; malloc'ed, the caller's; as many as rows
 *
 * Where the two rules contradict each other (a process that traces its parent), the tracer goes
 * first. Circles cannot loop: the rule that would close one is dropped. 0 or -ENOMEM.
 */
int cryo_freeze_order(const struct cryo_row *rows, size_t count, size_t **ret_order);
