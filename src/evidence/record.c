// SPDX-License-Identifier: MIT
/*
 * The file is a head and an array. The collector alone writes, by pwrite(2) at places that it
 * computes; the head counts the records that are whole, and is written after each of them.
 */
#include "evidence/record.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"

bool cryo_record_is_missing(const struct cryo_record *record)
{
	return record->cut || (record->error && record->error != ENOENT && record->error != EINVAL);
}

struct head {
	uint64_t beats;
	uint64_t count;
	char current[CRYO_ITEM_NAME_SIZE];
};

static int read_head(int fd, struct head *ret_head)
{
	ssize_t n = cryo_io_pread(fd, ret_head, sizeof(*ret_head), 0);

	if (n == (ssize_t)sizeof(*ret_head))
		return 0;
	return n < 0 ? (int)n : -EIO;
}

static int write_head(int fd, struct head *head)
{
	head->beats++;
	return cryo_io_pwrite(fd, head, sizeof(*head), 0);
}

static off_t place(size_t index)
{
	return (off_t)(sizeof(struct head) + index * sizeof(struct cryo_record));
}

int cryo_records_create(void)
{
	_cleanup_close_ int fd = memfd_create("records", MFD_CLOEXEC);
	struct head head = {0};
	int r;

	if (fd < 0)
		return -errno;
	r = write_head(fd, &head);
	return r < 0 ? r : steal_fd(&fd);
}

int cryo_records_begin(int fd, const char *name)
{
	struct head head;
	int r = read_head(fd, &head);

	if (r < 0)
		return r;
	memset(head.current, 0, sizeof(head.current));
	memcpy(head.current, name, strnlen(name, sizeof(head.current) - 1));
	return write_head(fd, &head);
}

int cryo_records_beat(int fd)
{
	struct head head;
	int r = read_head(fd, &head);

	return r < 0 ? r : write_head(fd, &head);
}

int cryo_records_add(int fd, const struct cryo_record *record)
{
	struct head head;
	int r = read_head(fd, &head);

	if (r == 0)
		r = cryo_io_pwrite(fd, record, sizeof(*record), place(head.count));
	if (r < 0)
		return r;
	head.count++;
	memset(head.current, 0, sizeof(head.current));
	return write_head(fd, &head);
}

uint64_t cryo_records_progress(int fd)
{
	struct head head;

	return read_head(fd, &head) < 0 ? 0 : head.beats;
}

int cryo_records_unfinished(int fd, char ret_name[CRYO_ITEM_NAME_SIZE])
{
	struct head head;
	int r = read_head(fd, &head);

	if (r < 0)
		return r;
	memcpy(ret_name, head.current, sizeof(head.current));
	return 0;
}

int cryo_records_get(int fd, size_t index, struct cryo_record *ret_record)
{
	struct head head;
	int r = read_head(fd, &head);
	ssize_t n;

	if (r < 0 || index >= head.count)
		return r;
	n = cryo_io_pread(fd, ret_record, sizeof(*ret_record), place(index));
	if (n == (ssize_t)sizeof(*ret_record))
		return 1;
	return n < 0 ? (int)n : -EIO;
}
