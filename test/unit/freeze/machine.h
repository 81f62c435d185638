// SPDX-License-Identifier: MIT
/* A machine made of files: a directory that looks like /proc, with the processes that a test needs.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct machine {
	char path[64];
	int procfs;
};

/* What of a process is not the usual. */
struct machine_process {
	pid_t pid, ppid, pgrp, session, tpgid, tracer;
	int tty_nr;
	char state; /* 0: 'S' */
	unsigned long long flags, start_time;
	const char *comm;    /* NULL: "sleep" */
	const char *cgroup;  /* NULL: none */
	const char *wchan;   /* NULL: "0" */
	const char *pending; /* ShdPnd in hexadecimal; NULL: none */
	bool core_dumping;
};

struct machine machine_new(void);
void machine_end(struct machine *machine);
void machine_add(const struct machine *machine, struct machine_process process);
/* A thread beside the leader; its directory exists only here. */
void machine_add_thread(const struct machine *machine, pid_t pid, pid_t tid, char state);
/* A descriptor: where it leads, and its fdinfo, NULL: it has none. */
void machine_add_fd(
	const struct machine *machine, pid_t pid, int fd, const char *link, const char *fdinfo);

#define _cleanup_machine_ __attribute__((cleanup(machine_end)))
