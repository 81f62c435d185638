// SPDX-License-Identifier: MIT
/*
 * SHA-256 (FIPS 180-4), as evidence is checked with: a thin wrapper of nettle.
 */
#pragma once

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CRYO_DIGEST_SIZE = SHA256_DIGEST_SIZE,
	CRYO_DIGEST_HEX_SIZE = 2 * SHA256_DIGEST_SIZE + 1
};

/* Holes of more bytes than this make a file's digest a sparse one. */
#define CRYO_HASH_HOLES_MAX (16ULL << 30)

enum {
	CRYO_HASH_BLOCK = 4096
};

/**
 * struct cryo_hash - a digest in the making.
 * @sparse: blocks of zeros are left out; @block has @position % CRYO_HASH_BLOCK bytes of a block
 */
struct cryo_hash {
	struct sha256_ctx state;
	bool sparse;
	uint64_t position;
	uint8_t block[CRYO_HASH_BLOCK];
};

/* To be asked once, before anything is begun of which there will be digests. 0, or -ELIBACC: nettle
 * cannot be loaded. */
int cryo_hash_ready(void);

void cryo_hash_init(struct cryo_hash *hash);

/**
 * cryo_hash_init_sparse - begin a digest for which holes cost nothing.
 *
 * It is the SHA-256 of each block of 4096 bytes that is not all zero (the last one filled up with
 * zeros), each behind its offset as 8 bytes, the lowest first. So it does not depend on where a
 * file system keeps holes. SHA-256 of 1 TiB of zeros takes a quarter of an hour.
 */
void cryo_hash_init_sparse(struct cryo_hash *hash);
void cryo_hash_add(struct cryo_hash *hash, const void *data, size_t size);

/* Add a hole of a sparse file: as many zero bytes. */
void cryo_hash_add_zeros(struct cryo_hash *hash, uint64_t size);

/* The digest of everything added; the hash is as new afterwards. */
void cryo_hash_finish(struct cryo_hash *hash, uint8_t ret_digest[CRYO_DIGEST_SIZE]);

/* Lower-case hexadecimal digits and a NUL. */
void cryo_hash_hex(const uint8_t digest[CRYO_DIGEST_SIZE], char ret_hex[CRYO_DIGEST_HEX_SIZE]);

/**
 * cryo_hash_file - digest of a whole file, its holes skipped by SEEK_DATA (lseek(2)).
 * @fd: a file that can be read at an offset; its own offset is changed
 * @ret_sparse: it has so many holes that the digest is a sparse one
 * @ret_size: bytes of the file
 *
 * Returns 0 or -errno of lseek(2) or read(2); -EIO if the file shrank meanwhile.
 */
int cryo_hash_file(
	int fd, uint8_t ret_digest[CRYO_DIGEST_SIZE], uint64_t *ret_size, bool *ret_sparse);
