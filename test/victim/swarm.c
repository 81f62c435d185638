// SPDX-License-Identifier: MIT
/*
 * Processes that make freezing hard. Run it only in a pid namespace that is thrown away: some of
 * its states do not end by themselves.
 *
 *	hop             fork, and the parent ends at once: its only process has always a new pid
 *	storm N         N processes that each fork children which end at once
 *	bomb N          fork as fast as possible until N are alive
 *	revive PID...   continue these processes in a loop
 *	count FD        count in the mapped file FD, which is told as counter, forever
 *	relay           copy stdin to stdout in a thread that outlives the first one
 *	handler         count SIGCONT; print the count for each line on stdin
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t n_continued;

static void ready(void)
{
	printf("READY %d\n", (int)getpid());
	fflush(stdout);
}

static void hop(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	ready();
	for (;;) {
		pid_t child = fork();

		if (child > 0)
			_exit(0);
	}
}

static void fork_forever(void)
{
	for (;;) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
	}
}

static void storm(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 4;

	for (int i = 1; i < count; i++)
		if (fork() == 0)
			break;
	ready();
	fork_forever();
}

static void bomb(int argc, char **argv)
{
	int limit = argc > 1 ? atoi(argv[1]) : 200;
	volatile int *alive =
		mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*alive = 1;
	signal(SIGCHLD, SIG_IGN);
	ready();
	for (;;) {
		if (__atomic_load_n(alive, __ATOMIC_RELAXED) >= limit) {
			/* Full: make room now and then, so that it never stands still. */
			if (rand() % 64 == 0) {
				__atomic_fetch_sub(alive, 1, __ATOMIC_RELAXED);
				_exit(0);
			}
			usleep(200);
			continue;
		}
		__atomic_fetch_add(alive, 1, __ATOMIC_RELAXED);
		switch (fork()) {
		case 0:
			srand((unsigned int)getpid());
			break;
		case -1:
			__atomic_fetch_sub(alive, 1, __ATOMIC_RELAXED);
		}
	}
}

static void revive(int argc, char **argv)
{
	ready();
	for (;;)
		for (int i = 1; i < argc; i++)
			kill(atoi(argv[i]), SIGCONT);
}

static void count(int argc, char **argv)
{
	int fd = argc > 1 ? atoi(argv[1]) : -1;
	volatile uint64_t *counter =
		mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (counter == MAP_FAILED)
		_exit(1);
	ready();
	for (;;) {
		++*counter;
		usleep(1000);
	}
}

static void on_continue(int signal_number)
{
	(void)signal_number;
	n_continued++;
}

static void handler(int argc, char **argv)
{
	char line[16];

	(void)argc;
	(void)argv;
	signal(SIGCONT, on_continue);
	ready();
	while (fgets(line, sizeof(line), stdin)) {
		printf("%d\n", (int)n_continued);
		fflush(stdout);
	}
}

static void *copy(void *nothing)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		if (write(STDOUT_FILENO, bytes, (size_t)n) != n)
			_exit(1);
	(void)nothing;
	_exit(0);
}

static void relay(int argc, char **argv)
{
	pthread_t thread;

	(void)argc;
	(void)argv;
	if (pthread_create(&thread, NULL, copy, NULL) == 0)
		pthread_exit(NULL);
}

static const struct {
	const char *name;
	void (*run)(int argc, char **argv);
} states[] = {
	{"hop", hop},
	{"storm", storm},
	{"bomb", bomb},
	{"revive", revive},
	{"count", count},
	{"relay", relay},
	{"handler", handler},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].name, argv[1]) == 0)
			states[i].run(argc - 1, argv + 1);
	return 2;
}
