// SPDX-License-Identifier: MIT
#include "stacks/symbols_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	FILES_MAX = 128,
	BYTES_MAX = 64 << 20
};

struct entry {
	struct stat file;
	struct cryo_symbols *symbols;
};

struct cryo_symbols_cache {
	struct entry entries[FILES_MAX];
	size_t count, bytes;
};

struct cryo_symbols_cache *cryo_symbols_cache_new(void)
{
	return calloc(1, sizeof(struct cryo_symbols_cache));
}

void cryo_symbols_cache_free(struct cryo_symbols_cache *cache)
{
	for (size_t i = 0; cache && i < cache->count; i++)
		cryo_symbols_free(cache->entries[i].symbols);
	free(cache);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) == 0 &&
	       memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim)) == 0;
}

struct cryo_symbols *cryo_symbols_cache_find(const struct cryo_symbols_cache *cache, int fd)
{
	struct stat file;

	if (fstat(fd, &file) < 0)
		return NULL;
	for (size_t i = 0; i < cache->count; i++)
		if (is_same(&cache->entries[i].file, &file))
			return cache->entries[i].symbols;
	return NULL;
}

bool cryo_symbols_cache_add(
	struct cryo_symbols_cache *cache, int fd, struct cryo_symbols *symbols, size_t size)
{
	struct entry *entry = &cache->entries[cache->count];

	if (cache->count == FILES_MAX || size > BYTES_MAX - cache->bytes ||
		fstat(fd, &entry->file) < 0)
		return false;
	entry->symbols = symbols;
	cache->bytes += size;
	cache->count++;
	return true;
}
