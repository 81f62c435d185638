// SPDX-License-Identifier: MIT
/*
 * /proc/PID/stat and /proc/PID/task/TID/stat (proc_pid_stat(5); fs/proc/array.c do_task_stat()).
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Bits of the flags field (include/linux/sched.h) that matter outside the kernel. */
#define CRYO_PF_EXITING 0x00000004
#define CRYO_PF_SIGNALED 0x00000400 /* killed by a signal */
#define CRYO_PF_KTHREAD 0x00200000
#define CRYO_PF_IO_WORKER 0x00000010
#define CRYO_PF_USER_WORKER 0x00004000

/* Fields have the names and units of proc_pid_stat(5); times are in clock ticks. */
struct cryo_stat {
	pid_t pid;
	char comm[64]; /* as it stands between the outer parentheses; cut at 63 bytes */
	char state;
	pid_t ppid, pgrp, session;
	int tty_nr;
	pid_t tpgid;
	uint64_t flags;
	uint64_t utime, stime;
	int64_t cutime, cstime;
	int64_t priority, nice;
	int64_t num_threads;
	uint64_t starttime;
	uint64_t vsize;
	int64_t rss;                                     /* pages */
	uint64_t arg_start, arg_end, env_start, env_end; /* 0 without ptrace access */
};

/**
 * cryo_stat_parse - the text of a stat file.
 * @text, @size: need not end in a NUL; a comm may hold ')' and newlines, so the last ')' counts
 *
 * Returns 0 or -EBADMSG. Fields that an older kernel does not print are 0.
 */
int cryo_stat_parse(const char *text, size_t size, struct cryo_stat *ret_stat);

/* Read and parse `stat` below a task directory. 0, -errno (-ESRCH also for one that is reaped while
 * it is read), or -EBADMSG. */
int cryo_stat_read(int dir, struct cryo_stat *ret_stat);
