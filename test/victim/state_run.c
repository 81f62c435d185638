// SPDX-License-Identifier: MIT
/*
 * The plain states: running, sleeping, stopped, and those that wait for a command on stdin.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "victim.h"

static volatile uint64_t run_counter;

static void tell_counter(const volatile uint64_t *counter)
{
	tell("counter=%#lx", (unsigned long)(uintptr_t)counter);
}

static void state_running(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	tell_counter(&run_counter);
	tell_ready();
	for (;;)
		run_counter++;
}

static void state_sleeping(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	tell_thread(1);
	tell_ready();
	park(1);
}

static void stop_by(int signal)
{
	tell_ready();
	kill(getpid(), signal);
	park(1);
}

static void state_stopped(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	stop_by(SIGSTOP);
}

/* Ctrl-Z. It stops nobody in an orphaned process group, so the starter must be in the session. */
static void state_job_stopped(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	stop_by(SIGTSTP);
}

/* A ticking process: half busy, half asleep, like a server. */
static void state_ticking(int argc, char **argv)
{
	long pause_us = number(argc, argv, 1, 1000);

	tell_counter(&run_counter);
	tell_ready();
	for (;; run_counter++)
		usleep((useconds_t)pause_us);
}

static void no_handler(int signal)
{
	(void)signal;
}

static void state_pending(int argc, char **argv)
{
	sigset_t set;

	(void)argc;
	(void)argv;
	signal(SIGUSR1, no_handler);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN + 3);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	syscall(SYS_tgkill, getpid(), thread_id(), SIGUSR2);
	sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 7});
	tell("sigpnd=%#llx", 1ULL << (SIGUSR2 - 1));
	tell("shdpnd=%#llx", 1ULL << (SIGUSR1 - 1) | 1ULL << (SIGRTMIN + 3 - 1));
	tell_thread(1);
	tell_ready();
	park(1);
}

static void exec_self(const char *state)
{
	execl("/proc/self/exe", "victim", state, NULL);
	die("exec");
}

static void state_on_demand(int argc, char **argv)
{
	const char *command;

	(void)argc;
	(void)argv;
	tell_ready();
	while ((command = await_command())[0]) {
		if (strcmp(command, "exec") == 0)
			exec_self("sleeping");
		else if (strcmp(command, "exit") == 0)
			_exit(7);
		tell("heard=%s", command);
	}
}

/* Signals for the parent to count: each delivery adds one. */
static void count_signal(int signal)
{
	(void)signal;
	run_counter++;
}

static void state_counting_signals(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	signal(SIGUSR1, count_signal);
	signal(SIGRTMIN + 1, count_signal);
	tell_counter(&run_counter);
	tell_ready();
	for (;;)
		pause();
}

const struct victim_state run_states[] = {
	{"running", "", state_running},
	{"sleeping", "", state_sleeping},
	{"ticking", "[MICROSECONDS]", state_ticking},
	{"stopped", "", state_stopped},
	{"job-stopped", "", state_job_stopped},
	{"pending", "", state_pending},
	{"on-demand", "(stdin: exit, exec)", state_on_demand},
	{"counting-signals", "", state_counting_signals},
	{NULL, NULL, NULL},
};
