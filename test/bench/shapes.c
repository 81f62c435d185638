// SPDX-License-Identifier: MIT
/*
 * Shapes of memory. Every word that a shape writes is bench_word() of its own address, so that a
 * checker who knows only the address knows what a core must show. The facts:
 *
 *	pid=N, threads=N
 *	range=START,END,KIND	where words stand. KIND: all; comb (every second page); tenth and
 * half (a page by the hash of its address: has words, else was never touched / is zeros); head (one
 * word at the start of each page, the rest is zeros)
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum {
	PAGE = 4096,
	STACK = 64 * 1024
};

#define MIB (1ULL << 20)

static char *map(uint64_t size, int advice)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (memory == MAP_FAILED)
		bench_die("mmap");
	madvise(memory, size, advice);
	return memory;
}

static void fill(char *from, uint64_t size)
{
	for (uint64_t *word = (uint64_t *)from; word < (uint64_t *)(from + size); word++)
		*word = bench_word((uintptr_t)word);
}

static void say_range(const char *start, uint64_t size, const char *kind)
{
	printf("range=%#lx,%#lx,%s\n", (unsigned long)start, (unsigned long)(start + size), kind);
}

static bool chosen(const char *page, uint64_t one_in)
{
	return bench_word((uintptr_t)page + 1) % one_in == 0;
}

static void be_heap(uint64_t size, uint64_t count)
{
	char *memory = map(size, MADV_NOHUGEPAGE);

	(void)count;
	fill(memory, size);
	say_range(memory, size, "all");
}

static void be_huge(uint64_t size, uint64_t count)
{
	char *memory = map(size, MADV_HUGEPAGE);

	(void)count;
	fill(memory, size);
	say_range(memory, size, "all");
}

static void be_tenth(uint64_t size, uint64_t count)
{
	char *memory = map(size, MADV_NOHUGEPAGE);

	(void)count;
	for (char *page = memory; page < memory + size; page += PAGE)
		if (chosen(page, 10))
			fill(page, PAGE);
	say_range(memory, size, "tenth");
}

static void be_half(uint64_t size, uint64_t count)
{
	char *memory = map(size, MADV_NOHUGEPAGE);

	(void)count;
	for (char *page = memory; page < memory + size; page += PAGE) {
		if (chosen(page, 2))
			fill(page, PAGE);
		else
			*(volatile char *)page = 0;
	}
	say_range(memory, size, "half");
}

/* Every second page, by its address. */
static void be_comb(uint64_t size, uint64_t count)
{
	char *memory = map(size, MADV_NOHUGEPAGE);

	(void)count;
	for (char *page = memory; page < memory + size; page += PAGE)
		if ((uintptr_t)page / PAGE % 2 == 0)
			fill(page, PAGE);
	say_range(memory, size, "comb");
}

/* @count pieces of 1 MiB, at equal distances. */
static void be_reserved(uint64_t size, uint64_t count)
{
	char *memory = map(size, MADV_NOHUGEPAGE);

	for (uint64_t i = 0; i < count; i++) {
		char *piece = memory + size / count * i;

		fill(piece, MIB);
		say_range(piece, MIB, "all");
	}
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void be_threads(uint64_t size, uint64_t count)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	for (uint64_t i = 2; i < count; i++)
		if (pthread_create(&thread, &attributes, wait_for_ever, NULL) != 0)
			bench_die("pthread_create");
	be_heap(size, 0);
}

static void fill_heads(char *memory, uint64_t count, uint64_t one_in)
{
	for (uint64_t i = 0; i < count; i += one_in)
		fill(memory + i * PAGE, sizeof(uint64_t));
}

/* Neighbours whose permissions differ are never one mapping. One page in @one_in is used; used
 * before they are parted, all of them would count as used. */
static void be_vmas(uint64_t one_in, uint64_t count)
{
	char *memory = map(count * PAGE, MADV_NOHUGEPAGE);
	uint64_t step = count / 16 / one_in * one_in;

	if (one_in == 1)
		fill_heads(memory, count, one_in);
	for (uint64_t i = 1; i < count; i += 2)
		if (mprotect(memory + i * PAGE, PAGE, PROT_READ) < 0)
			bench_die("mprotect");
	if (one_in == 1) {
		say_range(memory, count * PAGE, "head");
		return;
	}
	fill_heads(memory, count, one_in);
	for (uint64_t i = 0; i < count; i += step)
		say_range(memory + i * PAGE, PAGE, "head");
}

struct writer {
	char *memory;
	uint64_t size, pages_a_second;
};

/* What it writes is what is there already. */
static void *write_pages(void *argument)
{
	struct writer writer = *(struct writer *)argument;
	uint64_t burst = writer.pages_a_second / 1000, at = 0;

	for (;;) {
		for (uint64_t i = 0; i < burst; i++, at = (at + 61 * PAGE) % writer.size)
			fill(writer.memory + at, sizeof(uint64_t));
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	return NULL;
}

/* A heap of which @count pages are written each second. */
static void be_busy(uint64_t size, uint64_t count)
{
	static struct writer writer;
	pthread_t thread;

	writer = (struct writer){map(size, MADV_NOHUGEPAGE), size, count};
	fill(writer.memory, size);
	say_range(writer.memory, size, "all");
	if (pthread_create(&thread, NULL, write_pages, &writer) != 0)
		bench_die("pthread_create");
}

static const struct {
	const char *name;
	void (*be)(uint64_t size, uint64_t count);
} shapes[] = {
	{"heap", be_heap},
	{"huge", be_huge},
	{"busy", be_busy},
	{"tenth", be_tenth},
	{"half", be_half},
	{"comb", be_comb},
	{"reserved", be_reserved},
	{"threads", be_threads},
	{"vmas", be_vmas},
};

static void answer(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "reset\n") == 0) {
			bench_stamp_reset();
			puts("ok=1");
		} else if (strcmp(line, "gap\n") == 0) {
			printf("gap=%lu\n", (unsigned long)bench_stamp_gap());
		}
	}
}

int bench_target(int argc, char **argv)
{
	uint64_t size, count;
	size_t i;

	if (argc != 3)
		return 64;
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	size = strtoull(argv[1], NULL, 0);
	count = strtoull(argv[2], NULL, 0);
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (strcmp(argv[0], shapes[i].name) == 0)
			break;
	if (i == sizeof(shapes) / sizeof(shapes[0]))
		return 64;
	shapes[i].be(size, count);
	bench_stamp_start();
	printf("pid=%d\nthreads=%lu\nREADY\n", getpid(),
		strcmp(argv[0], "threads") == 0 ? (unsigned long)count
		: strcmp(argv[0], "busy") == 0  ? 3UL
						: 2UL);
	answer();
	return 0;
}
