// SPDX-License-Identifier: MIT
/*
 * The pause as the target feels it: a thread that stamps the clock every few microseconds, and the
 * longest time between two stamps, from bench_stamp_reset() to bench_stamp_gap(). It asks for a
 * real-time priority, so that a busy machine does not look like a pause; where it gets none, the
 * gap of a quiet time tells how far it can be trusted. A reset waits for two stamps, so that no
 * page is touched for the first time behind it.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <time.h>

#include "bench.h"

enum {
	PERIOD_NS = 100000
};

static _Atomic uint64_t longest, n_stamps;
static _Atomic bool wanted;
static sem_t begin;

static void stamp_while_wanted(void)
{
	uint64_t last, now;

	for (last = bench_now(); atomic_load(&wanted); last = now) {
		nanosleep(&(struct timespec){0, PERIOD_NS}, NULL);
		now = bench_now();
		atomic_fetch_add(&n_stamps, 1);
		if (now - last > atomic_load(&longest))
			atomic_store(&longest, now - last);
	}
}

static void *stamp(void *unused)
{
	struct sched_param parameters = {.sched_priority = 1};

	pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
	prctl(PR_SET_TIMERSLACK, 1UL);
	for (;;) {
		while (sem_wait(&begin) < 0)
			;
		stamp_while_wanted();
	}
	return unused;
}

void bench_stamp_start(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	sem_init(&begin, 0, 0);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 * 1024);
	if (pthread_create(&thread, &attributes, stamp, NULL) != 0)
		bench_die("pthread_create");
	pthread_attr_destroy(&attributes);
}

void bench_stamp_reset(void)
{
	atomic_store(&longest, 0);
	atomic_store(&n_stamps, 0);
	atomic_store(&wanted, true);
	sem_post(&begin);
	while (atomic_load(&n_stamps) < 2)
		nanosleep(&(struct timespec){0, PERIOD_NS}, NULL);
}

uint64_t bench_stamp_gap(void)
{
	atomic_store(&wanted, false);
	return atomic_load(&longest);
}
