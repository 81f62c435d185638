// SPDX-License-Identifier: MIT
/*
 * counting FILE: five threads, four of which wait in different ways while one counts. The counter
 * is a 64-bit number in FILE, so that anybody can see it move. Made to be captured by scripts/demo.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static pthread_barrier_t all_here;
static int pipe_ends[2];
static sem_t work;

static void *count(void *number)
{
	const struct timespec millisecond = {.tv_nsec = 1000000};

	for (pthread_barrier_wait(&all_here);; nanosleep(&millisecond, NULL))
		atomic_fetch_add((_Atomic uint64_t *)number, 1);
	return NULL;
}

static void *wait_for_work(void *unused)
{
	pthread_barrier_wait(&all_here);
	sem_wait(&work);
	return unused;
}

static void *read_a_pipe(void *unused)
{
	char byte;

	pthread_barrier_wait(&all_here);
	return read(pipe_ends[0], &byte, 1) == 1 ? unused : NULL;
}

static void *poll_a_pipe(void *unused)
{
	struct pollfd end = {.fd = pipe_ends[0], .events = POLLIN};

	pthread_barrier_wait(&all_here);
	return poll(&end, 1, -1) == 1 ? unused : NULL;
}

int main(int argc, char **argv)
{
	void *(*const bodies[])(void *) = {count, wait_for_work, read_a_pipe, poll_a_pipe};
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	pthread_t thread;
	void *number;

	if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) < 0 || pipe(pipe_ends) < 0)
		return 1;
	number = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (number == MAP_FAILED)
		return 1;
	sem_init(&work, 0, 0);
	pthread_barrier_init(&all_here, NULL, 5);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread, NULL, bodies[i], number) != 0)
			return 1;
	pthread_barrier_wait(&all_here);
	puts("READY");
	fflush(stdout);
	for (;;)
		pause();
}
