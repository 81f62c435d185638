// SPDX-License-Identifier: MIT
/*
 * A set of pages of one address space: a bit for each page of some ranges. Where no page was ever
 * added no memory is used, so a range may be as large as a reservation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "trace/memory.h"

/* A range, and which bit stands for its first page. */
struct cryo_page_range {
	uint64_t start, end, first_bit;
};

/**
 * struct cryo_page_set - all zero is the empty set of no range.
 * @ranges: in address order; owned
 * @words: of bits, mapped; @size bytes
 */
struct cryo_page_set {
	uint64_t page_size;
	struct cryo_page_range *ranges;
	size_t n_ranges;
	_Atomic uint64_t *words;
	size_t size;
};

/* An empty set for pages of some ranges, which are in address order and apart. 0 or -ENOMEM. */
int cryo_page_set_make(const struct cryo_extent *ranges, size_t count, uint64_t page_size,
	struct cryo_page_set *ret_set);
void cryo_page_set_clear(struct cryo_page_set *set);

/* Add or remove the pages from @start to @end, as far as they are in a range. Different threads may
 * do so with different pages at the same time. */
void cryo_page_set_add(struct cryo_page_set *set, uint64_t start, uint64_t end);
void cryo_page_set_remove(struct cryo_page_set *set, uint64_t start, uint64_t end);

/* The first range that has anything between two addresses; NULL if there is none. */
const struct cryo_page_range *cryo_page_set_range(
	const struct cryo_page_set *set, uint64_t start, uint64_t end);

bool cryo_page_set_has(const struct cryo_page_set *set, uint64_t address);

/**
 * cryo_page_set_next - the first run of pages that are in the set, or that are not.
 * @from, @end: where to look
 * @inside: whether they are to be in the set; what is in no range is not in it
 *
 * A run may end before the next page of the other sort (at the end of a range); the following one
 * then begins where it ends. Returns whether there is one.
 */
bool cryo_page_set_next(const struct cryo_page_set *set, uint64_t from, uint64_t end, bool inside,
	struct cryo_extent *ret_run);

#define _cleanup_page_set_ _cleanup_(cryo_page_set_clear)
