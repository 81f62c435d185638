// SPDX-License-Identifier: MIT
/*
 * A fence around the reader, which parses what a hostile process has written: should that ever make
 * it do something else, it can start no program, reach no network, touch no other process and
 * change no rights.
 */
#pragma once

/**
 * cryo_fence_close - refuse this process, and what it will fork, the system calls that a reader has
 *no use for (EPERM). For ever.
 *
 * Returns 0, or -errno where the kernel, or the machine, has no seccomp filters: there is no fence
 *then.
 */
int cryo_fence_close(void);
