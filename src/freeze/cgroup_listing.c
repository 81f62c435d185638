// SPDX-License-Identifier: MIT
/*
 * The hierarchy is mounted once more where nobody can mount over it, but only if it is mounted
 * already: the first mount would change what /proc/PID/cgroup says.
 */
#include "freeze/cgroup_listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/number.h"
#include "freeze/cgroup.h"
#include "proc/procfs.h"
#include "proc/stat.h"

enum {
	DEPTH_MAX = 64,
	LIST_MAX = 1 << 28 /* bytes of one cgroup.procs */
};

struct list {
	pid_t *pids;
	size_t count;
};

static int open_root(int procfs)
{
	struct cryo_cgroups cgroups;
	int r = cryo_cgroups_open(procfs, &cgroups), root;

	if (r < 0)
		return r;
	root = cgroups.root >= 0 ? cryo_fs_open_private("cgroup2") : -EOPNOTSUPP;
	if (root < 0 && cgroups.root >= 0)
		root = steal_fd(&cgroups.root);
	cryo_cgroups_close(&cgroups);
	return root;
}

static int add_line(struct list *list, const char *at, const char *end)
{
	uint64_t number;
	pid_t *added;

	if (!cryo_number_scan(&at, end, 10, &number) || number == 0 || number > INT32_MAX)
		return 0; /* 0: in another pid namespace */
	added = cryo_array_add(list->pids, list->count);
	if (!added)
		return -ENOMEM;
	*added = (pid_t)number;
	return 0;
}

/* One that is threaded lists nothing (EOPNOTSUPP): its processes stand in the one above it. */
static int add_members(struct list *list, int cgroup, struct cryo_buffer *text)
{
	const char *at, *end, *newline;
	int r = cryo_procfs_read(cgroup, "cgroup.procs", LIST_MAX, text);

	if (r < 0 || !text->size)
		return r == -ENOMEM ? r : 0;
	at = (const char *)text->data;
	end = at + text->size;
	for (r = 0; r == 0 && at < end; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			break;
		r = add_line(list, at, newline);
	}
	return r;
}

static int add_below(struct list *list, int parent, const char *name, struct cryo_buffer *text,
	unsigned int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return 0; /* it was removed meanwhile */
	r = add_members(list, fd, text);
	while (r == 0 && depth && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			r = add_below(list, fd, entry->d_name, text, depth - 1);
	return r;
}

int cryo_cgroup_list(int procfs, pid_t **ret_pids, size_t *ret_count)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	_cleanup_close_ int root = open_root(procfs);
	struct list list = {0};
	int r;

	if (root < 0)
		return root;
	r = add_below(&list, root, ".", &text, DEPTH_MAX);
	if (r < 0) {
		free(list.pids);
		return r;
	}
	*ret_pids = list.pids;
	*ret_count = list.count;
	return 0;
}

bool cryo_cgroup_must_list(int procfs, pid_t pid)
{
	_cleanup_free_ char *path = cryo_cgroup_of(procfs, pid);
	_cleanup_close_ int process = cryo_procfs_open_process(procfs, pid);
	struct cryo_stat stat;

	return path && strncmp(path, "/..", 3) != 0 && process >= 0 &&
	       cryo_stat_read(process, &stat) == 0 && stat.state != 'Z' && stat.state != 'X';
}
