// SPDX-License-Identifier: MIT
/*
 * Fences around who parses what a hostile process has written: should that ever make it do
 * something else, it can start no program, reach no network, trace, signal or reschedule no other
 * process and change no rights, its own or a file's. They are for ever, and for what is forked from
 * then on.
 *
 * All return 0, or -errno where the kernel, or the machine, has no seccomp filters: there is no
 * fence then.
 */
#pragma once

/* For the reader of a capture: it may make new files and rename and remove any, write to no other,
 * and read other processes. */
int cryo_fence_close(void);

/* For who only reads files: it may change none. What is open already may be written. The memory of
 * another process is a file, too (/proc/PID/mem): Landlock alone, where there is one, refuses it.
 */
int cryo_fence_close_for_reading(void);
