// SPDX-License-Identifier: MIT
/*
 * What is packed is unpacked; what is cut or changed is not taken for whole.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/input.h"
#include "base/io.h"
#include "base/packer.h"

enum {
	SIZE = 3 << 20
};

static int keep(void *user, const void *data, size_t size)
{
	return cryo_buffer_add(user, data, size);
}

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * i >> 7 ^ i);
}

static void pack(struct cryo_buffer *packed)
{
	struct cryo_packer *packer;
	uint8_t piece[1000];

	cr_assert_eq(cryo_packer_new(3, keep, packed, &packer), 0);
	for (size_t at = 0; at < SIZE;) {
		size_t size = SIZE - at < sizeof(piece) ? SIZE - at : sizeof(piece);

		for (size_t i = 0; i < size; i++)
			piece[i] = byte_at(at + i);
		cr_assert_eq(cryo_packer_write(packer, piece, size), 0);
		at += size;
	}
	cr_assert_eq(cryo_packer_finish(packer), 0);
	cryo_packer_free(packer);
}

/* Reads all: bytes, or the error that ended it. */
static ssize_t unpack(const void *data, size_t size, bool check)
{
	int fd = memfd_create("packed", MFD_CLOEXEC);
	struct cryo_input *input;
	uint8_t piece[777];
	ssize_t n, total = 0;

	cr_assert(fd >= 0 && cryo_io_pwrite(fd, data, size, 0) == 0);
	cr_assert_eq(cryo_input_open(fd, &input), 0);
	while ((n = cryo_input_read(input, piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; check && i < n; i++)
			cr_assert_eq(piece[i], byte_at((size_t)(total + i)));
		total += n;
	}
	cryo_input_close(input);
	close(fd);
	return n < 0 ? n : total;
}

Test(packer, round_trip)
{
	_cleanup_buffer_ struct cryo_buffer packed = {0};

	pack(&packed);
	cr_expect_eq(unpack(packed.data, packed.size, true), SIZE);
}

Test(packer, frames_follow_each_other)
{
	_cleanup_buffer_ struct cryo_buffer packed = {0};

	pack(&packed);
	pack(&packed);
	cr_expect_eq(unpack(packed.data, packed.size, false), 2 * SIZE);
}

Test(packer, plain_input)
{
	cr_expect_eq(unpack("plain", 5, false), 5);
	cr_expect_eq(unpack("", 0, false), 0);
	cr_expect_eq(unpack("\x28\xb5\x2f", 3, false), 3, "the beginning of a magic number");
}

Test(packer, cut)
{
	_cleanup_buffer_ struct cryo_buffer packed = {0};

	pack(&packed);
	for (size_t cut = 4; cut < packed.size; cut += packed.size / 50)
		cr_expect_eq(unpack(packed.data, cut, false), -ENODATA, "at %zu", cut);
	cr_expect_eq(unpack(packed.data, packed.size - 1, false), -ENODATA);
}

Test(packer, changed)
{
	_cleanup_buffer_ struct cryo_buffer packed = {0};

	pack(&packed);
	for (size_t at = 100; at < packed.size; at += packed.size / 50) {
		packed.data[at] ^= 1;
		cr_expect_lt(unpack(packed.data, packed.size, false), 0, "at %zu", at);
		packed.data[at] ^= 1;
	}
	cryo_buffer_add(&packed, "junk behind it", 14);
	cr_expect_eq(unpack(packed.data, packed.size, false), -EBADMSG);
}

static int refuse(void *user, const void *data, size_t size)
{
	(void)user;
	(void)data;
	(void)size;
	return -ENOSPC;
}

Test(packer, nowhere_to_go)
{
	struct cryo_packer *packer;

	cr_assert_eq(cryo_packer_new(1, refuse, NULL, &packer), 0);
	cryo_packer_write(packer, "x", 1);
	cr_expect_eq(cryo_packer_finish(packer), -ENOSPC);
	cr_expect_eq(cryo_packer_write(packer, "x", 1), -ENOSPC, "and it stays so");
	cryo_packer_free(packer);
}
