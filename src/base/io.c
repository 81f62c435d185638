// SPDX-License-Identifier: MIT
/*
 * The only loops around the read and write family. The offset of -1 stands for "the current one".
 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	READ_STEP = 1 << 16,
	MANY_DESCRIPTORS = 1 << 20 /* fs.nr_open of most systems: no limit is higher */
};

static ssize_t read_once(int fd, void *data, size_t size, off_t offset)
{
	ssize_t n;

	do
		n = offset < 0 ? read(fd, data, size) : pread(fd, data, size, offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t read_whole(int fd, void *data, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		off_t at = offset < 0 ? -1 : offset + (off_t)done;
		ssize_t n = read_once(fd, (char *)data + done, size - done, at);

		if (n < 0)
			return done ? (ssize_t)done : n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Whoever made a pipe may have told it not to wait (node(1) does). Whether it is worth a retry. */
static bool wait_for_room(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_NONBLOCK) && (poll(&ready, 1, -1) > 0 || errno == EINTR);
}

static int write_whole(int fd, const void *data, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		const char *from = (const char *)data + done;
		ssize_t n = offset < 0 ? write(fd, from, size - done)
				       : pwrite(fd, from, size - done, offset + (off_t)done);

		if (n < 0 && (errno == EINTR || (errno == EAGAIN && wait_for_room(fd))))
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		done += (size_t)n;
	}
	return 0;
}

ssize_t cryo_io_read(int fd, void *data, size_t size)
{
	return read_whole(fd, data, size, -1);
}

ssize_t cryo_io_pread(int fd, void *data, size_t size, off_t offset)
{
	return offset < 0 ? -EINVAL : read_whole(fd, data, size, offset);
}

int cryo_io_write(int fd, const void *data, size_t size)
{
	return write_whole(fd, data, size, -1);
}

int cryo_io_pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return offset < 0 ? -EINVAL : write_whole(fd, data, size, offset);
}

int cryo_io_read_all(int fd, size_t limit, struct cryo_buffer *buffer)
{
	size_t start = buffer->size;

	for (;;) {
		size_t left = limit - (buffer->size - start);
		size_t step = left < READ_STEP ? left + 1 : READ_STEP;
		int r = cryo_buffer_reserve(buffer, step);
		ssize_t n;

		if (r < 0)
			return r;
		n = read_once(fd, buffer->data + buffer->size, step, -1);
		if (n < 0)
			return (int)n;
		buffer->size += (size_t)n;
		if (buffer->size - start > limit)
			buffer->size = start + limit;
		buffer->data[buffer->size] = 0;
		if (n == 0)
			return 0;
		if ((size_t)n > left)
			return 1;
	}
}

void cryo_io_find_data(int fd, off_t at, off_t *ret_data, off_t *ret_hole)
{
	off_t data = lseek(fd, at, SEEK_DATA), hole = -1;

	if (data < 0 && errno == ENXIO) { /* a hole up to the end, or the end */
		data = hole = lseek(fd, 0, SEEK_END);
	} else if (data >= at) {
		hole = lseek(fd, data, SEEK_HOLE);
	}
	*ret_data = data > at ? data : at;
	*ret_hole = hole >= data ? hole : INT64_MAX;
}

/* Each close(2) of a file asks, not only the last (flush in struct file_operations). */
int cryo_io_flush(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy >= 0 && close(copy) < 0 ? -errno : 0;
}

static int rename_by_link(int directory, const char *from, const char *to)
{
	if (linkat(directory, from, directory, to, 0) == 0)
		return unlinkat(directory, from, 0) < 0 ? -errno : 0;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	if (faccessat(directory, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(directory, from, directory, to) < 0 ? -errno : 0;
}

int cryo_io_rename_new(int directory, const char *from, const char *to)
{
	if (renameat2(directory, from, directory, to, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EINVAL || errno == ENOSYS ? rename_by_link(directory, from, to) : -errno;
}

int cryo_io_check_room(unsigned int count)
{
	int fds[CRYO_IO_ROOM_MAX], r = 0;
	unsigned int n = 0;

	while (n < count && n < CRYO_IO_ROOM_MAX && r == 0) {
		fds[n] = open("/", O_PATH | O_CLOEXEC);
		r = fds[n] < 0 ? -errno : 0;
		n += r == 0;
	}
	while (n)
		close(fds[--n]);
	return r;
}

int cryo_io_make_directory(int at, const char *path)
{
	if (mkdirat(at, path, 0700) < 0)
		return -errno;
	fchmodat(at, path, 0700, AT_SYMLINK_NOFOLLOW); /* without it, to open it tells */
	return 0;
}

void cryo_io_close_range(int first, int last)
{
	long limit = sysconf(_SC_OPEN_MAX);

	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	if (limit < 0 || limit > MANY_DESCRIPTORS)
		limit = MANY_DESCRIPTORS;
	for (int fd = first; fd <= last && fd < limit; fd++) /* before Linux 5.9 */
		close(fd);
}
