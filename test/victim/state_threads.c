// SPDX-License-Identifier: MIT
/*
 * Many threads: parked with known registers, busy, without a leader, and coming and going.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "victim.h"

static pthread_barrier_t all_there;

static void start_thread(void *(*function)(void *), uintptr_t argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 * 1024);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	errno = pthread_create(&thread, &attributes, function, (void *)argument);
	if (errno)
		die("pthread_create");
	pthread_attr_destroy(&attributes);
}

static void *parked_thread(void *argument)
{
	unsigned int id = (unsigned int)(uintptr_t)argument;

	tell_thread(id);
	pthread_barrier_wait(&all_there);
	park(id);
}

/* n - 1 threads with the ids from 2 on; whoever starts them is 1, and @more others wait as well. */
static void start_parked(long n, unsigned int more)
{
	pthread_barrier_init(&all_there, NULL, (unsigned int)(n < 1 ? 1 : n) + more);
	for (long i = 2; i <= n; i++)
		start_thread(parked_thread, (uintptr_t)i);
}

static void state_threads(int argc, char **argv)
{
	start_parked(number(argc, argv, 1, 8), 0);
	tell_thread(1);
	pthread_barrier_wait(&all_there);
	tell_ready();
	park(1);
}

static void *last_thread(void *argument)
{
	unsigned int id = (unsigned int)(uintptr_t)argument;

	tell_thread(id);
	pthread_barrier_wait(&all_there);
	tell_ready();
	park(id);
}

static void state_leader_exited(int argc, char **argv)
{
	long n = number(argc, argv, 1, 4);

	start_parked(n, 1);
	start_thread(last_thread, (uintptr_t)n + 1);
	pthread_barrier_wait(&all_there);
	pthread_exit(NULL);
}

static volatile uint64_t busy_counters[256];

static noreturn void *busy_thread(void *argument)
{
	uintptr_t id = (uintptr_t)argument;

	for (;;)
		busy_counters[id % 256]++;
}

static void state_busy(int argc, char **argv)
{
	long n = number(argc, argv, 1, 4);

	for (long i = 0; i < n && i < 256; i++) {
		start_thread(busy_thread, (uintptr_t)i);
		tell("counter=%#lx", (unsigned long)(uintptr_t)&busy_counters[i]);
	}
	tell_ready();
	for (;;)
		pause();
}

static volatile uint64_t spawned;

static void *storm_thread(void *argument)
{
	__atomic_add_fetch(&spawned, 1, __ATOMIC_RELAXED);
	return argument;
}

/* Threads that end as fast as they can be started. */
static void state_storm(int argc, char **argv)
{
	pthread_t thread;

	(void)argc;
	(void)argv;
	tell("counter=%#lx", (unsigned long)(uintptr_t)&spawned);
	tell_ready();
	for (;;)
		if (pthread_create(&thread, NULL, storm_thread, NULL) == 0)
			pthread_detach(thread);
}

static void *hand_over(void *argument)
{
	pthread_t thread;

	__atomic_add_fetch(&spawned, 1, __ATOMIC_RELAXED);
	while (pthread_create(&thread, NULL, hand_over, argument) != 0)
		;
	pthread_detach(thread);
	return NULL;
}

/* Every thread starts its successor and ends: no tid lives long. */
static void state_relay(int argc, char **argv)
{
	long n = number(argc, argv, 1, 4);

	tell("counter=%#lx", (unsigned long)(uintptr_t)&spawned);
	for (long i = 0; i < n; i++)
		start_thread(hand_over, 0);
	tell_ready();
	for (;;)
		pause();
}

const struct victim_state thread_states[] = {
	{"threads", "[N]", state_threads},
	{"leader-exited", "[N]", state_leader_exited},
	{"busy", "[N]", state_busy},
	{"storm", "", state_storm},
	{"relay", "[N]", state_relay},
	{NULL, NULL, NULL},
};
