// SPDX-License-Identifier: MIT
/*
 * A file that is read once, from its beginning to its end, and may be compressed by zstd(1).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cryo_input;

/**
 * cryo_input_open - begin.
 * @fd: stands at the beginning; stays the caller's
 *
 * Returns 0, -ENOMEM, or -errno of read(2).
 */
int cryo_input_open(int fd, struct cryo_input **ret_input);

bool cryo_input_is_compressed(const struct cryo_input *input);

/**
 * cryo_input_read - the next bytes, plain.
 *
 * Returns how many: fewer than @size only at the end; -ENODATA (the compressed data ends in the
 * middle of a frame), -EBADMSG (it is damaged), or -errno of read(2). After an error there is
 * nothing more.
 */
ssize_t cryo_input_read(struct cryo_input *input, void *data, size_t size);

void cryo_input_close(struct cryo_input *input);

static inline void cryo_input_closep(struct cryo_input **input)
{
	cryo_input_close(*input);
}

#define _cleanup_input_ __attribute__((cleanup(cryo_input_closep)))
