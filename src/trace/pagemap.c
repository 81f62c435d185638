// SPDX-License-Identifier: MIT
/*
 * PAGEMAP_SCAN skips what is not there at the speed of the page tables: 1 TiB of nothing costs
 * microseconds. pagemap costs eight bytes a page, read in blocks.
 */
#include "trace/pagemap.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "base/array.h"
#include "base/io.h"

struct page_region {
	uint64_t start, end, categories;
};

struct pm_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGEMAP_SCAN_REQUEST _IOWR('f', 16, struct pm_scan_arg)

enum {
	PM_SCAN_WP_MATCHING = 1 << 0,
	PM_SCAN_CHECK_WPASYNC = 1 << 1,
	PAGE_IS_WRITTEN = 1 << 1,
	PAGE_IS_FILE = 1 << 2,
	PAGE_IS_PRESENT = 1 << 3,
	PAGE_IS_SWAPPED = 1 << 4,
	PAGE_IS_PFNZERO = 1 << 5,
	PAGE_IS_GUARD = 1 << 8, /* Linux 6.15; before, guard pages are PAGE_IS_SWAPPED */
	REGIONS = 512,
	FEW_REGIONS = 64,
	OWN_PAGES = 256,       /* so many are enough to tell which of some mappings have any */
	TABLE_REACH = 2 << 20, /* of one page table; more with larger pages */
	STRETCH_PAGES = 16384, /* that are looked for at a time: 0.2 ms */
	ENTRIES = 4096,
};

#define ENTRY_PRESENT (1ULL << 63)
#define ENTRY_FILE (1ULL << 61)  /* or of shared memory */
#define ENTRY_GUARD (1ULL << 58) /* Linux 6.14; such a page counts as swapped */

/* A run that touches the last one makes it longer. Whether there was room. */
static bool add_extent(
	struct cryo_extent *extents, size_t room, size_t *count, uint64_t start, uint64_t end)
{
	if (*count && extents[*count - 1].end == start) {
		extents[*count - 1].end = end;
		return true;
	}
	if (*count == room)
		return false;
	extents[(*count)++] = (struct cryo_extent){start, end};
	return true;
}

/* What is asked for beyond pages that are there: flags, categories wanted, categories refused, and
 * where it is not about such pages: which one of has to be so, and which of these not. */
static const struct {
	uint64_t flags, wanted, refused, any, inverted;
} questions[] = {
	[CRYO_SCAN_ALL] = {0, 0, PAGE_IS_PFNZERO, 0, 0},
	[CRYO_SCAN_WRITTEN] = {PM_SCAN_WP_MATCHING, PAGE_IS_WRITTEN, PAGE_IS_PFNZERO, 0, 0},
	[CRYO_SCAN_LOST] = {PM_SCAN_CHECK_WPASYNC, 0, 0, PAGE_IS_WRITTEN | PAGE_IS_PRESENT,
		PAGE_IS_PRESENT},
};

/* Interrupted, it can be asked again, unless it has protected some of what it did not tell. */
static int ask(int pagemap, struct pm_scan_arg *scan)
{
	int n;

	do
		n = ioctl(pagemap, PAGEMAP_SCAN_REQUEST, scan);
	while (n < 0 && errno == EINTR && !(scan->flags & PM_SCAN_WP_MATCHING));
	return n < 0 ? -errno : n;
}

static struct pm_scan_arg question(uint64_t wanted, enum cryo_scan which, uint64_t start,
	uint64_t end, struct page_region *regions, size_t room)
{
	uint64_t guard = which == CRYO_SCAN_WRITTEN ? wanted & PAGE_IS_GUARD : 0;
	uint64_t refused = questions[which].refused | guard;
	return (struct pm_scan_arg){
		.size = sizeof(struct pm_scan_arg),
		.flags = questions[which].flags,
		.start = start,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = room,
		.category_inverted = refused | questions[which].inverted,
		.category_mask = refused | questions[which].wanted,
		.category_anyof_mask = questions[which].any ? questions[which].any : wanted,
		.return_mask = PAGE_IS_PRESENT,
	};
}

/* Pages of the process's own: not the zero page, not those of a file's cache. */
int cryo_pagemap_find_own(int pagemap, uint64_t start, uint64_t end, struct cryo_extent *extents,
	size_t room, size_t *ret_count, uint64_t *ret_next)
{
	struct page_region regions[OWN_PAGES];
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.start = start,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = room < OWN_PAGES ? room : OWN_PAGES,
		.max_pages = OWN_PAGES,
		.category_inverted = PAGE_IS_PFNZERO | PAGE_IS_FILE,
		.category_mask = PAGE_IS_PFNZERO | PAGE_IS_FILE,
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
		.return_mask = PAGE_IS_PRESENT,
	};
	int n = ask(pagemap, &scan);

	if (n < 0)
		return n;
	*ret_count = 0;
	for (int i = 0; i < n; i++)
		add_extent(extents, room, ret_count, regions[i].start, regions[i].end);
	*ret_next = scan.walk_end;
	return scan.walk_end > start ? 0 : -EIO;
}

uint64_t cryo_pagemap_probe_scan(int pagemap)
{
	static const uint64_t sets[] = {PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_GUARD,
		PAGE_IS_PRESENT | PAGE_IS_SWAPPED};
	struct page_region region;
	int r = -EINVAL; /* it does not know a category */

	for (size_t i = 0; i < ARRAY_SIZE(sets) && r == -EINVAL; i++) {
		struct pm_scan_arg scan = question(sets[i], CRYO_SCAN_ALL, 0, 0, &region, 1);

		r = ask(pagemap, &scan);
		if (r >= 0)
			return sets[i];
	}
	return 0;
}

/* Where the next pages are, from *start on, as far as the page tables reach without a gap, but not
 * too many. 1, 0 if there are none, or -errno. */
static int find_tables(
	int pagemap, uint64_t wanted, uint64_t *start, uint64_t end, uint64_t *ret_end)
{
	struct page_region regions[FEW_REGIONS];
	struct pm_scan_arg scan =
		question(wanted, CRYO_SCAN_ALL, *start, end, regions, FEW_REGIONS);
	int n;

	scan.max_pages = STRETCH_PAGES;
	n = ask(pagemap, &scan);
	if (n <= 0)
		return n;
	*start = regions[0].start;
	*ret_end = regions[0].end;
	for (int i = 1; i < n; i++) {
		if (regions[i].start / TABLE_REACH > (*ret_end - 1) / TABLE_REACH + 1)
			break;
		*ret_end = regions[i].end;
	}
	return 1;
}

static int scan_stretch(int pagemap, uint64_t wanted, enum cryo_scan which, uint64_t *start,
	uint64_t end, struct cryo_extent *extents, size_t room, size_t *count)
{
	struct page_region regions[REGIONS];

	while (*start < end && room - *count > 0) {
		size_t most = room - *count < REGIONS ? room - *count : REGIONS;
		struct pm_scan_arg scan = question(wanted, which, *start, end, regions, most);
		int n = ask(pagemap, &scan);

		if (n < 0)
			return n;
		for (int i = 0; i < n; i++)
			add_extent(extents, room, count, regions[i].start, regions[i].end);
		if (scan.walk_end <= *start)
			return -EIO;
		*start = scan.walk_end;
	}
	return 0;
}

/*
 * To protect what matches, the kernel makes page tables for what is not there (Linux 6.18: 2 GiB of
 * them for 1 TiB of nothing). So it is asked only about what has page tables.
 */
static int scan_written(int pagemap, uint64_t wanted, uint64_t *start, uint64_t end,
	struct cryo_extent *extents, size_t room, size_t *count)
{
	int r = 0;

	while (r == 0 && *start < end && room - *count > 0) {
		uint64_t stretch_end = end;

		r = find_tables(pagemap, wanted, start, end, &stretch_end);
		if (r > 0)
			r = scan_stretch(pagemap, wanted, CRYO_SCAN_WRITTEN, start, stretch_end,
				extents, room, count);
		else if (r == 0)
			*start = end;
	}
	return r;
}

int cryo_pagemap_scan(int pagemap, uint64_t wanted, enum cryo_scan which, uint64_t start,
	uint64_t end, struct cryo_extent *extents, size_t room, size_t *ret_count,
	uint64_t *ret_next)
{
	size_t count = 0;
	int r = which == CRYO_SCAN_WRITTEN
			? scan_written(pagemap, wanted, &start, end, extents, room, &count)
			: scan_stretch(pagemap, wanted, which, &start, end, extents, room, &count);

	if (r < 0)
		return r;
	*ret_count = count;
	*ret_next = start;
	return 0;
}

int cryo_pagemap_walk(int pagemap, uint64_t page_size, uint64_t start, uint64_t end,
	struct cryo_extent *extents, size_t room, size_t *ret_count, uint64_t *ret_next)
{
	uint64_t entries[ENTRIES];
	size_t count = 0;

	while (start < end) {
		size_t pages = (end - start) / page_size;
		size_t ask = (pages < ENTRIES ? pages : ENTRIES) * sizeof(entries[0]);
		ssize_t got = cryo_io_pread(
			pagemap, entries, ask, (off_t)(start / page_size * sizeof(entries[0])));

		if (got < (ssize_t)sizeof(entries[0]))
			return got < 0 ? (int)got : -EIO;
		for (size_t i = 0; i < (size_t)got / sizeof(entries[0]); i++, start += page_size) {
			if (!(entries[i] & (ENTRY_PRESENT | CRYO_PAGEMAP_SWAPPED)))
				continue;
			if (!add_extent(extents, room, &count, start, start + page_size)) {
				end = start;
				break;
			}
		}
	}
	*ret_count = count;
	*ret_next = start;
	return 0;
}

/* The entry of a page. Whether it was to be had. */
static bool read_entry(int pagemap, uint64_t page_size, uint64_t address, uint64_t *ret_entry)
{
	off_t offset = (off_t)(address / page_size * sizeof(*ret_entry));

	return cryo_io_pread(pagemap, ret_entry, sizeof(*ret_entry), offset) == sizeof(*ret_entry);
}

bool cryo_pagemap_is_guard(int pagemap, uint64_t page_size, uint64_t address)
{
	uint64_t entry;

	return read_entry(pagemap, page_size, address, &entry) && entry & ENTRY_GUARD;
}

bool cryo_pagemap_is_own(int pagemap, uint64_t page_size, uint64_t address)
{
	uint64_t entry;

	if (!read_entry(pagemap, page_size, address, &entry))
		return true;
	return entry & (ENTRY_PRESENT | CRYO_PAGEMAP_SWAPPED) && !(entry & ENTRY_FILE);
}
