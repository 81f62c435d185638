// SPDX-License-Identifier: MIT
/*
 * The holes of a core are most of it, and have to be hashed as the zeros that every other program
 * reads there; so they come from one page of zeros and never from the file.
 */
#include "base/hash.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

enum {
	ZEROS_SIZE = 1 << 14,
	CHUNK_SIZE = 1 << 17
};

void cryo_hash_init(struct cryo_hash *hash)
{
	sha256_init(&hash->state);
}

void cryo_hash_add(struct cryo_hash *hash, const void *data, size_t size)
{
	sha256_update(&hash->state, size, data);
}

void cryo_hash_add_zeros(struct cryo_hash *hash, uint64_t size)
{
	static const uint8_t zeros[ZEROS_SIZE];

	for (; size > ZEROS_SIZE; size -= ZEROS_SIZE)
		sha256_update(&hash->state, ZEROS_SIZE, zeros);
	sha256_update(&hash->state, size, zeros);
}

void cryo_hash_finish(struct cryo_hash *hash, uint8_t ret_digest[CRYO_DIGEST_SIZE])
{
	sha256_digest(&hash->state, CRYO_DIGEST_SIZE, ret_digest);
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

/* Start of the data at or behind `from`; the size of the file if there is none. */
static off_t next_data(int fd, off_t from, off_t size)
{
	off_t data = lseek(fd, from, SEEK_DATA);

	if (data < 0 && errno == EINVAL)
		return from; /* a file system without SEEK_DATA: all is data */
	return data < 0 || data > size ? size : data;
}

int cryo_hash_file(int fd, uint8_t ret_digest[CRYO_DIGEST_SIZE], uint64_t *ret_size)
{
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK_SIZE);
	off_t size = lseek(fd, 0, SEEK_END), at = 0;
	struct cryo_hash hash;

	if (!chunk)
		return -ENOMEM;
	if (size < 0)
		return -errno;
	cryo_hash_init(&hash);
	while (at < size) {
		off_t data = next_data(fd, at, size);
		off_t left = size - data;
		ssize_t n = cryo_io_pread(
			fd, chunk, (size_t)(left < CHUNK_SIZE ? left : CHUNK_SIZE), data);

		if (n < 0 || (n == 0 && left))
			return n < 0 ? (int)n : -EIO;
		cryo_hash_add_zeros(&hash, (uint64_t)(data - at));
		cryo_hash_add(&hash, chunk, (size_t)n);
		at = data + n;
	}
	cryo_hash_finish(&hash, ret_digest);
	*ret_size = (uint64_t)size;
	return 0;
}
