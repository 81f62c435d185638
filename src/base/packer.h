// SPDX-License-Identifier: MIT
/*
 * Compression by zstd(1) of what is written once, from its beginning to its end.
 */
#pragma once

#include <stddef.h>

enum {
	CRYO_PACKER_LEVEL_MAX = 19 /* higher levels need more memory to be unpacked */
};

struct cryo_packer;

/* Where compressed bytes go: all of them are taken. 0 or -errno. */
typedef int cryo_packer_put(void *user, const void *data, size_t size);

/* To be asked before anything is begun that is to be compressed. 0, or -ELIBACC: libzstd cannot be
 * loaded. */
int cryo_packer_ready(void);

/**
 * cryo_packer_new - begin a frame, with a checksum (RFC 8878).
 * @level: 1 to CRYO_PACKER_LEVEL_MAX
 *
 * As many threads as there are processors, at most four, compress. 0, -ELIBACC (libzstd cannot
 * be loaded), -ENOMEM or -EINVAL.
 */
int cryo_packer_new(int level, cryo_packer_put *put, void *user, struct cryo_packer **ret_packer);

/* Append bytes. 0, -ENOMEM, or what @put returned; that is also what every later call returns. */
int cryo_packer_write(struct cryo_packer *packer, const void *data, size_t size);

/* End the frame. As cryo_packer_write(). */
int cryo_packer_finish(struct cryo_packer *packer);

void cryo_packer_free(struct cryo_packer *packer);
