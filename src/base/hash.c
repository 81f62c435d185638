// SPDX-License-Identifier: MIT
/*
 * The holes of a core are most of it, and have to be hashed as the zeros that every other program
 * reads there; so they come from one page of zeros and never from the file.
 */
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/nettle_api.h"

enum {
	ZEROS_SIZE = 1 << 14,
	CHUNK_SIZE = 1 << 17
};

static const struct cryo_nettle_api *api;

int cryo_hash_ready(void)
{
	return cryo_nettle_api_get(&api);
}

void cryo_hash_init(struct cryo_hash *hash)
{
	if (!api && cryo_hash_ready() < 0)
		abort(); /* a digest that is none would be a lie */
	api->sha256_init(&hash->state);
	hash->sparse = false;
	hash->position = 0;
	memset(hash->block, 0, sizeof(hash->block));
}

void cryo_hash_init_sparse(struct cryo_hash *hash)
{
	cryo_hash_init(hash);
	hash->sparse = true;
}

static bool is_zero(const uint8_t *block)
{
	return block[0] == 0 && memcmp(block, block + 1, CRYO_HASH_BLOCK - 1) == 0;
}

/* The block is full, or the last one. */
static void flush_block(struct cryo_hash *hash, uint64_t start)
{
	uint8_t offset[8];

	if (is_zero(hash->block))
		return;
	for (size_t i = 0; i < sizeof(offset); i++)
		offset[i] = (uint8_t)(start >> (8 * i));
	api->sha256_update(&hash->state, sizeof(offset), offset);
	api->sha256_update(&hash->state, CRYO_HASH_BLOCK, hash->block);
	memset(hash->block, 0, CRYO_HASH_BLOCK);
}

/* Bytes, or zeros without any, into blocks; whole blocks of zeros are stepped over at once. */
static void add_blocks(struct cryo_hash *hash, const uint8_t *data, uint64_t size)
{
	while (size) {
		uint64_t used = hash->position % CRYO_HASH_BLOCK, room = CRYO_HASH_BLOCK - used;
		uint64_t step = size < room ? size : room;

		if (!data && !used && size >= CRYO_HASH_BLOCK) {
			step = size - size % CRYO_HASH_BLOCK;
		} else if (data) {
			memcpy(hash->block + used, data, step);
			data += step;
		}
		hash->position += step;
		size -= step;
		if (hash->position % CRYO_HASH_BLOCK == 0)
			flush_block(hash, hash->position - CRYO_HASH_BLOCK);
	}
}

void cryo_hash_add(struct cryo_hash *hash, const void *data, size_t size)
{
	if (hash->sparse)
		add_blocks(hash, data, size);
	else
		api->sha256_update(&hash->state, size, data);
}

void cryo_hash_add_zeros(struct cryo_hash *hash, uint64_t size)
{
	static uint8_t zeros[ZEROS_SIZE]; /* not const: it costs no room in the program */

	if (hash->sparse) {
		add_blocks(hash, NULL, size);
		return;
	}
	for (; size > ZEROS_SIZE; size -= ZEROS_SIZE)
		api->sha256_update(&hash->state, ZEROS_SIZE, zeros);
	api->sha256_update(&hash->state, size, zeros);
}

void cryo_hash_finish(struct cryo_hash *hash, uint8_t ret_digest[CRYO_DIGEST_SIZE])
{
	if (hash->sparse)
		flush_block(hash, hash->position - hash->position % CRYO_HASH_BLOCK);
	api->sha256_digest(&hash->state, CRYO_DIGEST_SIZE, ret_digest);
	hash->position = 0;
}

void cryo_hash_hex(const uint8_t digest[CRYO_DIGEST_SIZE], char ret_hex[CRYO_DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < CRYO_DIGEST_SIZE; i++) {
		*ret_hex++ = digits[digest[i] >> 4];
		*ret_hex++ = digits[digest[i] & 15];
	}
	*ret_hex = 0;
}

/* Whether the bytes in holes are more than a whole digest is worth. */
static bool is_sparse(int fd, off_t size)
{
	uint64_t holes = 0;
	off_t at = 0;

	while (at < size && holes <= CRYO_HASH_HOLES_MAX) {
		off_t data, hole;

		cryo_io_find_data(fd, at, &data, &hole);
		data = data < size ? data : size;
		holes += (uint64_t)(data - at);
		at = hole;
	}
	return holes > CRYO_HASH_HOLES_MAX;
}

int cryo_hash_file(
	int fd, uint8_t ret_digest[CRYO_DIGEST_SIZE], uint64_t *ret_size, bool *ret_sparse)
{
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK_SIZE);
	off_t size = lseek(fd, 0, SEEK_END), at = 0;
	struct cryo_hash hash;

	if (!chunk)
		return -ENOMEM;
	if (size < 0)
		return -errno;
	cryo_hash_init(&hash);
	hash.sparse = is_sparse(fd, size);
	while (at < size) {
		off_t data, hole, left;
		ssize_t n;

		cryo_io_find_data(fd, at, &data, &hole);
		data = data < size ? data : size;
		left = (hole < size ? hole : size) - data;
		n = cryo_io_pread(fd, chunk, (size_t)(left < CHUNK_SIZE ? left : CHUNK_SIZE), data);
		if (n < 0 || (n == 0 && left))
			return n < 0 ? (int)n : -EIO;
		cryo_hash_add_zeros(&hash, (uint64_t)(data - at));
		cryo_hash_add(&hash, chunk, (size_t)n);
		at = data + n;
	}
	cryo_hash_finish(&hash, ret_digest);
	*ret_size = (uint64_t)size;
	*ret_sparse = hash.sparse;
	return 0;
}
