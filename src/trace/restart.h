// SPDX-License-Identifier: MIT
/*
 * Putting back the system calls that Linux ends with EINTR after any stop.
 *
 * Most blocking calls go on by themselves when a stop ends. A dozen (signal(7), "interrupted by a
 * stop signal") return EINTR to a program that got no signal. In a stop that we caused, the result
 * of such a call becomes the one that has the kernel itself make the call anew when the stop ends,
 * unless a signal is handled first: then EINTR is the truth, and the result. Its timeout starts
 * anew too.
 *
 * Others (nanosleep, poll, futex) go on by restart_syscall(2), with what is left of their time.
 * Where seccomp(2) lets the thread not make that call, which may be its end, they are made anew as
 * well.
 */
#pragma once

#include "trace/tracee.h"

/**
 * cryo_restart_prepare - put the interrupted call of a stopped tracee back, if it has one.
 * @arch: its row
 * @registers: its general regset as read; not changed
 *
 * Nothing is done for a thread whose calls are dispatched to itself (trace/dispatch.h). The
 * original registers are kept in the tracee. Returns 1 if a call was put back, 0 if there was
 * none, or -errno (the registers are then as they were).
 */
int cryo_restart_prepare(
	struct cryo_tracee *tracee, const struct cryo_arch *arch, const void *registers);

/* Write the original registers back. */
void cryo_restart_undo(struct cryo_tracee *tracee);
