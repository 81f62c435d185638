// SPDX-License-Identifier: MIT
/*
 * Putting back the system calls that Linux ends with EINTR after any stop.
 *
 * Most blocking calls go on by themselves when a stop ends. A dozen (signal(7), "interrupted by a
 * stop signal") return EINTR to a program that got no signal. In a stop that we caused, such a
 * call is undone: the result becomes the number again, the program counter goes back to the
 * instruction that enters the kernel, and the call is made anew. Its timeout starts anew too.
 */
#pragma once

#include "trace/tracee.h"

/**
 * cryo_restart_prepare - put the interrupted call of a stopped tracee back, if it has one.
 * @arch: its row
 * @registers: its general regset as read; not changed
 *
 * Nothing is done while a signal is pending that the thread will take: then EINTR is the truth. Nor
 * for a thread whose calls are dispatched to itself (trace/dispatch.h). The
 * original registers are kept in the tracee. Returns 1 if a call was put back, 0 if there was
 * none, or -errno (the registers are then as they were).
 */
int cryo_restart_prepare(
	struct cryo_tracee *tracee, const struct cryo_arch *arch, const void *registers);

/*
 * Right before the release: if a signal has come meanwhile that the thread will take, EINTR is the
 * truth after all, and the original registers are written back.
 */
void cryo_restart_reconsider(struct cryo_tracee *tracee);

/* Write the original registers back. */
void cryo_restart_undo(struct cryo_tracee *tracee);

/* Whether a signal is pending, for the thread or its process, that it neither blocks nor ignores.
 */
bool cryo_restart_has_signal(pid_t tid);
