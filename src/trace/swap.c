// SPDX-License-Identifier: MIT
#include "trace/swap.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "trace/pagemap.h"

/* Younger than some headers; the number is the same everywhere. */
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum {
	ENTRIES = 128
};

static void add_page(struct iovec *ranges, size_t *count, uint64_t address, size_t page)
{
	struct iovec *last = *count ? &ranges[*count - 1] : NULL;

	if (last && (uint64_t)(uintptr_t)last->iov_base + last->iov_len == address)
		last->iov_len += page;
	else
		ranges[(*count)++] = (struct iovec){(void *)(uintptr_t)address, page};
}

size_t cryo_swap_find(
	const struct cryo_memory *memory, uint64_t start, uint64_t end, struct iovec *ranges)
{
	uint64_t entries[ENTRIES], page = memory->page_size;
	size_t count = 0;

	while (start < end) {
		uint64_t want = (end - start) / page < ENTRIES ? (end - start) / page : ENTRIES;
		ssize_t n = cryo_io_pread(memory->pagemap, entries, want * sizeof(*entries),
			(off_t)(start / page * sizeof(*entries)));

		if (n < (ssize_t)sizeof(*entries))
			break;
		for (size_t i = 0; i < (size_t)n / sizeof(*entries); i++, start += page)
			if (entries[i] & CRYO_PAGEMAP_SWAPPED) /* no matter of a guard page */
				add_page(ranges, &count, start, page);
	}
	return count;
}

static uint64_t bytes_of(const struct iovec *ranges, size_t count)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += ranges[i].iov_len;
	return bytes;
}

/* The kernel tells how far it came, and ends at the first range that is locked (EINVAL), or is not
 * mapped any more (ENOMEM): that one is left, and it goes on behind it. */
void cryo_swap_put_back(struct cryo_swap *swap, const struct iovec *ranges, size_t count)
{
	while (count) {
		ssize_t done =
			syscall(SYS_process_madvise, swap->pidfd, ranges, count, MADV_PAGEOUT, 0);
		bool is_of_one = done < 0 && (errno == EINVAL || errno == ENOMEM);

		if (done < 0)
			atomic_fetch_add(
				&swap->bytes_left, bytes_of(ranges, is_of_one ? 1 : count));
		if (done < 0 && !is_of_one)
			return;
		do {
			done -= (ssize_t)ranges->iov_len;
			ranges++;
			count--;
		} while (count && done >= (ssize_t)ranges->iov_len);
	}
}
