// SPDX-License-Identifier: MIT
/*
 * A program whose stacks are known: five threads that wait in pause(), in a signal handler, in a
 * callback of qsort(), at the bottom of a recursion of 60 calls, and (the first) in main(). Prints
 * "READY PID" when all of them stand.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static sem_t standing;
static volatile int sink;

NOINLINE static void stand(void)
{
	sem_post(&standing);
	for (;;)
		pause();
}

NOINLINE static void *in_pause(void *arg)
{
	stand();
	return arg;
}

static void handler(int signal)
{
	sink = signal;
	stand();
}

NOINLINE static void *in_handler(void *arg)
{
	struct sigaction action = {.sa_handler = handler};

	sigaction(SIGUSR1, &action, NULL);
	pthread_kill(pthread_self(), SIGUSR1);
	return arg;
}

static int compare(const void *a, const void *b)
{
	stand();
	return *(const int *)a - *(const int *)b;
}

NOINLINE static void *in_callback(void *arg)
{
	int numbers[] = {3, 1, 2};

	qsort(numbers, 3, sizeof(numbers[0]), compare);
	sink = numbers[0];
	return arg;
}

NOINLINE static int recurse(int depth)
{
	volatile int local = depth;

	if (depth == 0)
		stand();
	else
		recurse(depth - 1);
	return local;
}

NOINLINE static void *in_recursion(void *arg)
{
	sink = recurse(60);
	return arg;
}

int main(void)
{
	void *(*const bodies[])(void *) = {in_pause, in_handler, in_callback, in_recursion};
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sem_init(&standing, 0, 0);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		pthread_create(&thread, NULL, bodies[i], NULL);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		sem_wait(&standing);
	printf("READY %d\n", getpid());
	fflush(stdout);
	stand();
	return 0;
}
