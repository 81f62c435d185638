// SPDX-License-Identifier: MIT
/* Whole reads and writes, short counts, and the limit. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

/* A file in memory with `size` bytes 'x', read from its start. */
static int make_file(size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	_cleanup_free_ char *bytes = malloc(size + 1);

	cr_assert_geq(fd, 0);
	memset(bytes, 'x', size + 1);
	cr_assert_eq(cryo_io_write(fd, bytes, size), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

Test(io, reads_a_file_to_its_end)
{
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		_cleanup_close_ int fd = make_file(sizes[i]);
		_cleanup_buffer_ struct cryo_buffer buffer = {0};

		cr_assert_eq(cryo_io_read_all(fd, SIZE_MAX, &buffer), 0);
		cr_assert_eq(buffer.size, sizes[i]);
		cr_assert_eq(buffer.data[buffer.size], 0);
	}
}

Test(io, limit_cuts_exactly)
{
	static const size_t limits[] = {0, 1, 99, 100, 101, 65536};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		_cleanup_close_ int fd = make_file(100);
		_cleanup_buffer_ struct cryo_buffer buffer = {0};

		cr_assert_eq(cryo_buffer_add(&buffer, "head", 4), 0);
		cr_assert_eq(cryo_io_read_all(fd, limits[i], &buffer), limits[i] < 100);
		cr_assert_eq(buffer.size, 4 + (limits[i] < 100 ? limits[i] : 100));
	}
}

Test(io, reads_a_pipe_in_pieces)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(cryo_io_write(ends[1], "one", 3), 0);
	cr_assert_eq(cryo_io_write(ends[1], "two", 3), 0);
	close(ends[1]);
	cr_assert_eq(cryo_io_read_all(ends[0], 100, &buffer), 0);
	cr_assert_str_eq((char *)buffer.data, "onetwo");
	close(ends[0]);
}

Test(io, fewer_bytes_only_at_the_end)
{
	_cleanup_close_ int fd = make_file(10);
	char data[16];

	cr_assert_eq(cryo_io_read(fd, data, 4), 4);
	cr_assert_eq(cryo_io_read(fd, data, 16), 6);
	cr_assert_eq(cryo_io_read(fd, data, 16), 0);
	cr_assert_eq(cryo_io_pread(fd, data, 16, 3), 7);
	cr_assert_eq(cryo_io_pread(fd, data, 16, 100), 0);
}

Test(io, writes_where_it_was_told)
{
	_cleanup_close_ int fd = make_file(4);
	char data[5] = "";

	cr_assert_eq(cryo_io_pwrite(fd, "ab", 2, 1), 0);
	cr_assert_eq(cryo_io_pread(fd, data, 4, 0), 4);
	cr_assert_str_eq(data, "xabx");
}

Test(io, a_negative_offset_is_not_the_current_one)
{
	_cleanup_close_ int fd = make_file(4);
	char data[4];

	cr_assert_eq(cryo_io_pread(fd, data, 4, -4096), -EINVAL);
	cr_assert_eq(cryo_io_pwrite(fd, data, 4, -4096), -EINVAL);
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 0);
}

Test(io, gives_the_error_of_the_system_call)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	char data[4];

	cr_assert_eq(cryo_io_read(-1, data, 4), -EBADF);
	cr_assert_eq(cryo_io_read_all(-1, 10, &buffer), -EBADF);
	cr_assert_eq(cryo_io_write(full, "x", 1), -ENOSPC);
}

Test(io, closes_a_range_of_descriptors)
{
	int first = make_file(1), between = make_file(1), last = make_file(1);

	cryo_io_close_range(between, between);
	cr_assert_eq(fcntl(between, F_GETFD), -1);
	cr_assert_geq(fcntl(first, F_GETFD), 0);
	cr_assert_geq(fcntl(last, F_GETFD), 0);
	cryo_io_close_range(last, first);
	cr_assert_geq(fcntl(last, F_GETFD), 0, "an empty range");
	cryo_io_close_range(last, INT_MAX);
	cr_assert_eq(fcntl(last, F_GETFD), -1);
	cr_assert_geq(fcntl(first, F_GETFD), 0);
	close(first);
}

/* Read to the end what somebody writes, but not before it is full. */
static uint64_t read_late(int fd, size_t full)
{
	char data[4096];
	uint64_t sum = 0;
	int there = 0;
	ssize_t n;

	while (ioctl(fd, FIONREAD, &there) == 0 && (size_t)there < full)
		sched_yield();
	while ((n = read(fd, data, sizeof(data))) > 0)
		sum += (uint64_t)n;
	return sum;
}

Test(io, writes_all_to_a_pipe_that_does_not_wait)
{
	enum {
		SIZE = 1 << 20
	};
	_cleanup_free_ char *bytes = calloc(1, SIZE);
	int ends[2], status;
	pid_t child;

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	child = fork();
	if (child == 0) {
		int size = fcntl(ends[0], F_GETPIPE_SZ);

		close(ends[1]);
		fcntl(ends[0], F_SETFL, 0);
		_exit(read_late(ends[0], (size_t)size) == SIZE ? 0 : 1);
	}
	close(ends[0]);
	cr_assert_eq(cryo_io_write(ends[1], bytes, SIZE), 0);
	close(ends[1]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
}

Test(io, room_for_descriptors)
{
	struct rlimit limit = {CRYO_IO_ROOM_MAX, CRYO_IO_ROOM_MAX};
	unsigned int room = 0;

	for (int fd = 0; fd < CRYO_IO_ROOM_MAX; fd++)
		room += fcntl(fd, F_GETFD) < 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 2; i++) /* none is kept */
		cr_expect_eq(cryo_io_check_room(room), 0);
	cr_expect_eq(cryo_io_check_room(room + 1), -EMFILE);
}
