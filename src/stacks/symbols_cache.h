// SPDX-License-Identifier: MIT
/*
 * Symbols of files, kept from one process to the next: most have the same libraries.
 */
#pragma once

#include "stacks/symbols.h"

struct cryo_symbols_cache;

/* NULL if there is no memory for it. */
struct cryo_symbols_cache *cryo_symbols_cache_new(void);
void cryo_symbols_cache_free(struct cryo_symbols_cache *cache);

/* The symbols of an open file, known by device, inode, size and times; NULL if they are not there.
 */
struct cryo_symbols *cryo_symbols_cache_find(const struct cryo_symbols_cache *cache, int fd);

/* Keep the symbols of an open file, @size bytes of memory. Whether the cache, which is bounded,
 * took them over. */
bool cryo_symbols_cache_add(
	struct cryo_symbols_cache *cache, int fd, struct cryo_symbols *symbols, size_t size);
