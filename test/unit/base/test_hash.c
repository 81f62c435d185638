// SPDX-License-Identifier: MIT
/* Digests against known ones (FIPS 180-4 examples), and the sparse one against its definition. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
