// SPDX-License-Identifier: MIT
/*
 * The collector alone writes the records, those behind the first by pwrite(2) at places that it
 * computes. The head lies in memory that both have mapped, so that a sign of life costs no system
 * call. It counts the records that are whole; an item is unfinished while it was begun behind the
 * last of them: one store ends it, wherever a kill strikes.
 */
#include "evidence/record.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

enum {
	FIRST = 64, /* more than the items of a process without deleted files */
};

bool cryo_record_is_missing(const struct cryo_record *record)
{
	return record->cut || (record->error && record->error != ENOENT && record->error != EINVAL);
}

/* @begun: one more than @count while @current is being made. */
struct cryo_records_head {
	_Atomic uint64_t beats, count, begun;
	char current[CRYO_ITEM_NAME_SIZE];
	struct cryo_record first[FIRST];
};

/* In the file, of one that is not among the first. */
static off_t place(uint64_t index)
{
	return (off_t)((index - FIRST) * sizeof(struct cryo_record));
}

int cryo_records_create(struct cryo_records *ret_records)
{
	_cleanup_close_ int fd = memfd_create("records", MFD_CLOEXEC);
	void *head;

	if (fd < 0)
		return -errno;
	head = mmap(NULL, sizeof(*ret_records->head), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (head == MAP_FAILED)
		return -errno;
	*ret_records = (struct cryo_records){steal_fd(&fd), head};
	return 0;
}

void cryo_records_destroy(struct cryo_records *records)
{
	cryo_cleanup_close(&records->fd);
	if (records->head)
		munmap(records->head, sizeof(*records->head));
	*records = CRYO_RECORDS_NONE;
}

void cryo_records_reset(struct cryo_records *records)
{
	records->head->count = records->head->begun = 0;
}

void cryo_records_beat(struct cryo_records *records)
{
	records->head->beats++;
}

void cryo_records_begin(struct cryo_records *records, const char *name)
{
	struct cryo_records_head *head = records->head;

	memset(head->current, 0, sizeof(head->current));
	memcpy(head->current, name, strnlen(name, sizeof(head->current) - 1));
	head->begun = head->count + 1;
	cryo_records_beat(records);
}

int cryo_records_add(struct cryo_records *records, const struct cryo_record *record)
{
	struct cryo_records_head *head = records->head;
	int r = 0;

	if (head->count < FIRST)
		head->first[head->count] = *record;
	else
		r = cryo_io_pwrite(records->fd, record, sizeof(*record), place(head->count));
	if (r < 0)
		return r;
	head->count++;
	cryo_records_beat(records);
	return 0;
}

uint64_t cryo_records_progress(const struct cryo_records *records)
{
	return records->head->beats;
}

bool cryo_records_unfinished(const struct cryo_records *records, char ret_name[CRYO_ITEM_NAME_SIZE])
{
	const struct cryo_records_head *head = records->head;

	if (head->begun <= head->count)
		return false;
	memcpy(ret_name, head->current, sizeof(head->current));
	return true;
}

uint64_t cryo_records_count(const struct cryo_records *records)
{
	return records->head->count;
}

int cryo_records_get(
	const struct cryo_records *records, uint64_t index, struct cryo_record *ret_record)
{
	ssize_t n;

	if (index >= records->head->count)
		return 0;
	if (index < FIRST) {
		*ret_record = records->head->first[index];
		return 1;
	}
	n = cryo_io_pread(records->fd, ret_record, sizeof(*ret_record), place(index));
	if (n == (ssize_t)sizeof(*ret_record))
		return 1;
	return n < 0 ? (int)n : -EIO;
}
