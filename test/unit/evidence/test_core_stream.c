// SPDX-License-Identifier: MIT
/* A sparse stream, whole, cut and false, into a directory. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "evidence/core_stream.h"

struct stream {
	uint64_t magic, size, count, stretches[4];
	char data[8];
};

static const struct stream good = {
	0x31767370736f7963ULL, 20, 2, {0, 4, 10, 4}, {'h', 'e', 'a', 'd', 't', 'a', 'i', 'l'}};

static int file_with(const struct stream *stream, size_t size)
{
	int fd = memfd_create("stream", 0);

	cr_assert_eq(write(fd, stream, size), (ssize_t)size);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* What storing a stream returns; @directory is made. */
static int store(
	const struct stream *stream, size_t size, char *directory, struct cryo_deposit_sum *ret_sum)
{
	struct cryo_sink *sink;
	int fd = file_with(stream, size), r;

	strcpy(directory, "/tmp/cryocore-stream-XXXXXX");
	cr_assert(mkdtemp(directory));
	cr_assert_eq(cryo_sink_open_directory(directory, &sink), 0);
	r = cryo_core_stream_store(fd, sink, "core", NULL, ret_sum);
	cryo_sink_close(sink);
	close(fd);
	return r;
}

static void remove_directory(const char *directory)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

Test(core_stream, a_whole_one_becomes_the_file)
{
	static const char expected[20] = "head\0\0\0\0\0\0tail";
	char directory[64], path[80], seen[32];
	uint8_t digest[CRYO_DIGEST_SIZE];
	struct cryo_deposit_sum sum;
	struct cryo_hash hash;
	int fd;

	cr_assert_eq(store(&good, sizeof(good), directory, &sum), 0);
	snprintf(path, sizeof(path), "%s/core", directory);
	fd = open(path, O_RDONLY);
	cr_assert_eq(read(fd, seen, sizeof(seen)), 20);
	cr_assert_arr_eq(seen, expected, 20);
	cryo_hash_init(&hash);
	cryo_hash_add(&hash, expected, 20);
	cryo_hash_finish(&hash, digest);
	cr_assert_eq(sum.size, 20);
	cr_assert_arr_eq(sum.sha256, digest, CRYO_DIGEST_SIZE);
	close(fd);
	remove_directory(directory);
}

Test(core_stream, an_early_end_is_told_and_has_no_final_name)
{
	char directory[64], path[80];
	struct cryo_deposit_sum sum;

	for (size_t size = sizeof(good) - 8; size < sizeof(good); size++) {
		cr_assert_eq(store(&good, size, directory, &sum), 1, "cut at %zu", size);
		snprintf(path, sizeof(path), "%s/core", directory);
		cr_assert_neq(access(path, F_OK), 0);
		remove_directory(directory);
	}
	cr_assert_eq(store(&good, 0, directory, &sum), -ENODATA);
	remove_directory(directory);
}

Test(core_stream, a_false_head_is_refused)
{
	static const struct stream bad[] = {
		{1, 20, 2, {0, 4, 10, 4}, {0}},
		{0x31767370736f7963ULL, 20, 2, {0, 4, 3, 4}, {0}},
		{0x31767370736f7963ULL, 20, 2, {0, 4, 18, 4}, {0}},
		{0x31767370736f7963ULL, 20, 2, {0, 4, UINT64_MAX, 4}, {0}},
		{0x31767370736f7963ULL, 20, UINT64_MAX, {0, 4, 10, 4}, {0}},
		{0x31767370736f7963ULL, UINT64_MAX, 2, {0, 4, 10, 4}, {0}},
	};
	char directory[64];
	struct cryo_deposit_sum sum;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(store(&bad[i], sizeof(bad[i]), directory, &sum), -EBADMSG, "%zu", i);
		remove_directory(directory);
	}
}
