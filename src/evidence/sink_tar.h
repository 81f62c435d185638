// SPDX-License-Identifier: MIT
/*
 * Evidence as one tar stream (pax interchange format, POSIX.1-2001, with GNU sparse 1.0 entries):
 * strictly sequential, nothing on the local disk. bsdtar, GNU tar and Python's tarfile extract it.
 */
#pragma once

#include "evidence/sink.h"

/**
 * struct cryo_tar_options - how the stream is made.
 * @fd: where it goes; not owned
 * @zstd_level: 0: not compressed; else 1 to 19
 * @stall_ms: how long the reader may take nothing; 0: for ever
 */
struct cryo_tar_options {
	int fd;
	int zstd_level;
	unsigned int stall_ms;
};

/**
 * cryo_sink_open_tar - begin the stream.
 *
 * A file whose extents are announced is written as it comes, and holds the stream until it is
 * committed or abandoned; abandoned, the rest of it is zeros and `PATH.partial` stands behind it as
 * an empty file, since a stream cannot take a name back. Any other file is kept in memory until
 * then. Files may be written by several threads.
 *
 * Returns 0, -ELIBACC (libarchive is not there), -ENOMEM or -errno. Later calls return -EPIPE when
 * the reader has gone, -ETIMEDOUT when it stalls; cryo_sink_tar_finish() tells whether the end was
 * written.
 */
int cryo_sink_open_tar(const struct cryo_tar_options *options, struct cryo_sink **ret_sink);

/* Write the end of the archive. 0 or -errno. The sink is still to be closed. */
int cryo_sink_tar_finish(struct cryo_sink *sink);
