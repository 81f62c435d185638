// SPDX-License-Identifier: MIT
/*
 * The bits are mapped and not allocated, so that an untouched part of a large set costs nothing.
 */
#include "trace/page_set.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	BITS = 64
};

int cryo_page_set_make(const struct cryo_extent *ranges, size_t count, uint64_t page_size,
	struct cryo_page_set *ret_set)
{
	struct cryo_page_set set = {.page_size = page_size, .n_ranges = count};
	uint64_t bits = 0;
	void *words;

	set.ranges = calloc(count + 1, sizeof(*set.ranges));
	if (!set.ranges)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		set.ranges[i] = (struct cryo_page_range){ranges[i].start, ranges[i].end, bits};
		bits += (ranges[i].end - ranges[i].start) / page_size;
	}
	set.size = (size_t)(bits / BITS + 1) * sizeof(uint64_t);
	words = mmap(NULL, set.size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (words == MAP_FAILED) {
		free(set.ranges);
		return -ENOMEM;
	}
	set.words = words;
	*ret_set = set;
	return 0;
}

void cryo_page_set_clear(struct cryo_page_set *set)
{
	if (set->words)
		munmap((void *)set->words, set->size);
	free(set->ranges);
	*set = (struct cryo_page_set){0};
}

/* The first range that ends behind an address; NULL if there is none. */
static const struct cryo_page_range *find_range(const struct cryo_page_set *set, uint64_t address)
{
	size_t low = 0, high = set->n_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->n_ranges ? &set->ranges[low] : NULL;
}

const struct cryo_page_range *cryo_page_set_range(
	const struct cryo_page_set *set, uint64_t start, uint64_t end)
{
	const struct cryo_page_range *range = find_range(set, start);

	return range && range->start < end ? range : NULL;
}

static uint64_t bit_of(
	const struct cryo_page_set *set, const struct cryo_page_range *range, uint64_t address)
{
	return range->first_bit + (address - range->start) / set->page_size;
}

/* Bits from `first` on in a word: as many as are wanted before `end`. */
static uint64_t mask_of(uint64_t first, uint64_t end)
{
	uint64_t low = ~0ULL << (first % BITS);
	uint64_t last = (first | (BITS - 1)) + 1;

	return end >= last ? low : low & ~(~0ULL << (end % BITS));
}

static void change_bits(struct cryo_page_set *set, uint64_t first, uint64_t end, bool add)
{
	while (first < end) {
		_Atomic uint64_t *word = &set->words[first / BITS];
		uint64_t mask = mask_of(first, end);

		if (add)
			atomic_fetch_or(word, mask);
		else if (atomic_load(word) & mask) /* what is zero stays unmapped */
			atomic_fetch_and(word, ~mask);
		first = (first | (BITS - 1)) + 1;
	}
}

static void change(struct cryo_page_set *set, uint64_t start, uint64_t end, bool add)
{
	const struct cryo_page_range *range = find_range(set, start);
	const struct cryo_page_range *behind = set->ranges + set->n_ranges;

	for (; range && range < behind && range->start < end; range++) {
		uint64_t from = start > range->start ? start : range->start;
		uint64_t until = end < range->end ? end : range->end;

		change_bits(set, bit_of(set, range, from), bit_of(set, range, until), add);
	}
}

void cryo_page_set_add(struct cryo_page_set *set, uint64_t start, uint64_t end)
{
	change(set, start, end, true);
}

void cryo_page_set_remove(struct cryo_page_set *set, uint64_t start, uint64_t end)
{
	change(set, start, end, false);
}

bool cryo_page_set_has(const struct cryo_page_set *set, uint64_t address)
{
	const struct cryo_page_range *range = cryo_page_set_range(set, address, address + 1);
	uint64_t bit;

	if (!range)
		return false;
	bit = bit_of(set, range, address);
	return set->words[bit / BITS] >> (bit % BITS) & 1;
}

/* The first bit from `first` on that is as wanted; `end` if there is none. */
static uint64_t next_bit(const struct cryo_page_set *set, uint64_t first, uint64_t end, bool wanted)
{
	while (first < end) {
		uint64_t word = set->words[first / BITS];

		word = (wanted ? word : ~word) & mask_of(first, end);
		if (word)
			return (first & ~(uint64_t)(BITS - 1)) + (uint64_t)__builtin_ctzll(word);
		first = (first | (BITS - 1)) + 1;
	}
	return end;
}

/* The first run in one range. Whether there is one. */
static bool next_in_range(const struct cryo_page_set *set, const struct cryo_page_range *range,
	uint64_t from, uint64_t end, bool inside, struct cryo_extent *ret_run)
{
	uint64_t first = bit_of(set, range, from), last = bit_of(set, range, end);
	uint64_t begin = next_bit(set, first, last, inside);

	if (begin == last)
		return false;
	last = next_bit(set, begin, last, !inside);
	ret_run->start = range->start + (begin - range->first_bit) * set->page_size;
	ret_run->end = range->start + (last - range->first_bit) * set->page_size;
	return true;
}

static uint64_t earlier(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

bool cryo_page_set_next(const struct cryo_page_set *set, uint64_t from, uint64_t end, bool inside,
	struct cryo_extent *ret_run)
{
	while (from < end) {
		const struct cryo_page_range *range = find_range(set, from);
		uint64_t start = range ? range->start : UINT64_MAX;

		if (from < start && !inside) {
			*ret_run = (struct cryo_extent){from, earlier(start, end)};
			return true;
		}
		from = from > start ? from : start;
		if (from >= end)
			return false;
		if (next_in_range(set, range, from, earlier(range->end, end), inside, ret_run))
			return true;
		from = range->end;
	}
	return false;
}
