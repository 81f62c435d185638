// SPDX-License-Identifier: MIT
/*
 * What the filters of a thread (seccomp(2)) say to a system call that it has not made.
 *
 * A call that the kernel goes on with by restart_syscall(2) after a stop is seen by the filters, as
 * a call that a program never makes, and that one who allows only what his program makes has not
 * thought of.
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * cryo_seccomp_refuses - whether a filter of a stopped tracee lets a call not be made.
 * @data: the call, as a filter sees it
 *
 * Filters can be read with CAP_SYS_ADMIN, by a process that has none itself: else false.
 */
bool cryo_seccomp_refuses(pid_t tid, const struct seccomp_data *data);

/* The answer of one filter, SECCOMP_RET_*; SECCOMP_RET_KILL_PROCESS if it is none that the kernel
 * takes. */
uint32_t cryo_seccomp_run(
	const struct sock_filter *filter, size_t count, const struct seccomp_data *data);
