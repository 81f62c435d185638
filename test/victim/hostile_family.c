// SPDX-License-Identifier: MIT
/*
 * Processes that have another process to disturb whoever looks at them.
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"
#include "victim.h"

enum {
	NSEC_PER_MSEC = 1000000
};

static pid_t fork_bound(void)
{
	pid_t parent = getpid(), child = fork();

	if (child < 0)
		die("fork");
	if (child == 0)
		die_with_parent(parent);
	return child;
}

/* SIGSTOP and SIGCONT for the child, as fast as they can be sent. */
static void state_stop_cont(int argc, char **argv)
{
	pid_t child = fork_bound();

	if (child == 0)
		victim_run(argc - 1, argv + 1);
	tell("storm=%d", (int)getpid());
	for (;;) {
		if (kill(child, SIGSTOP) < 0)
			_exit(1);
		usleep(200);
		kill(child, SIGCONT);
		usleep(200);
		waitpid(child, NULL, WNOHANG);
	}
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 * NSEC_PER_MSEC + (uint64_t)time.tv_nsec;
}

/* Kill the child as soon as its counter has stood still for so long. */
static noreturn void watch(pid_t child, const volatile uint64_t *ticks, uint64_t patience)
{
	uint64_t seen = 0, since = now();

	for (;;) {
		usleep(500);
		if (*ticks != seen || !seen)
			since = now();
		seen = *ticks;
		if (now() - since > patience) {
			kill(child, SIGKILL);
			waitpid(child, NULL, 0);
			_exit(0);
		}
	}
}

/* A process that ticks, and a partner that kills it when it does not. */
static void state_watchdog(int argc, char **argv)
{
	uint64_t patience = (uint64_t)number(argc, argv, 1, 20) * NSEC_PER_MSEC;
	size_t size = (size_t)number(argc, argv, 2, 1) << 20;
	volatile uint64_t *ticks =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	if (ticks == MAP_FAILED)
		die("mmap");
	child = fork_bound();
	if (child == 0) {
		void *ballast = malloc(size);

		if (!ballast)
			die("malloc");
		fill_pages(ballast, size);
		tell("counter=%#lx", (unsigned long)(uintptr_t)ticks);
		tell_ready();
		for (;; (*ticks)++)
			usleep(200);
	}
	watch(child, ticks, patience);
}

/* A process with this very pid; 0 if it is taken. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&pid, .set_tid_size = 1};
	pid_t parent = getpid(), child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (child == 0)
		die_with_parent(parent);
	if (child < 0 && errno != EEXIST)
		cannot("clone3 with a pid of our choice");
	return child < 0 ? 0 : child;
}

/* One process after the other, each with the same pid and another word in its memory. */
static void state_pid_reuse(int argc, char **argv)
{
	static volatile uint64_t generation;
	long life_us = number(argc, argv, 1, 2000);
	pid_t pid = fork_bound();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	tell("reused=%d", (int)pid);
	tell("generation=%#lx", (unsigned long)(uintptr_t)&generation);
	tell_ready();
	for (generation = 1;; generation++) {
		if (fork_as(pid) == 0)
			for (;;)
				pause();
		usleep((useconds_t)life_us);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void seize(pid_t child, int stop)
{
	int status;

	if (ptrace(PTRACE_SEIZE, child, 0, 0) < 0)
		cannot("PTRACE_SEIZE");
	if (!stop)
		return;
	if (ptrace(PTRACE_INTERRUPT, child, 0, 0) < 0 || waitpid(child, &status, __WALL) != child)
		cannot("PTRACE_INTERRUPT");
}

/* Traced by its parent: let run, or held in a ptrace-stop by a tracer that does nothing. */
static void state_traced(int argc, char **argv)
{
	int stop = argc > 1 && strcmp(argv[1], "held") == 0;
	pid_t child = fork_bound();

	if (child == 0)
		victim_run(argc - 2, argv + 2);
	hostile_await_child(child, "S"); /* it tells its facts before it is held */
	seize(child, stop);
	tell("tracer=%d", (int)getpid());
	for (;;) {
		int status;

		if (stop || waitpid(child, &status, __WALL) != child)
			pause();
		else if (WIFSTOPPED(status))
			ptrace(PTRACE_CONT, child, 0, status >> 16 ? 0 : WSTOPSIG(status));
	}
}

const struct victim_state hostile_family_states[] = {
	{"stop-cont", "STATE...", state_stop_cont},
	{"watchdog", "[MILLISECONDS [MEBIBYTES]]", state_watchdog},
	{"pid-reuse", "[MICROSECONDS]", state_pid_reuse},
	{"traced", "running|held STATE...", state_traced},
	{NULL, NULL, NULL},
};
