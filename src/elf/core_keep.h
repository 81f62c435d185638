// SPDX-License-Identifier: MIT
/*
 * What stacks need of a core that only passes by, on its way into an archive: headers, notes,
 * stacks and small segments, kept in memory in a file without a name that is a core with larger
 * holes.
 */
#pragma once

#include <stdbool.h>

#include <stddef.h>
#include <stdint.h>

#include "base/input.h"

/* What is kept behind headers and notes. */
enum cryo_core_keep_what {
	CRYO_KEEP_STACKS, /* the stack of each thread, and small segments */
	CRYO_KEEP_TAIL,   /* what stands behind the last segment */
};

/* A stretch of the file. */
struct cryo_core_range {
	uint64_t offset, end;
};

/**
 * struct cryo_core_keep - a core of which little is kept.
 * @fd: the file; -1: nothing is kept
 * @what: is kept
 * @size: bytes that were kept
 * @decided: headers and notes have passed; looked for at @next_look, which doubles, since an
 * enemy's program headers take their time
 * @ranges: of the file, in order, that are kept; owned; known once the notes have passed
 * @error: negative: something of them was lost
 */
struct cryo_core_keep {
	int fd;
	enum cryo_core_keep_what what;
	uint64_t size, next_look;
	bool decided;
	struct cryo_core_range *ranges;
	size_t n_ranges, next;
	int error;
};

#define CRYO_CORE_KEEP_NONE ((struct cryo_core_keep){.fd = -1})

/* Begin. 0 or -errno of memfd_create(2). */
int cryo_core_keep_begin(enum cryo_core_keep_what what, struct cryo_core_keep *ret_keep);

/* Bytes pass by, at an offset of the core; never at one before those that have passed. */
void cryo_core_keep_pass(
	struct cryo_core_keep *keep, uint64_t offset, const void *data, size_t size);

/**
 * cryo_core_keep_end - all has passed: give the file the size that the core has.
 *
 * Returns 0; -ENOEXEC or -EMEDIUMTYPE (what passed is no core); -E2BIG, -ENOMEM, -EFBIG (headers
 * and notes are more than is kept), or -errno of write(2) or ftruncate(2). The same is in
 * @keep->error.
 */
int cryo_core_keep_end(struct cryo_core_keep *keep, uint64_t core_size);

/**
 * cryo_core_keep_input - let all of an input pass.
 * @ret_keep: begun here; the caller's to clear
 *
 * Returns 0; what cryo_input_read() returned before the end: what came until then is kept; or what
 * cryo_core_keep_begin() and cryo_core_keep_end() return: then there is no core.
 */
int cryo_core_keep_input(
	struct cryo_input *input, enum cryo_core_keep_what what, struct cryo_core_keep *ret_keep);

void cryo_core_keep_clear(struct cryo_core_keep *keep);
