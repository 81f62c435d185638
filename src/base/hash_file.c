// SPDX-License-Identifier: MIT
/*
 * Two files are hashed in step: as many blocks of one as of the other, while both have some.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/sha256_pair.h"

enum {
	ZEROS_SIZE = 1 << 14,
	CHUNK_SIZE = 1 << 17
};

static uint8_t zeros[ZEROS_SIZE]; /* not const: it costs no room in the program */

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

/* A file while it is read. What is to be hashed next is @hole zeros, and then @size bytes. */
struct source {
	int fd, error;
	off_t at, end;
	uint64_t hole;
	const uint8_t *data;
	size_t size;
	struct cryo_hash hash;
	uint8_t chunk[CHUNK_SIZE];
};

static void begin(struct source *source, int fd)
{
	source->fd = fd;
	source->error = 0;
	source->at = 0;
	source->hole = source->size = 0;
	source->end = lseek(fd, 0, SEEK_END);
	if (source->end < 0)
		source->error = -errno;
	cryo_hash_init(&source->hash);
	source->hash.sparse = source->error == 0 && is_sparse(fd, source->end);
}

/* Whether there is something to be hashed. */
static bool fill(struct source *source)
{
	off_t data, hole, left;
	ssize_t n;

	if (source->hole || source->size)
		return true;
	if (source->error < 0 || source->at >= source->end)
		return false;
	cryo_io_find_data(source->fd, source->at, &data, &hole);
	data = data < source->end ? data : source->end;
	left = (hole < source->end ? hole : source->end) - data;
	n = cryo_io_pread(
		source->fd, source->chunk, (size_t)(left < CHUNK_SIZE ? left : CHUNK_SIZE), data);
	if (n < 0 || (n == 0 && left)) {
		source->error = n < 0 ? (int)n : -EIO;
		return false;
	}
	source->hole = (uint64_t)(data - source->at);
	source->data = source->chunk;
	source->size = (size_t)n;
	source->at = data + n;
	return true;
}

/* Hash what there is. */
static void hash_one(struct source *source)
{
	cryo_hash_add_zeros(&source->hash, source->hole);
	cryo_hash_add(&source->hash, source->data, source->size);
	source->hole = source->size = 0;
}

/* The bytes that lie together, and how many of them are whole blocks. */
static size_t blocks_of(const struct source *source, const uint8_t **ret_data)
{
	size_t size = source->size;

	*ret_data = source->data;
	if (source->hole) {
		*ret_data = zeros;
		size = source->hole < ZEROS_SIZE ? (size_t)source->hole : ZEROS_SIZE;
	}
	return source->hash.sparse || source->hash.state.index ? 0 : size / CRYO_SHA256_BLOCK;
}

static void pass(struct source *source, size_t blocks)
{
	size_t size = blocks * CRYO_SHA256_BLOCK;

	source->hash.state.count += blocks;
	if (source->hole) {
		source->hole -= size;
	} else {
		source->data += size;
		source->size -= size;
	}
}

/* Hash as many blocks of both. Whether there were any. */
static bool hash_two(struct source sources[2])
{
	uint32_t *const states[2] = {sources[0].hash.state.state, sources[1].hash.state.state};
	const uint8_t *data[2];
	size_t one = blocks_of(&sources[0], &data[0]), two = blocks_of(&sources[1], &data[1]);
	size_t blocks = one < two ? one : two;

	if (!blocks)
		return false;
	cryo_sha256_pair(states, data, blocks);
	pass(&sources[0], blocks);
	pass(&sources[1], blocks);
	return true;
}

static void hash_together(struct source sources[2])
{
	while (fill(&sources[0]) && fill(&sources[1]))
		if (!hash_two(sources)) {
			hash_one(&sources[0]);
			hash_one(&sources[1]);
		}
}

static void finish(struct source *source, struct cryo_hashed *file)
{
	while (fill(source))
		hash_one(source);
	file->error = source->error;
	file->sparse = source->hash.sparse;
	file->size = source->error == 0 ? (uint64_t)source->end : 0;
	cryo_hash_finish(&source->hash, file->digest);
}

void cryo_hash_files(struct cryo_hashed *files, size_t count)
{
	_cleanup_free_ struct source *sources = malloc(2 * sizeof(*sources));

	for (size_t i = 0; i < count; i += 2) {
		size_t n = count - i < 2 ? 1 : 2;

		for (size_t k = 0; k < n && sources; k++)
			begin(&sources[k], files[i + k].fd);
		if (n == 2 && sources && cryo_sha256_can_pair())
			hash_together(sources);
		for (size_t k = 0; k < n; k++)
			if (sources)
				finish(&sources[k], &files[i + k]);
			else
				files[i + k].error = -ENOMEM;
	}
}

int cryo_hash_file(
	int fd, uint8_t ret_digest[CRYO_DIGEST_SIZE], uint64_t *ret_size, bool *ret_sparse)
{
	struct cryo_hashed file = {.fd = fd};

	cryo_hash_files(&file, 1);
	if (file.error < 0)
		return file.error;
	memcpy(ret_digest, file.digest, sizeof(file.digest));
	*ret_size = file.size;
	*ret_sparse = file.sparse;
	return 0;
}
