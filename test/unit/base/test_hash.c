// SPDX-License-Identifier: MIT
/* Digests against known ones (FIPS 180-4 examples), and the sparse one against its definition. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"

static void expect(struct cryo_hash *hash, const char *expected)
{
	uint8_t digest[CRYO_DIGEST_SIZE];
	char hex[CRYO_DIGEST_HEX_SIZE];

	cryo_hash_finish(hash, digest);
	cryo_hash_hex(digest, hex);
	cr_assert_str_eq(hex, expected);
}

Test(hash, known_answers)
{
	struct cryo_hash hash;

	cryo_hash_init(&hash);
	cryo_hash_add(&hash, "abc", 3);
	expect(&hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	cryo_hash_init(&hash);
	expect(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* The definition, written out: offset and bytes of the blocks 0 and 3. */
static void by_definition(uint8_t ret_digest[CRYO_DIGEST_SIZE])
{
	uint8_t block[CRYO_HASH_BLOCK] = {'a', 'b'}, offset[8] = {0};
	struct cryo_hash hash;

	cryo_hash_init(&hash);
	cryo_hash_add(&hash, offset, sizeof(offset));
	cryo_hash_add(&hash, block, sizeof(block));
	memset(block, 0, sizeof(block));
	block[4095] = 'z';
	offset[1] = 0x30;
	cryo_hash_add(&hash, offset, sizeof(offset));
	cryo_hash_add(&hash, block, sizeof(block));
	cryo_hash_finish(&hash, ret_digest);
}

Test(hash, sparse_is_what_it_is_defined_as_however_it_is_cut)
{
	static uint8_t file[5 * CRYO_HASH_BLOCK + 10] = {'a', 'b'};
	uint8_t expected[CRYO_DIGEST_SIZE], seen[CRYO_DIGEST_SIZE];
	const uint64_t begin = 2, end = 4 * CRYO_HASH_BLOCK - 1;
	struct cryo_hash hash;

	file[end] = 'z';
	by_definition(expected);
	for (size_t step = 1; step < sizeof(file); step = 3 * step + 7) {
		cryo_hash_init_sparse(&hash);
		for (size_t at = 0; at < sizeof(file); at += step)
			cryo_hash_add(&hash, file + at,
				step < sizeof(file) - at ? step : sizeof(file) - at);
		cryo_hash_finish(&hash, seen);
		cr_assert_arr_eq(seen, expected, sizeof(seen), "in steps of %zu", step);
	}
	cryo_hash_init_sparse(&hash);
	cryo_hash_add(&hash, "ab", 2);
	cryo_hash_add_zeros(&hash, end - begin);
	cryo_hash_add(&hash, "z", 1);
	cryo_hash_add_zeros(&hash, 1ULL << 45);
	cryo_hash_finish(&hash, seen);
	cr_assert_arr_eq(seen, expected, sizeof(seen), "holes of any size");
}

Test(hash, a_file_of_more_holes_than_the_limit_gets_a_sparse_digest)
{
	uint8_t expected[CRYO_DIGEST_SIZE], seen[CRYO_DIGEST_SIZE];
	int fd = memfd_create("file", 0);
	uint64_t size;
	bool sparse;

	cr_assert_eq(pwrite(fd, "ab", 2, 0), 2);
	cr_assert_eq(pwrite(fd, "z", 1, 4 * CRYO_HASH_BLOCK - 1), 1);
	cr_assert_eq(ftruncate(fd, 1LL << 40), 0);
	cr_assert_eq(cryo_hash_file(fd, seen, &size, &sparse), 0);
	cr_assert(sparse);
	cr_assert_eq(size, 1ULL << 40);
	by_definition(expected);
	cr_assert_arr_eq(seen, expected, sizeof(seen));
	cr_assert_eq(ftruncate(fd, 1LL << 20), 0);
	cr_assert_eq(cryo_hash_file(fd, seen, &size, &sparse), 0);
	cr_assert_not(sparse);
	close(fd);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* A file of data and holes, not always in whole blocks, and its digest by nettle alone. */
static int make_file(uint64_t *state, uint8_t ret_expected[CRYO_DIGEST_SIZE])
{
	size_t size = next_random(state) % (1 << 19);
	_cleanup_free_ uint8_t *bytes = calloc(1, size + 1);
	int fd = memfd_create("file", MFD_CLOEXEC);
	struct sha256_ctx hash;

	for (size_t at = 0; at < size; at += next_random(state) % 90000) {
		size_t length = next_random(state) % 70000;

		length = length < size - at ? length : size - at;
		for (size_t i = 0; i < length; i++)
			bytes[at + i] = (uint8_t)next_random(state);
		cr_assert_eq(pwrite(fd, bytes + at, length, (off_t)at), length);
	}
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	sha256_init(&hash);
	sha256_update(&hash, size, bytes);
	sha256_digest(&hash, CRYO_DIGEST_SIZE, ret_expected);
	return fd;
}

Test(hash, files_are_hashed_together_as_each_alone)
{
	enum {
		FILES = 31
	};
	uint8_t expected[FILES][CRYO_DIGEST_SIZE], alone[CRYO_DIGEST_SIZE];
	struct cryo_hashed files[FILES + 1];
	uint64_t state = 7, size;
	bool sparse;

	for (size_t i = 0; i < FILES; i++)
		files[i].fd = make_file(&state, expected[i]);
	files[FILES].fd = -1;
	cryo_hash_files(files, FILES + 1);
	for (size_t i = 0; i < FILES; i++) {
		cr_assert_eq(files[i].error, 0);
		cr_assert_arr_eq(files[i].digest, expected[i], CRYO_DIGEST_SIZE, "file %zu", i);
		cr_assert_eq(cryo_hash_file(files[i].fd, alone, &size, &sparse), 0);
		cr_assert_arr_eq(alone, expected[i], CRYO_DIGEST_SIZE);
		cr_assert_eq(size, files[i].size);
		close(files[i].fd);
	}
	cr_assert_eq(files[FILES].error, -EBADF);
}
