// SPDX-License-Identifier: MIT
/*
 * /proc/PID/task/TID/syscall (proc_pid_syscall(5)): where a thread that is not running stands.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * struct cryo_syscall - the two registers that the file tells of any blocked thread.
 * @number: of the system call; -1 if it is blocked outside of one
 */
struct cryo_syscall {
	int64_t number;
	uint64_t sp, pc;
};

/* Returns 0, 1 if the thread was running ("running": nothing is told), or -EBADMSG. */
int cryo_syscall_parse(const char *text, size_t size, struct cryo_syscall *ret_syscall);
