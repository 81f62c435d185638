// SPDX-License-Identifier: MIT
/*
 * `blocked CALL`: wait in a system call (one with a timeout, when told so), then say
 * lasted=MILLISECONDS and end=RESULT ERRNO. What a stop by ptrace does to
 * each call is in no manual page: signal(7) lists for SIGSTOP/SIGCONT what EINTR does to some.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "blocked.h"
#include "victim.h"

long blocked_seconds;

struct timespec blocked_timeout(void)
{
	return (struct timespec){.tv_sec = blocked_seconds};
}

void blocked_pipe(int ret_ends[2])
{
	if (pipe(ret_ends) < 0)
		die("pipe");
}

static const struct blocked_call *find_call(const struct blocked_call *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static void list_calls(const struct blocked_call *table)
{
	for (; table->name; table++)
		tell("%s %s", table->name, table->wake ? "woken" : "timed");
}

static void *waker(void *argument)
{
	const struct blocked_call *call = argument;

	await_command();
	call->wake();
	return NULL;
}

/* The waker takes no signals: those that it sends are for the thread that waits. */
static void start_waker(const struct blocked_call *call)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (pthread_create(&thread, NULL, waker, (void *)call) != 0)
		die("pthread_create");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void state_blocked(int argc, char **argv)
{
	const struct blocked_call *call = NULL;
	uint64_t begin;
	long result;
	int error;

	if (argc > 1) {
		call = find_call(blocked_waits, argv[1]);
		if (!call)
			call = find_call(blocked_reads, argv[1]);
		if (!call)
			call = find_call(blocked_limits, argv[1]);
	}
	if (!call) {
		list_calls(blocked_waits);
		list_calls(blocked_reads);
		list_calls(blocked_limits);
		_exit(argc > 1 ? 2 : 0);
	}
	blocked_seconds = number(argc, argv, 2, 4);
	if (call->setup)
		call->setup();
	if (call->wake)
		start_waker(call);
	tell("expect=%ld %d", call->result, call->error);
	tell_ready();
	if (!call->wake) {
		await_command(); /* its time is not to pass while others are started */
		tell("begun=1");
	}
	begin = now_ms();
	errno = 0;
	result = call->call();
	error = result < 0 ? errno : 0;
	tell("lasted=%llu", (unsigned long long)(now_ms() - begin));
	tell("end=%ld %d", result, error);
}

const struct victim_state blocked_states[] = {
	{"blocked", "[CALL [SECONDS]]", state_blocked},
	{NULL, NULL, NULL},
};
