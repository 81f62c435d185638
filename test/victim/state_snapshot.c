// SPDX-License-Identifier: MIT
/*
 * Memory that changes all the time, and shows whether it was all read at one instant.
 *
 * stamps: each thread writes a number to its pages, one after the other, and then the next number.
 * At any instant the first pages of a thread have a number, and all others the one before.
 *
 * churn: memory that is mapped, used, grown, moved, given back and forked; every word of it is zero
 * or has the pattern of its address. Told is the area in which it moves about.
 *
 * advised: a mebibyte of each kind of memory that a child of fork(2), or a protection, treats in
 * its own way.
 *
 * sprawl: as soon as its memory is tracked, it cuts another part of it into thousands of mappings.
 *
 * rearrange: at each line on stdin much of its memory is changed in all ways, and then it is still.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "victim.h"

enum {
	PAGE = 4096,
	WORDS = PAGE / sizeof(uint64_t),
	AREA = 4 << 20
};

struct stamper {
	volatile uint64_t *start;
	long pages;
	long pause_us;
	uint64_t rounds;
};

static void *stamp(void *argument)
{
	struct stamper *stamper = argument;
	struct timespec pause = {0, stamper->pause_us * 1000};

	for (uint64_t round = 2;; round++) {
		for (long i = 0; i < stamper->pages; i++)
			stamper->start[i * (long)WORDS] = round;
		stamper->rounds = round;
		if (stamper->pause_us)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

static void *make_pages(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static void state_stamps(int argc, char **argv)
{
	long threads = number(argc, argv, 1, 2), pages = number(argc, argv, 2, 256);
	long pause_us = number(argc, argv, 3, 0);

	for (long i = 0; i < threads; i++) {
		struct stamper *stamper = calloc(1, sizeof(*stamper));
		pthread_t thread;

		stamper->start = make_pages((size_t)pages * PAGE);
		stamper->pages = pages;
		stamper->pause_us = pause_us;
		for (long j = 0; j < pages; j++)
			stamper->start[j * (long)WORDS] = 1;
		tell("stamps=%#lx %ld", (unsigned long)(uintptr_t)stamper->start, pages);
		tell("counter=%#lx", (unsigned long)(uintptr_t)&stamper->rounds);
		if (pthread_create(&thread, NULL, stamp, stamper) != 0)
			die("pthread_create");
	}
	tell_ready();
	for (;;)
		pause();
}

/* ---- churn ---- */

static volatile uint64_t churned;
static uint64_t dice = 88172645463325252ULL;

static uint64_t roll(uint64_t sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice % sides;
}

static void use(uint8_t *area, size_t pages)
{
	fill_pages(area + roll(pages) * PAGE, PAGE);
}

/* A piece of the area is mapped anew: nothing is in it. */
static void map_anew(uint8_t *area, size_t pages)
{
	size_t first = roll(pages), count = 1 + roll(pages - first);

	if (mmap(area + first * PAGE, count * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		die("mmap");
}

static void give_back(uint8_t *area, size_t pages)
{
	madvise(area + roll(pages) * PAGE, PAGE, MADV_DONTNEED);
}

/* One page is moved onto another, and gets the pattern of its new address. */
static void move(uint8_t *area, size_t pages)
{
	uint8_t *from = area + roll(pages) * PAGE, *to = area + roll(pages) * PAGE;

	if (from == to)
		return;
	memset(from, 0, PAGE);
	if (mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED)
		die("mremap");
	if (mmap(from, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		    0) == MAP_FAILED)
		die("mmap");
	fill_pages(to, PAGE);
}

static void protect(uint8_t *area, size_t pages)
{
	uint8_t *page = area + roll(pages) * PAGE;

	mprotect(page, PAGE, PROT_READ);
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

static void grow_heap(uint8_t *area, size_t pages)
{
	uint8_t *end = sbrk(PAGE);

	(void)area;
	(void)pages;
	fill_pages(end, PAGE);
}

static void have_child(uint8_t *area, size_t pages)
{
	pid_t child = fork();

	if (child == 0) {
		use(area, pages);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void state_churn(int argc, char **argv)
{
	static void (*const deeds[])(uint8_t *, size_t) = {use, use, use, use, use, use, map_anew,
		give_back, move, protect, grow_heap, have_child};
	uint8_t *area = make_pages(AREA);
	long pause_us = number(argc, argv, 1, 100);
	struct timespec pause = {0, pause_us * 1000};

	fill_pages(area, AREA);
	tell("area=%#lx %#lx", (unsigned long)(uintptr_t)area,
		(unsigned long)(uintptr_t)(area + AREA));
	tell("counter=%#lx", (unsigned long)(uintptr_t)&churned);
	tell_ready();
	for (;; churned++) {
		deeds[roll(sizeof(deeds) / sizeof(deeds[0]))](area, AREA / PAGE);
		nanosleep(&pause, NULL);
	}
}

/* ---- sprawl ---- */

enum {
	SPRAWL_PAGES = 40000
};

static bool is_tracked(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[512];
	bool found = false;

	while (smaps && fgets(line, sizeof(line), smaps))
		found |= strncmp(line, "VmFlags", 7) == 0 && strstr(line, " uw");
	if (smaps)
		fclose(smaps);
	return found;
}

/* The new ones lie in front of all that was there: in the file, its head comes to lie on those. */
static void state_sprawl(int argc, char **argv)
{
	long size = number(argc, argv, 1, 256) << 20;
	uint8_t *area = make_pages(SPRAWL_PAGES * PAGE), *memory = make_pages((size_t)size);

	fill_pages(memory, (size_t)size);
	tell("filled=%#lx %#lx", (unsigned long)(uintptr_t)memory,
		(unsigned long)(uintptr_t)(memory + size));
	tell_ready();
	while (!is_tracked())
		usleep(500);
	for (long i = 0; i < SPRAWL_PAGES; i += 2)
		if (mprotect(area + i * PAGE, PAGE, PROT_READ) < 0)
			die("mprotect");
	tell("sprawled=%d", SPRAWL_PAGES);
	for (;;)
		pause();
}

/* ---- rearrange ---- */

/* In pieces of 64 pages each, and so that neighbours differ in what is done to them. */
enum {
	PIECE = 64 * PAGE,
	N_WAYS = 14
};

static void zero_some(uint8_t *piece)
{
	memset(piece + 3 * PAGE, 0, 7 * PAGE);
}

static void write_some(uint8_t *piece)
{
	for (int i = 0; i < 64; i += 5)
		piece[i * PAGE + 17] ^= 0x5a;
}

static void drop_some(uint8_t *piece)
{
	madvise(piece + 5 * PAGE, 20 * PAGE, MADV_DONTNEED);
	piece[9 * PAGE] = 1;
}

static void unmap_some(uint8_t *piece)
{
	munmap(piece + 8 * PAGE, 8 * PAGE);
}

static void map_over(uint8_t *piece)
{
	uint8_t *page = mmap(piece + 8 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	page[2 * PAGE] = 2;
}

/* What is mapped anew and not used becomes one with its neighbours. */
static void map_unused(uint8_t *piece)
{
	mmap(piece + 24 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void map_half_unused(uint8_t *piece)
{
	munmap(piece + 24 * PAGE, 8 * PAGE);
	mmap(piece + 24 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void move_away(uint8_t *piece)
{
	mremap(piece + 40 * PAGE, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		piece + 10 * PAGE);
}

static void make_read_only(uint8_t *piece)
{
	piece[30 * PAGE] = 3;
	mprotect(piece + 30 * PAGE, 4 * PAGE, PROT_READ);
}

static void hide(uint8_t *piece)
{
	madvise(piece + 2 * PAGE, 4 * PAGE, MADV_DONTDUMP);
}

static void make_inaccessible(uint8_t *piece)
{
	mprotect(piece + 50 * PAGE, 4 * PAGE, PROT_NONE);
}

static void share(uint8_t *piece)
{
	uint8_t *page = mmap(piece + 16 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	memset(page, 7, 2 * PAGE);
}

static void grow(uint8_t *piece)
{
	(void)piece;
	memset(sbrk(PIECE), 8, PIECE);
	memset(make_pages(PIECE), 9, PIECE);
}

static void leave(uint8_t *piece)
{
	(void)piece;
}

static void state_rearrange(int argc, char **argv)
{
	static void (*const ways[N_WAYS])(uint8_t *) = {zero_some, write_some, drop_some,
		unmap_some, map_over, map_unused, map_half_unused, move_away, make_read_only, hide,
		make_inaccessible, share, grow, leave};
	long pieces = number(argc, argv, 1, 64) * (1 << 20) / PIECE, next = 0;
	uint8_t *area = make_pages((size_t)pieces * PIECE), *old = make_pages(64 * PIECE);

	fill_pages(area, (size_t)pieces * PIECE);
	fill_pages(old, 64 * PIECE);
	fill_pages(sbrk(PIECE), PIECE);
	tell_ready();
	while (*await_command()) {
		for (int i = 0; i < 4 * N_WAYS && next < pieces; i++, next++)
			ways[next % N_WAYS](area + next * PIECE);
		if (old)
			munmap(old, 64 * PIECE);
		old = NULL;
		tell("rearranged=%ld", next);
	}
}

/* ---- advised ---- */

static const struct {
	const char *name;
	int flags, advice;
	bool locked;
} kinds[] = {
	{"plain", MAP_PRIVATE, MADV_NORMAL, false},
	{"kept from children", MAP_PRIVATE, MADV_DONTFORK, false},
	{"wiped in children", MAP_PRIVATE, MADV_WIPEONFORK, false},
	{"locked", MAP_PRIVATE, MADV_NORMAL, true},
	{"of huge pages", MAP_PRIVATE, MADV_HUGEPAGE, false},
	{"to be merged", MAP_PRIVATE, MADV_MERGEABLE, false},
	{"not dumped", MAP_PRIVATE, MADV_DONTDUMP, false},
	{"shared", MAP_SHARED, MADV_NORMAL, false},
};

enum {
	KIND_SIZE = 4 << 20
};

static void make_kind(size_t i)
{
	uint8_t *memory = mmap(NULL, KIND_SIZE + 2 * PAGE, PROT_READ | PROT_WRITE,
		kinds[i].flags | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	/* so that it is a mapping of its own */
	mprotect(memory, PAGE, PROT_NONE);
	mprotect(memory + PAGE + KIND_SIZE, PAGE, PROT_NONE);
	memory += PAGE;
	if (kinds[i].advice != MADV_NORMAL && madvise(memory, KIND_SIZE, kinds[i].advice) < 0)
		tell("without=%s", kinds[i].name);
	if (kinds[i].locked && mlock(memory, KIND_SIZE) < 0)
		tell("without=%s", kinds[i].name);
	fill_pages(memory, KIND_SIZE);
	tell("kind=%#lx %s", (unsigned long)(uintptr_t)memory, kinds[i].name);
}

/* Pages of hugetlbfs, where the machine has some. */
static void make_hugetlb(void)
{
	uint8_t *memory = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (memory == MAP_FAILED) {
		tell("without=hugetlbfs");
		return;
	}
	fill_pages(memory, 2 << 20);
	tell("kind=%#lx hugetlbfs", (unsigned long)(uintptr_t)memory);
}

static void state_advised(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		make_kind(i);
	make_hugetlb();
	tell_thread(1);
	tell_ready();
	park(1);
}

const struct victim_state snapshot_states[] = {
	{"stamps", "[THREADS [PAGES [MICROSECONDS]]]", state_stamps},
	{"churn", "[MICROSECONDS]", state_churn},
	{"sprawl", "[MEBIBYTES]", state_sprawl},
	{"rearrange", "[MEBIBYTES]", state_rearrange},
	{"advised", "", state_advised},
	{NULL, NULL, NULL},
};
