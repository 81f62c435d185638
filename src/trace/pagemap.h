// SPDX-License-Identifier: MIT
/*
 * The two kernel interfaces that tell which pages of a process are there
 * (Documentation/admin-guide/mm/pagemap.rst; include/uapi/linux/fs.h of Linux 6.7 for the ioctl,
 * which Debian 12's headers lack).
 */
#pragma once

#include "trace/memory.h"

/* Of an entry of pagemap: the page is in swap, or a guard page. */
#define CRYO_PAGEMAP_SWAPPED (1ULL << 62)

/* The categories by which PAGEMAP_SCAN finds pages that are there, and guard pages, which are in
 * the way of a mapped file's bytes; 0 if the ioctl is not there. */
uint64_t cryo_pagemap_probe_scan(int pagemap);

/* cryo_memory_scan() by the ioctl, for the categories in @wanted, and by reading one 64-bit
 * entry a page. -EIO: there is no answer, as of an address space that has gone. */
int cryo_pagemap_scan(int pagemap, uint64_t wanted, enum cryo_scan which, uint64_t start,
	uint64_t end, struct cryo_extent *extents, size_t room, size_t *ret_count,
	uint64_t *ret_next);
int cryo_pagemap_walk(int pagemap, uint64_t page_size, uint64_t start, uint64_t end,
	struct cryo_extent *extents, size_t room, size_t *ret_count, uint64_t *ret_next);

/* cryo_memory_find_own() by the ioctl. */
int cryo_pagemap_find_own(int pagemap, uint64_t start, uint64_t end, struct cryo_extent *extents,
	size_t room, size_t *ret_count, uint64_t *ret_next);

/* A guard page (MADV_GUARD_INSTALL; told from Linux 6.14 on): it counts as swapped, holds nothing.
 */
bool cryo_pagemap_is_guard(int pagemap, uint64_t page_size, uint64_t address);

/* A page of the process's own, in memory or not; also if that cannot be told. */
bool cryo_pagemap_is_own(int pagemap, uint64_t page_size, uint64_t address);
