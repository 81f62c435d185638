// SPDX-License-Identifier: MIT
/*
 * Huge pages are allowed only while pages are made: where memory is in pieces, the kernel may look
 * for a huge one for a while, which must not happen where a page is touched while a target stands
 * still.
 */
#include "base/pages.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Linux 5.14 */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* To a multiple of a power of two. */
static uintptr_t down(uintptr_t address, size_t unit)
{
	return address & ~(uintptr_t)(unit - 1);
}

static int advise(uintptr_t start, uintptr_t end, int advice)
{
	return start < end ? madvise((void *)start, end - start, advice) : 0;
}

static void touch(uintptr_t start, uintptr_t end, size_t page)
{
	for (; start < end; start = down(start, page) + page) {
		volatile char *byte = (volatile char *)start;

		*byte = *byte;
	}
}

void cryo_pages_make(void *start, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)start, to = from + size;
	uintptr_t huge = down(from + CRYO_HUGE_PAGE - 1, CRYO_HUGE_PAGE);
	uintptr_t huge_end = down(to, CRYO_HUGE_PAGE);

	advise(huge, huge_end, MADV_HUGEPAGE);
	if (advise(down(from, page), down(to + page - 1, page), MADV_POPULATE_WRITE) < 0 &&
		errno == EINVAL)
		touch(from, to, page);
	advise(huge, huge_end, MADV_NOHUGEPAGE);
}
