// SPDX-License-Identifier: MIT
/*
 * Select: is this a process that can be captured? And if not, why, in words.
 */
#pragma once

#include "base/buffer.h"
#include "capture/request.h"

/**
 * cryo_select - bind a request to a process.
 * @procfs: borrowed; a negative errno if there is none
 * @request: @procfs and @identity are filled in; the latter closed by cryo_request_clear()
 * @why: in words, if it cannot be
 *
 * Returns 0, or a negative errno and words in @why: -ESRCH no such process or a zombie, -EINVAL
 * ourselves, a kernel thread or a thread that is not a leader, -EPERM not the user's own
 * (capture/privilege.h).
 */
int cryo_select(pid_t pid, int procfs, struct cryo_request *request, struct cryo_buffer *why);

/**
 * cryo_select_explain - why an operation on the target was refused.
 * @error: negative errno that the operation gave
 * @what: "stop it", "read its memory"
 *
 * Tells apart: gone, another tracer, another user, a missing capability, Yama, a process that is
 * not dumpable. The words end in what the user can do. 0 or -ENOMEM.
 */
int cryo_select_explain(
	const struct cryo_request *request, int error, const char *what, struct cryo_buffer *why);

/* Whether the target has no thread any more: it has ended, or is a zombie. Takes up to 10 ms. */
bool cryo_select_is_over(const struct cryo_request *request);

void cryo_request_clear(struct cryo_request *request);

#define _cleanup_request_ _cleanup_(cryo_request_clear)
