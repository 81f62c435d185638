// SPDX-License-Identifier: MIT
/*
 * Signals that reach the process that is meant or nobody.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/**
 * cryo_send_signal - signal a process by identity.
 *
 * Returns 0, -ESRCH: it is gone, or its number belongs to another process now; or -errno.
 */
int cryo_send_signal(int procfs, pid_t pid, uint64_t start_time, int signal_number);
