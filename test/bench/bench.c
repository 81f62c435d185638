// SPDX-License-Identifier: MIT
/*
 * bench-tool: everything of a benchmark for which Python would be too slow, too large or too far
 * away: the targets, the stop watches, and the physical limits.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

_Noreturn void bench_die(const char *what)
{
	perror(what);
	exit(1);
}

uint64_t bench_word(uint64_t address)
{
	uint64_t z = address + 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"target", bench_target},
	{"run", bench_run},
	{"abort", bench_abort},
	{"limits", bench_limits},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	fprintf(stderr, "usage: bench-tool target|run|abort|limits ...\n");
	return 64;
}
