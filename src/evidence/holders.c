// SPDX-License-Identifier: MIT
/*
 * A link below /proc/PID/fd has the permission bits of its descriptor: r if it can read, w if it
 * can write (fs/proc/fd.c tid_fd_update_inode()). So fstatat(2) of the link itself tells which end
 * of a pipe it is.
 */
#include "evidence/holders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "proc/procfs.h"
#include "proc/text.h"

bool cryo_holders_parse_link(const char *text, size_t size, uint64_t *ret_inode)
{
	struct cryo_text at = cryo_text_of(text, size);
	uint64_t inode;

	if (!cryo_text_key(&at, "pipe:[", 6) && !cryo_text_key(&at, "socket:[", 8))
		return false;
	if (!cryo_text_number(&at, 10, &inode) || !cryo_text_byte(&at, ']') || at.at != at.end)
		return false;
	*ret_inode = inode;
	return true;
}

/* 0 or -ENOMEM; a descriptor that is gone, or is nothing of interest, is passed over. */
static int add_descriptor(struct cryo_holders *holders, int fd_dir, pid_t pid, int fd)
{
	char name[16], link[64];
	struct cryo_holder *holder;
	struct stat status;
	uint64_t inode;
	ssize_t n;

	snprintf(name, sizeof(name), "%d", fd);
	n = readlinkat(fd_dir, name, link, sizeof(link));
	if (n < 0 || !cryo_holders_parse_link(link, (size_t)n, &inode))
		return 0;
	if (fstatat(fd_dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (holders->count == CRYO_HOLDERS_MAX) {
		holders->truncated = true;
		return 0;
	}
	holder = cryo_array_add(holders->array, holders->count);
	if (!holder)
		return -ENOMEM;
	*holder = (struct cryo_holder){
		inode, pid, fd, (status.st_mode & S_IRUSR) != 0, (status.st_mode & S_IWUSR) != 0};
	return 0;
}

static int add_process(struct cryo_holders *holders, int process, pid_t pid)
{
	_cleanup_buffer_ struct cryo_buffer comm = {0};
	struct cryo_holder_process *added =
		cryo_array_add(holders->processes, holders->n_processes);

	if (!added)
		return -ENOMEM;
	*added = (struct cryo_holder_process){.pid = pid};
	if (cryo_procfs_read(process, "comm", sizeof(added->comm), &comm) >= 0 && comm.size > 1)
		memcpy(added->comm, comm.data, comm.size - 1);
	return 0;
}

static int add_descriptors(struct cryo_holders *holders, int process, pid_t pid)
{
	_cleanup_close_ int fd_dir = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ pid_t *fds = NULL;
	size_t count = 0;
	int r = fd_dir < 0 ? -errno : cryo_procfs_list(fd_dir, ".", &fds, &count);

	if (r < 0) {
		holders->truncated |= r == -EACCES || r == -EPERM;
		return r == -ENOMEM ? r : 0;
	}
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_descriptor(holders, fd_dir, pid, fds[i]);
	return r < 0 || count == 0 ? r : add_process(holders, process, pid);
}

static int compare_holders(const void *a, const void *b)
{
	const struct cryo_holder *left = a, *right = b;

	if (left->inode != right->inode)
		return left->inode < right->inode ? -1 : 1;
	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	return (left->fd > right->fd) - (left->fd < right->fd);
}

static int load(int procfs, struct cryo_holders *holders)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count;
	int r = cryo_procfs_list(procfs, ".", &pids, &count);

	for (size_t i = 0; r == 0 && i < count; i++) {
		_cleanup_close_ int process = cryo_procfs_open_process(procfs, pids[i]);

		if (process >= 0)
			r = add_descriptors(holders, process, pids[i]);
	}
	if (r == 0 && holders->count)
		qsort(holders->array, holders->count, sizeof(*holders->array), compare_holders);
	return r;
}

int cryo_holders_load(int procfs, struct cryo_holders *ret_holders)
{
	struct cryo_holders holders = {0};
	int r = load(procfs, &holders);

	if (r < 0)
		cryo_holders_clear(&holders);
	else
		*ret_holders = holders;
	return r;
}

void cryo_holders_clear(struct cryo_holders *holders)
{
	free(holders->array);
	free(holders->processes);
	*holders = (struct cryo_holders){0};
}

const struct cryo_holder *cryo_holders_find(
	const struct cryo_holders *holders, uint64_t inode, size_t *ret_count)
{
	size_t low = 0, high = holders->count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (holders->array[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < holders->count && holders->array[end].inode == inode; end++)
		;
	*ret_count = end - low;
	return end > low ? &holders->array[low] : NULL;
}

static int compare_processes(const void *a, const void *b)
{
	const struct cryo_holder_process *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

static int format_holder(const struct cryo_holders *holders, const struct cryo_holder *holder,
	struct cryo_buffer *buffer)
{
	struct cryo_holder_process key = {.pid = holder->pid};
	const struct cryo_holder_process *process =
		holders->n_processes ? bsearch(&key, holders->processes, holders->n_processes,
					       sizeof(key), compare_processes)
				     : NULL;
	int r = cryo_buffer_printf(buffer, "%d(", holder->pid);

	if (r == 0 && process)
		r = cryo_escape_word(
			buffer, process->comm, strnlen(process->comm, sizeof(process->comm)));
	return r < 0 ? r : cryo_buffer_printf(buffer, ")/%d", holder->fd);
}

static bool is_on_side(const struct cryo_holder *holder, enum cryo_holder_side side)
{
	return (side & CRYO_HOLDERS_READERS && holder->reads) ||
	       (side & CRYO_HOLDERS_WRITERS && holder->writes);
}

int cryo_holders_format(const struct cryo_holders *holders, const char *key, uint64_t inode,
	enum cryo_holder_side side, pid_t pid, int fd, struct cryo_buffer *buffer)
{
	size_t count, shown = 0;
	const struct cryo_holder *holder = cryo_holders_find(holders, inode, &count);
	int r = 0;

	for (; count && r == 0; count--, holder++) {
		if (!is_on_side(holder, side) || (holder->pid == pid && holder->fd == fd))
			continue;
		if (shown++ >= CRYO_HOLDERS_SHOWN)
			continue;
		r = shown == 1 ? cryo_buffer_printf(buffer, " %s=", key)
			       : cryo_buffer_add(buffer, ",", 1);
		if (r == 0)
			r = format_holder(holders, holder, buffer);
	}
	if (r == 0 && shown > CRYO_HOLDERS_SHOWN)
		r = cryo_buffer_printf(buffer, ",+%zu", shown - CRYO_HOLDERS_SHOWN);
	return r;
}
