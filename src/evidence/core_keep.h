// SPDX-License-Identifier: MIT
/*
 * What stacks need of a core that only passes by, on its way into an archive: headers, notes,
 * stacks and small segments, kept in memory in a file without a name that is a core with larger
 * holes.
 */
#pragma once

#include <stdbool.h>

#include "evidence/sink.h"

/**
 * struct cryo_core_keep - a core of which little is kept.
 * @fd: the file; -1: nothing is kept
 * @size: bytes that were kept
 * @ranges: of the file, in order, that are kept; owned; known once the notes have passed
 * @error: negative: something of them was lost
 */
struct cryo_core_keep {
	int fd;
	uint64_t size;
	bool decided;
	struct cryo_sink_extent *ranges;
	size_t n_ranges, next;
	int error;
};

#define CRYO_CORE_KEEP_NONE ((struct cryo_core_keep){.fd = -1})

/* Begin, with the size of the whole core. 0 or -errno of memfd_create(2) and ftruncate(2). */
int cryo_core_keep_begin(uint64_t core_size, struct cryo_core_keep *ret_keep);

/* Bytes pass by, at an offset of the core; never at one before those that have passed. */
void cryo_core_keep_pass(
	struct cryo_core_keep *keep, uint64_t offset, const void *data, size_t size);

void cryo_core_keep_clear(struct cryo_core_keep *keep);
