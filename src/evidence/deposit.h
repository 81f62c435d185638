// SPDX-License-Identifier: MIT
/*
 * A file of evidence while it is being written: what goes to the sink is hashed and counted on the
 * way, bounded, and never silently incomplete.
 */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "evidence/sink.h"

/**
 * struct cryo_deposit - a file of a sink.
 * @file: NULL until the first byte is written, so that an item that cannot be had leaves no file
 * @limit: most bytes it may get
 * @cut: something did not fit under the limit
 * @beat: if not NULL, called after every write: a sign of life for a watcher
 * @error: the first error of the sink, negative; later writes do nothing
 *
 * Text is gathered in @pending and written in larger pieces.
 */
struct cryo_deposit {
	struct cryo_sink *sink;
	char path[CRYO_SINK_PATH_MAX];
	struct cryo_sink_file *file;
	struct cryo_hash hash;
	struct cryo_buffer pending;
	uint64_t size, limit;
	bool cut;
	int error;
	void (*beat)(void *user);
	void *user;
};

/* What became of a file: its size and its digest, over its holes as zeros too unless it is @sparse
 * (cryo_hash_init_sparse()). */
struct cryo_deposit_sum {
	uint64_t size;
	bool sparse;
	uint8_t sha256[CRYO_DIGEST_SIZE];
};

/* Prepare the file @path of a sink; commit or abandon ends it. 0, or -ENAMETOOLONG. */
int cryo_deposit_open(
	struct cryo_sink *sink, const char *path, uint64_t limit, struct cryo_deposit *ret_deposit);

/* Append bytes. 0, or -errno of the sink; bytes over the limit are dropped, and @cut is set. */
int cryo_deposit_write(struct cryo_deposit *deposit, const void *data, size_t size);

/* Append a few bytes, which are written with others. As cryo_deposit_write(), or -ENOMEM. */
int cryo_deposit_add(struct cryo_deposit *deposit, const void *data, size_t size);

/* Append a hole. As cryo_deposit_write(). */
int cryo_deposit_skip(struct cryo_deposit *deposit, uint64_t size);

/* Append text. As cryo_deposit_write(), or -ENOMEM. */
int cryo_deposit_printf(struct cryo_deposit *deposit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Append bytes of an enemy by cryo_escape(), with blanks as \x20 too if they may not divide. */
int cryo_deposit_escape(struct cryo_deposit *deposit, const void *data, size_t size, bool blanks);

/* Whether all is written and the file, be it empty, has its name: 0 or -errno of the sink. */
int cryo_deposit_commit(struct cryo_deposit *deposit, struct cryo_deposit_sum *ret_sum);

/* Leave it as *.partial, if anything was written: whether so. The sum is that of what there is. */
bool cryo_deposit_abandon(struct cryo_deposit *deposit, struct cryo_deposit_sum *ret_sum);

/**
 * cryo_deposit_copy - append a file, holes kept.
 * @fd: of a file that knows SEEK_DATA, or any other that can be read
 *
 * Reads to the end of the file, in pieces, from its beginning. Returns 0, -errno of read(2), or
 * what cryo_deposit_write() returns.
 */
int cryo_deposit_copy(struct cryo_deposit *deposit, int fd);
