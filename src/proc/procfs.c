// SPDX-License-Identifier: MIT
/*
 * Everything is opened below a descriptor and never by a path from the root, so that neither a
 * mount over /proc/PID nor a reused pid can lead elsewhere. The last component of a name is never
 * followed as a link: a magic link (exe, cwd, fd/N) leads to a file system that may never answer.
 */
#include "proc/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/number.h"

enum {
	DEFAULT_LIMIT = 1 << 30,
	RECORD_STEP = 1 << 13,
	LINK_STEP = 256,
	ENTRIES_SIZE = 1 << 15,
	LISTS_OF_NOBODY = 8,
	TASK_NAME_SIZE = sizeof("-2147483648/task/-2147483648")
};

static int open_directory(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int cryo_procfs_open(const char *root)
{
	return open_directory(AT_FDCWD, root);
}

int cryo_fs_open_private(const char *type)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);
	int mount;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = fsmount(
		context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return mount < 0 ? -errno : mount;
}

int cryo_procfs_open_private(void)
{
	return cryo_fs_open_private("proc");
}

int cryo_procfs_open_best(void)
{
	int procfs = cryo_procfs_open_private();

	return procfs >= 0 ? procfs : cryo_procfs_open("/proc");
}

int cryo_procfs_open_process(int procfs, pid_t pid)
{
	char name[TASK_NAME_SIZE];

	snprintf(name, sizeof(name), "%d", pid);
	return open_directory(procfs, name);
}

bool cryo_procfs_is_short(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

int cryo_procfs_open_task(int procfs, pid_t pid, pid_t tid)
{
	char name[TASK_NAME_SIZE];

	snprintf(name, sizeof(name), "%d/task/%d", pid, tid);
	return open_directory(procfs, name);
}

int cryo_procfs_open_thread(int process, pid_t tid)
{
	char name[TASK_NAME_SIZE];

	snprintf(name, sizeof(name), "task/%d", tid);
	return open_directory(process, name);
}

int cryo_procfs_read(int dir, const char *name, size_t limit, struct cryo_buffer *buffer)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	buffer->size = 0;
	return cryo_io_read_all(fd, limit ? limit : DEFAULT_LIMIT, buffer);
}

int cryo_procfs_read_record(int dir, const char *name, struct cryo_buffer *buffer)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = RECORD_STEP;

	if (fd < 0)
		return -errno;
	for (buffer->size = 0; n == RECORD_STEP; buffer->size += (size_t)n) {
		int r = cryo_buffer_reserve(buffer, RECORD_STEP);

		if (r < 0)
			return r;
		n = read(fd, buffer->data + buffer->size, RECORD_STEP);
		if (n < 0)
			return -errno;
	}
	buffer->data[buffer->size] = 0;
	return 0;
}

int cryo_procfs_readlink(int dir, const char *name, struct cryo_buffer *buffer)
{
	buffer->size = 0;
	for (size_t size = LINK_STEP;; size *= 2) {
		int r = cryo_buffer_reserve(buffer, size);
		ssize_t n;

		if (r < 0)
			return r;
		n = readlinkat(dir, name, (char *)buffer->data, size);
		if (n < 0)
			return -errno;
		if ((size_t)n < size) {
			buffer->size = (size_t)n;
			buffer->data[n] = 0;
			return 0;
		}
	}
}

struct numbers {
	pid_t *array;
	size_t count;
};

static void numbers_clear(struct numbers *numbers)
{
	free(numbers->array);
}

/* Add the numbers among `size` bytes of directory entries. 0 or -ENOMEM. */
static int add_entries(struct numbers *numbers, const char *entries, size_t size)
{
	for (size_t offset = 0; offset < size;) {
		const struct dirent64 *entry = (const void *)(entries + offset);
		uint64_t number;
		pid_t *added;

		offset += entry->d_reclen;
		if (cryo_number_parse(entry->d_name, 10, &number) < 0 || number > INT_MAX)
			continue;
		added = cryo_array_add(numbers->array, numbers->count);
		if (!added)
			return -ENOMEM;
		*added = (pid_t)number;
	}
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

	return (left > right) - (left < right);
}

int cryo_procfs_list(int dir, const char *name, pid_t **ret_numbers, size_t *ret_count)
{
	_cleanup_(numbers_clear) struct numbers numbers = {0};
	_cleanup_free_ char *entries = malloc(ENTRIES_SIZE);
	_cleanup_close_ int fd = open_directory(dir, name);
	long n;

	if (!entries)
		return -ENOMEM;
	if (fd < 0)
		return fd;
	while ((n = syscall(SYS_getdents64, fd, entries, ENTRIES_SIZE)) > 0)
		if (add_entries(&numbers, entries, (size_t)n) < 0)
			return -ENOMEM;
	if (n < 0)
		return -errno;
	if (numbers.count)
		qsort(numbers.array, numbers.count, sizeof(pid_t), compare_numbers);
	*ret_count = numbers.count;
	*ret_numbers = steal_ptr(numbers.array);
	return 0;
}

/* How many are left of sorted ones when each stands there once. */
static size_t drop_repeated(pid_t *sorted, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!kept || sorted[i] != sorted[kept - 1])
			sorted[kept++] = sorted[i];
	return kept;
}

int cryo_procfs_list_threads(int process, pid_t **ret_tids, size_t *ret_count)
{
	_cleanup_free_ pid_t *tids = NULL;
	size_t count = 0;

	for (int i = 0; i < LISTS_OF_NOBODY && !count; i++) {
		int r = cryo_procfs_list(process, "task", &tids, &count);

		if (r < 0)
			return r;
	}
	*ret_count = drop_repeated(tids, count);
	*ret_tids = steal_ptr(tids);
	return 0;
}

/* Whether it is a procfs of our pid namespace. */
static bool is_ours(int procfs)
{
	char self[16], link[16] = {0};
	struct statfs found;

	snprintf(self, sizeof(self), "%d", getpid());
	return fstatfs(procfs, &found) == 0 && found.f_type == PROC_SUPER_MAGIC &&
	       readlinkat(procfs, "self", link, sizeof(link) - 1) > 0 && strcmp(link, self) == 0;
}

int cryo_procfs_list_processes(int procfs, pid_t **ret_pids, size_t *ret_count)
{
	_cleanup_close_ int common = cryo_procfs_open("/proc");

	return cryo_procfs_list(
		common >= 0 && is_ours(common) ? common : procfs, ".", ret_pids, ret_count);
}

pid_t cryo_procfs_last_pid(int procfs)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_procfs_read(procfs, "loadavg", 256, &text);
	const char *at;
	uint64_t pid;

	if (r < 0)
		return r;
	at = text.size ? strrchr((char *)text.data, ' ') : NULL;
	if (!at || !cryo_number_scan(&at, (char *)text.data + text.size, 10, &pid))
		return -EBADMSG;
	return (pid_t)pid;
}

uint64_t cryo_procfs_read_number(int dir, const char *name, uint64_t otherwise)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	const char *at;
	uint64_t number;

	if (cryo_procfs_read(dir, name, 64, &text) < 0 || !text.size)
		return otherwise;
	at = (const char *)text.data;
	return cryo_number_scan(&at, at + text.size, 10, &number) ? number : otherwise;
}

pid_t cryo_procfs_pid_max(int procfs, pid_t unknown)
{
	uint64_t number = cryo_procfs_read_number(procfs, "sys/kernel/pid_max", UINT64_MAX);

	return number > CRYO_PID_MAX_LIMIT ? unknown : (pid_t)number;
}

bool cryo_procfs_has_memory(int dir)
{
	return cryo_procfs_read_number(dir, "statm", 0) > 0;
}
