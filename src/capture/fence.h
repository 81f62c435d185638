// SPDX-License-Identifier: MIT
/*
 * Fences around who parses what a hostile process has written: should that ever make it do
 * something else, it can start no program, reach no network, touch no other process and change no
 * rights. They are for ever, and for what is forked from then on.
 *
 * All return 0, or -errno where the kernel, or the machine, has no seccomp filters: there is no
 * fence then.
 */
#pragma once

/* For the reader of a capture: it may make new files, and write to no other. */
int cryo_fence_close(void);

/* For who only reads files: it may change none, nor look at other processes. What is open already
 * may be written. */
int cryo_fence_close_for_reading(void);
