// SPDX-License-Identifier: MIT
/*
 * Files that exist only because somebody holds them open: deleted ones and memfds. Each is copied
 * once, under the lowest descriptor that leads to it, as deleted/FD.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "evidence/item.h"
#include "proc/procfs.h"

/* What was copied already; a process that holds more different files repeats some. */
enum {
	SEEN_MAX = 1 << 16
};

struct seen {
	struct file {
		uint64_t inode;
		uint32_t major, minor;
	} * array;
	size_t count;
};

static void seen_clear(struct seen *seen)
{
	free(seen->array);
}

static bool is_new(struct seen *seen, const struct statx *status)
{
	struct file file = {status->stx_ino, status->stx_dev_major, status->stx_dev_minor}, *added;

	for (size_t i = 0; i < seen->count; i++)
		if (seen->array[i].inode == file.inode && seen->array[i].major == file.major &&
			seen->array[i].minor == file.minor)
			return false;
	added = seen->count < SEEN_MAX ? cryo_array_add(seen->array, seen->count) : NULL;
	if (added)
		*added = file;
	return true;
}

static bool is_deleted_file(int live, const char *path, struct statx *ret_status)
{
	return statx(live, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_BASIC_STATS,
		       ret_status) == 0 &&
	       S_ISREG(ret_status->stx_mode) && ret_status->stx_nlink == 0;
}

/* The descriptor in "deleted/FD"; -1 if it is another item. */
static int descriptor_of(const char *name)
{
	int fd;

	return name && sscanf(name, "deleted/%d", &fd) == 1 ? fd : -1;
}

int cryo_collect_deleted(const struct cryo_collector *collector, const char *after)
{
	_cleanup_(seen_clear) struct seen seen = {0};
	_cleanup_free_ pid_t *fds = NULL;
	int last = descriptor_of(after);
	size_t count;
	int r = cryo_procfs_list(collector->live, "fd", &fds, &count);

	if (r < 0)
		return 0; /* dirs_and_descriptors has the same error in its record */
	for (size_t i = 0; r == 0 && i < count; i++) {
		char path[32], name[CRYO_ITEM_NAME_SIZE];
		struct statx status;

		snprintf(path, sizeof(path), "fd/%d", fds[i]);
		snprintf(name, sizeof(name), "deleted/%d", fds[i]);
		if (is_deleted_file(collector->live, path, &status) && is_new(&seen, &status) &&
			fds[i] > last)
			r = cryo_collect_copy(
				collector, name, collector->live, path, collector->max_copy);
	}
	return r;
}
