// SPDX-License-Identifier: MIT
/*
 * Everything that is evidence passes through here once: the digest in the manifest is that of the
 * bytes that were handed to the sink, not of what a later read of the file gives.
 *
 * Errors of the sink stick, so that a generator of text may print line after line and ask once.
 */
#include "evidence/deposit.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/io.h"

enum {
	PENDING_SIZE = 1 << 16,
	CHUNK_SIZE = 1 << 17,
	HOLE_STEP = 1 << 24
};

int cryo_deposit_open(
	struct cryo_sink *sink, const char *path, uint64_t limit, struct cryo_deposit *ret_deposit)
{
	struct cryo_deposit deposit = {.sink = sink, .limit = limit};

	if (strlen(path) >= sizeof(deposit.path))
		return -ENAMETOOLONG;
	strcpy(deposit.path, path);
	cryo_hash_init(&deposit.hash);
	*ret_deposit = deposit;
	return 0;
}

static int ensure_file(struct cryo_deposit *deposit)
{
	if (!deposit->file && deposit->error == 0)
		deposit->error =
			cryo_sink_create(deposit->sink, deposit->path, NULL, &deposit->file);
	return deposit->error;
}

/* How much of `size` bytes still fits. */
static uint64_t clip(struct cryo_deposit *deposit, uint64_t size)
{
	uint64_t room = deposit->limit - deposit->size;

	if (size <= room)
		return size;
	deposit->cut = true;
	return room;
}

static int write_now(struct cryo_deposit *deposit, const void *data, size_t size)
{
	size = (size_t)clip(deposit, size);
	if (size == 0 || ensure_file(deposit) < 0)
		return deposit->error;
	deposit->error = cryo_sink_write(deposit->file, data, size);
	if (deposit->error < 0)
		return deposit->error;
	cryo_hash_add(&deposit->hash, data, size);
	deposit->size += size;
	if (deposit->beat)
		deposit->beat(deposit->user);
	return 0;
}

static int flush(struct cryo_deposit *deposit)
{
	int r = write_now(deposit, deposit->pending.data, deposit->pending.size);

	deposit->pending.size = 0;
	return r;
}

static int flush_if_large(struct cryo_deposit *deposit)
{
	return deposit->pending.size < PENDING_SIZE ? deposit->error : flush(deposit);
}

int cryo_deposit_write(struct cryo_deposit *deposit, const void *data, size_t size)
{
	int r = flush(deposit);

	return r < 0 ? r : write_now(deposit, data, size);
}

/* A hole of a terabyte takes its time to be hashed: the watcher hears of it. */
static void hash_hole(struct cryo_deposit *deposit, uint64_t size)
{
	while (size) {
		uint64_t step = size < HOLE_STEP ? size : HOLE_STEP;

		cryo_hash_add_zeros(&deposit->hash, step);
		size -= step;
		if (deposit->beat)
			deposit->beat(deposit->user);
	}
}

int cryo_deposit_add(struct cryo_deposit *deposit, const void *data, size_t size)
{
	int r = cryo_buffer_add(&deposit->pending, data, size);

	return r < 0 ? r : flush_if_large(deposit);
}

int cryo_deposit_skip(struct cryo_deposit *deposit, uint64_t size)
{
	int r = flush(deposit);

	size = clip(deposit, size);
	if (r < 0 || size == 0 || ensure_file(deposit) < 0)
		return deposit->error;
	deposit->error = cryo_sink_skip(deposit->file, size);
	if (deposit->error < 0)
		return deposit->error;
	hash_hole(deposit, size);
	deposit->size += size;
	return 0;
}

int cryo_deposit_printf(struct cryo_deposit *deposit, const char *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = cryo_buffer_vprintf(&deposit->pending, format, arguments);
	va_end(arguments);
	return r < 0 ? r : flush_if_large(deposit);
}

int cryo_deposit_escape(struct cryo_deposit *deposit, const void *data, size_t size, bool blanks)
{
	int r = blanks ? cryo_escape_word(&deposit->pending, data, size)
		       : cryo_escape(&deposit->pending, data, size);

	return r < 0 ? r : flush_if_large(deposit);
}

static void sum(struct cryo_deposit *deposit, struct cryo_deposit_sum *ret_sum)
{
	ret_sum->size = deposit->size;
	ret_sum->sparse = deposit->hash.sparse;
	cryo_hash_finish(&deposit->hash, ret_sum->sha256);
	cryo_buffer_clear(&deposit->pending);
}

int cryo_deposit_commit(struct cryo_deposit *deposit, struct cryo_deposit_sum *ret_sum)
{
	int r = flush(deposit);

	sum(deposit, ret_sum);
	if (r == 0)
		r = ensure_file(deposit);
	if (r == 0)
		return cryo_sink_commit(deposit->file);
	if (deposit->file)
		cryo_sink_abandon(deposit->file);
	return r;
}

bool cryo_deposit_abandon(struct cryo_deposit *deposit, struct cryo_deposit_sum *ret_sum)
{
	flush(deposit);
	sum(deposit, ret_sum);
	if (deposit->file)
		cryo_sink_abandon(deposit->file);
	return deposit->file != NULL;
}

/* One piece of data at `at`, after the hole before it. Bytes gone forward, 0 at the end, -errno. */
static off_t copy_piece(struct cryo_deposit *deposit, int fd, off_t at, uint8_t *chunk)
{
	off_t data, hole, size;
	ssize_t n;
	int r;

	cryo_io_find_data(fd, at, &data, &hole);
	r = data > at ? cryo_deposit_skip(deposit, (uint64_t)(data - at)) : 0;
	size = hole - data < CHUNK_SIZE ? hole - data : CHUNK_SIZE;
	if (r < 0 || size <= 0)
		return r;
	n = cryo_io_pread(fd, chunk, (size_t)size, data);
	if (n <= 0)
		return n;
	r = write_now(deposit, chunk, (size_t)n);
	return r < 0 ? r : data - at + n;
}

int cryo_deposit_copy(struct cryo_deposit *deposit, int fd)
{
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK_SIZE);
	off_t at = 0, step;
	int r = flush(deposit);

	if (!chunk)
		return -ENOMEM;
	while (r == 0 && !deposit->cut) {
		step = copy_piece(deposit, fd, at, chunk);
		if (step <= 0)
			return (int)step;
		at += step;
	}
	return r;
}
