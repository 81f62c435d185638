// SPDX-License-Identifier: MIT
/*
 * An output file that has its name only when it is whole, and the stream that has no name at all.
 *
 * The file is made as NAME.partial (O_EXCL, O_NOFOLLOW, mode 0600) and renamed at the end. What
 * fails in between leaves NAME.partial behind, which says what it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "capture/dropbehind.h"

/* A stretch of data in a sparse stream. */
struct cryo_stretch {
	uint64_t offset, size;
};

/* What a sparse stream begins with; @n_stretches of struct cryo_stretch follow, then their bytes.
 */
struct cryo_sparse_head {
	uint64_t magic, size, n_stretches;
};

#define CRYO_SPARSE_MAGIC 0x31767370736f7963ULL /* "cyospsv1" */

struct cryo_packer;

/**
 * struct cryo_output - where bytes go.
 * @fd: the file, or the stream, which is not owned
 * @dir: directory of the file; -1 for a stream
 * @path: as the user knows it; @name is its last part
 * @partial: name until it is whole
 * @overwrite: the final name may exist
 * @behind: whether it passes through the page cache
 * @stream: it has no name
 * @forward: it is written strictly in order, and cannot be read back: a stream, or what is
 * compressed
 * @packer: compresses; owned; NULL: nothing does
 * @position: if @forward, bytes written so far, holes included
 * @steps: counted up with each piece that is written forward; NULL: nobody looks at it
 * @stretches: of a sparse stream, where its data lies; owned; @stretch is the one at the position
 */
struct cryo_output {
	int fd;
	int dir;
	char *path, *name, *partial;
	bool overwrite;
	struct cryo_dropbehind behind;
	bool stream, forward;
	bool sparse;
	struct cryo_packer *packer;
	uint64_t position;
	_Atomic uint64_t *steps;
	struct cryo_stretch *stretches;
	size_t n_stretches, stretch;
};

#define CRYO_OUTPUT_NONE ((struct cryo_output){.fd = -1, .dir = -1})

/**
 * cryo_output_open - make PATH.partial.
 * @n_begun: counted up just before the file is made, when nothing has that name; down again if it
 *	is not made
 *
 * Returns 0; -EEXIST if PATH or PATH.partial exists and may not be replaced; -errno of open(2).
 */
int cryo_output_open(const char *path, bool overwrite, _Atomic uint32_t *n_begun,
	struct cryo_output *ret_output);

/* A stream that others own; a sparse one has to be announced before anything is written. */
void cryo_output_from_stream(int fd, bool sparse, struct cryo_output *ret_output);

/**
 * cryo_output_announce - begin a sparse stream: say its size and where its data will lie.
 * @stretches: in order, apart; taken over in any case
 *
 * What is then written outside of them is dropped; what is not written inside becomes zeros.
 * 0 or -errno of write(2).
 */
int cryo_output_announce(
	struct cryo_output *output, uint64_t size, struct cryo_stretch *stretches, size_t count);

/* Compress all that will be written. Before that; not a sparse stream. 0, -ENOMEM or -EINVAL. */
int cryo_output_compress(struct cryo_output *output, int level);

/* Write at an offset; in a stream not before its position, and what lies between becomes zeros. */
int cryo_output_write(struct cryo_output *output, const void *data, size_t size, uint64_t offset);

/* Take out of a file all that was written. */
void cryo_output_empty(struct cryo_output *output);

/* Give the file its size (a hole at the end counts), or fill the stream up to it. 0 or -errno. */
int cryo_output_set_size(struct cryo_output *output, uint64_t size);

/* All is written: give the file its name. 0 or -errno; -EEXIST if somebody took the name meanwhile.
 */
int cryo_output_commit(struct cryo_output *output);

/* Remove the partial file if it is empty. Whether it stays. */
bool cryo_output_abandon(struct cryo_output *output);

void cryo_output_close(struct cryo_output *output);

#define _cleanup_output_ _cleanup_(cryo_output_close)
