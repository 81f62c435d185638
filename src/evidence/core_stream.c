// SPDX-License-Identifier: MIT
/*
 * The head of the stream tells what an archive has to know before the first byte. It comes from a
 * process of ours that reads a hostile one, so it is checked like anything else.
 */
#include "evidence/core_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"

/* See include/cryocore/cryocore.h, sparse_stream. */
#define STREAM_MAGIC 0x31767370736f7963ULL

enum {
	STEP = 256 * 1024,
	STRETCHES_MAX = 1 << 26 /* 32 TiB of data, one stretch for each 512 KiB */
};

struct head {
	uint64_t magic, size, n_stretches;
};

struct storing {
	int fd;
	struct cryo_sink_file *file;
	struct cryo_hash hash;
	uint64_t position;
	uint8_t *buffer;
	struct cryo_core_keep *keep; /* or NULL */
};

static bool are_in_order(const struct cryo_sink_entry *entry)
{
	uint64_t end = 0;

	for (size_t i = 0; i < entry->n_extents; i++) {
		const struct cryo_sink_extent *extent = &entry->extents[i];

		if (extent->offset < end || extent->size > entry->size ||
			extent->offset > entry->size - extent->size)
			return false;
		end = extent->offset + extent->size;
	}
	return true;
}

/* 0, -ENODATA, -EBADMSG, -ENOMEM or -errno. The extents are malloc'ed. */
static int read_head(int fd, struct cryo_sink_entry *ret_entry)
{
	struct head head;
	struct cryo_sink_entry entry;
	struct cryo_sink_extent *extents;
	ssize_t n = cryo_io_read(fd, &head, sizeof(head));

	if (n <= 0)
		return n < 0 ? (int)n : -ENODATA;
	if (n != sizeof(head) || head.magic != STREAM_MAGIC || head.n_stretches > STRETCHES_MAX ||
		head.size > INT64_MAX)
		return -EBADMSG;
	extents = malloc((head.n_stretches + 1) * sizeof(*extents));
	if (!extents)
		return -ENOMEM;
	entry = (struct cryo_sink_entry){head.size, extents, head.n_stretches};
	n = cryo_io_read(fd, extents, head.n_stretches * sizeof(*extents));
	if (n != (ssize_t)(head.n_stretches * sizeof(*extents)) || !are_in_order(&entry)) {
		free(extents);
		return n < 0 ? (int)n : -EBADMSG;
	}
	*ret_entry = entry;
	return 0;
}

static int store_hole(struct storing *storing, uint64_t until)
{
	uint64_t size = until - storing->position;

	cryo_hash_add_zeros(&storing->hash, size);
	storing->position = until;
	return cryo_sink_skip(storing->file, size);
}

/* One stretch. 0, 1 at an early end, or -errno. */
static int store_stretch(struct storing *storing, const struct cryo_sink_extent *extent)
{
	uint64_t end = extent->offset + extent->size;
	int r = store_hole(storing, extent->offset);

	while (r == 0 && storing->position < end) {
		uint64_t left = end - storing->position;
		ssize_t n = cryo_io_read(storing->fd, storing->buffer, left < STEP ? left : STEP);

		if (n <= 0)
			return n < 0 ? (int)n : 1;
		cryo_hash_add(&storing->hash, storing->buffer, (size_t)n);
		if (storing->keep)
			cryo_core_keep_pass(
				storing->keep, storing->position, storing->buffer, (size_t)n);
		storing->position += (uint64_t)n;
		r = cryo_sink_write(storing->file, storing->buffer, (size_t)n);
	}
	return r;
}

static int store_all(struct storing *storing, const struct cryo_sink_entry *entry)
{
	int r = 0;

	for (size_t i = 0; i < entry->n_extents && r == 0; i++)
		r = store_stretch(storing, &entry->extents[i]);
	return r == 0 ? store_hole(storing, entry->size) : r;
}

/* Whoever writes to us must not wait for a reader that has given up. */
static void drain(int fd, uint8_t *buffer)
{
	while (cryo_io_read(fd, buffer, STEP) > 0)
		;
}

static uint64_t holes_of(const struct cryo_sink_entry *entry)
{
	uint64_t holes = entry->size;

	for (size_t i = 0; i < entry->n_extents; i++)
		holes -= entry->extents[i].size;
	return holes;
}

static int store(struct storing *storing, struct cryo_sink *sink, const char *path,
	const struct cryo_sink_entry *entry, struct cryo_deposit_sum *ret_sum)
{
	struct cryo_deposit_sum sum = {.size = entry->size};
	int r = cryo_sink_create(sink, path, entry, &storing->file), last = 0;

	if (r < 0)
		return r;
	if (holes_of(entry) > CRYO_HASH_HOLES_MAX)
		cryo_hash_init_sparse(&storing->hash);
	else
		cryo_hash_init(&storing->hash);
	sum.sparse = storing->hash.sparse;
	r = store_all(storing, entry);
	if (r == 0)
		last = cryo_sink_commit(storing->file);
	else
		cryo_sink_abandon(storing->file); /* which fills it up */
	if (r != 0)
		cryo_hash_add_zeros(&storing->hash, entry->size - storing->position);
	cryo_hash_finish(&storing->hash, sum.sha256);
	*ret_sum = sum;
	return r == 0 ? last : r;
}

int cryo_core_stream_store(int fd, struct cryo_sink *sink, const char *path,
	struct cryo_core_keep *keep, struct cryo_deposit_sum *ret_sum)
{
	_cleanup_free_ uint8_t *buffer = malloc(STEP);
	struct storing storing = {.fd = fd, .buffer = buffer, .keep = keep};
	struct cryo_sink_entry entry;
	int r;

	if (!buffer)
		return -ENOMEM;
	r = read_head(fd, &entry);
	if (r == 0 && keep)
		keep->error = cryo_core_keep_begin(CRYO_KEEP_STACKS, keep);
	if (r == 0) {
		r = store(&storing, sink, path, &entry, ret_sum);
		free((void *)entry.extents);
		if (keep)
			cryo_core_keep_end(keep, entry.size);
	}
	drain(fd, buffer);
	return r;
}
