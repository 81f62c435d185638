// SPDX-License-Identifier: MIT
/* Which pages there are, and what is in them. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/pages.h"

#define SIZE (4 * CRYO_HUGE_PAGE)

static uint8_t *map(void)
{
	void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(memory, MAP_FAILED);
	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	return memory;
}

/* A page of zeros that is only read is there for mincore(2), one that was never touched is not. */
static size_t present(uint8_t *memory, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
	unsigned char *are_there = calloc(size / page, 1);

	cr_assert_eq(mincore(memory, size, are_there), 0);
	for (size_t i = 0; i < size / page; i++)
		count += are_there[i] & 1;
	free(are_there);
	return count * page;
}

Test(pages, all_are_there)
{
	uint8_t *memory = map();
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	cryo_pages_make(memory + page + 1, SIZE - 2 * page - 1);
	cr_assert_eq(present(memory + page, SIZE - 2 * page), SIZE - 2 * page);
	cr_assert_eq(present(memory, page), 0, "one before the first");
	cr_assert_eq(present(memory + SIZE - page, page), 0, "one behind the last");
	munmap(memory, SIZE);
}

Test(pages, less_than_a_page_is_one)
{
	uint8_t *memory = map();
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	cryo_pages_make(memory + 3 * page - 1, 2);
	cryo_pages_make(memory + 8 * page, 0);
	cr_assert_eq(present(memory, SIZE), 2 * page);
	munmap(memory, SIZE);
}

Test(pages, content_stays)
{
	uint8_t *memory = map();

	for (size_t i = 0; i < SIZE; i += 4099)
		memory[i] = (uint8_t)(i | 1);
	cryo_pages_make(memory, SIZE);
	for (size_t i = 0; i < SIZE; i += 4099)
		cr_assert_eq(memory[i], (uint8_t)(i | 1));
	cr_assert_eq(memory[1], 0);
	munmap(memory, SIZE);
}

/* What is touched later is not made of huge pages: only one page comes. */
Test(pages, later_ones_are_small)
{
	uint8_t *memory = map();
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	cryo_pages_make(memory, SIZE);
	cr_assert_eq(madvise(memory, SIZE, MADV_DONTNEED), 0);
	memory[2 * CRYO_HUGE_PAGE] = 1;
	cr_assert_eq(present(memory, SIZE), page);
	munmap(memory, SIZE);
}
