// SPDX-License-Identifier: MIT
/*
 * /proc/PID/status (proc_pid_status(5)): ids in each pid namespace, credentials, signals, tracer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Nested pid namespaces: MAX_PID_NS_LEVEL (include/linux/pid_namespace.h) is 32, and our own. */
#define CRYO_NS_LEVELS 33

/* Ids in namespaces, outermost visible one first; the last is the task's own. */
struct cryo_ns_ids {
	pid_t ids[CRYO_NS_LEVELS];
	unsigned int count; /* 0 if the kernel does not print the line */
};

struct cryo_status {
	char state;
	pid_t tgid, pid, ppid, tracer;
	uid_t uid[4]; /* real, effective, saved, file system */
	gid_t gid[4];
	struct cryo_ns_ids ns_tgid, ns_pid, ns_pgid, ns_sid;
	uint64_t sig_pending, shared_pending, blocked, ignored, caught;
	uint64_t cap_permitted, cap_effective;
	uint64_t threads;
	uint64_t vm_rss_kb, rss_file_kb, vm_pte_kb, vm_swap_kb;
	uint64_t voluntary_switches; /* how often it went to sleep */
	int core_dumping; /* the kernel is writing its core (Linux 4.15); -1 if not printed */
	int no_new_privs, seccomp; /* -1 if not printed */
};

/* 0, or -EBADMSG if State, Tgid, Pid or a signal mask is missing, or any known line malformed. */
int cryo_status_parse(const char *text, size_t size, struct cryo_status *ret_status);

/* Read and parse `status` below a task directory. 0, -errno, or -EBADMSG. */
int cryo_status_read(int dir, struct cryo_status *ret_status);

/* Whether the kernel is writing the core of a process, of which @leader was read: its other threads
 * are asked if the leader has exited. */
bool cryo_status_is_dumping(int process, const struct cryo_status *leader);
