// SPDX-License-Identifier: MIT
/*
 * Theory: a frozen cgroup holds everything in it and whatever is forked in it, without a signal,
 * and nobody can end that with SIGCONT. The root cannot be frozen. A process enters a frozen cgroup
 * and freezes, leaves it and runs.
 *
 * Paths come out of /proc and from users; they are used below the descriptor of the hierarchy only,
 * with RESOLVE_BENEATH, so that no ".." leads out of it.
 */
#include "freeze/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/beneath.h"
#include "base/buffer.h"
#include "base/io.h"
#include "base/number.h"
#include "proc/identity.h"
#include "proc/mountinfo.h"
#include "proc/procfs.h"

int cryo_cgroups_open(int procfs, struct cryo_cgroups *ret_cgroups)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_cgroups cgroups = {.root = -1};
	struct cryo_mount *mounts;
	size_t count;
	int r = cryo_procfs_read(procfs, "self/mountinfo", 0, &text);

	if (r == 0)
		r = cryo_mountinfo_parse((char *)text.data, text.size, &mounts, &count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count && cgroups.root < 0; i++)
		if (strcmp(mounts[i].fs_type, "cgroup2") == 0)
			cgroups.root =
				open(mounts[i].mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cryo_mounts_free(mounts, count);
	*ret_cgroups = cgroups;
	return 0;
}

void cryo_cgroups_close(struct cryo_cgroups *cgroups)
{
	cryo_cleanup_close(&cgroups->root);
	*cgroups = (struct cryo_cgroups){.root = -1};
}

/* A leader that has exited stays where it was, wherever the others are moved. */
static int read_cgroups(int procfs, pid_t pid, struct cryo_buffer *text)
{
	_cleanup_close_ int process = cryo_procfs_open_process(procfs, pid);
	const struct cryo_identity identity = {.pid = pid, .dir = process, .pidfd = -1};
	_cleanup_close_ int live = -1;
	pid_t tid;

	if (process < 0)
		return process;
	live = cryo_identity_open_live(procfs, &identity, &tid);
	return cryo_procfs_read(live < 0 ? process : live, "cgroup", 1 << 20, text);
}

char *cryo_cgroup_of(int procfs, pid_t pid)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	char *line, *at;

	if (read_cgroups(procfs, pid, &text) != 0 || !text.size)
		return NULL;
	at = (char *)text.data;
	while ((line = strsep(&at, "\n")))
		if (strncmp(line, "0::/", strlen("0::/")) == 0)
			return strdup(line + strlen("0::"));
	return NULL;
}

/* Open a file of a cgroup; `name` may be "". A descriptor or -errno. */
static int open_below(
	const struct cryo_cgroups *cgroups, const char *path, const char *name, int flags)
{
	_cleanup_free_ char *whole = NULL;

	if (asprintf(&whole, ".%s/%s", path, name) < 0)
		return -ENOMEM;
	return cryo_open_beneath(cgroups->root, whole, flags);
}

static int read_below(const struct cryo_cgroups *cgroups, const char *path, const char *name,
	struct cryo_buffer *buffer)
{
	_cleanup_close_ int fd = open_below(cgroups, path, name, O_RDONLY);

	return fd < 0 ? fd : cryo_io_read_all(fd, 1 << 26, buffer);
}

static int write_below(
	const struct cryo_cgroups *cgroups, const char *path, const char *name, const char *text)
{
	_cleanup_close_ int fd = open_below(cgroups, path, name, O_WRONLY);

	return fd < 0 ? fd : cryo_io_write(fd, text, strlen(text));
}

int cryo_cgroup_members(
	const struct cryo_cgroups *cgroups, const char *path, pid_t **ret_pids, size_t *ret_count)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;
	int r = read_below(cgroups, path, "cgroup.procs", &text);
	const char *at = (const char *)text.data, *end = at + text.size;
	uint64_t pid;

	if (r < 0)
		return r;
	while (text.size && cryo_number_scan(&at, end, 10, &pid) && pid <= INT_MAX) {
		pid_t *added = cryo_array_add(pids, count);

		if (!added)
			return -ENOMEM;
		*added = (pid_t)pid;
		at += at < end;
	}
	*ret_count = count;
	*ret_pids = steal_ptr(pids);
	return 0;
}

bool cryo_cgroup_has_children(const struct cryo_cgroups *cgroups, const char *path)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};

	return read_below(cgroups, path, "cgroup.stat", &text) < 0 || text.size == 0 ||
	       !strstr((char *)text.data, "nr_descendants 0\n");
}

bool cryo_cgroup_is_set(const struct cryo_cgroups *cgroups, const char *path)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};

	return read_below(cgroups, path, "cgroup.freeze", &text) == 0 && text.size &&
	       text.data[0] == '1';
}

int cryo_cgroup_set(const struct cryo_cgroups *cgroups, const char *path, bool frozen)
{
	return write_below(cgroups, path, "cgroup.freeze", frozen ? "1" : "0");
}

int cryo_cgroup_make(const struct cryo_cgroups *cgroups, const char *path)
{
	_cleanup_free_ char *parent = cryo_cgroup_parent(path);
	_cleanup_close_ int dir =
		parent ? open_below(cgroups, parent, "", O_RDONLY | O_DIRECTORY) : -ENOMEM;

	if (dir < 0)
		return dir;
	if (mkdirat(dir, strrchr(path, '/') + 1, 0755) < 0 && errno != EEXIST)
		return -errno;
	return cryo_cgroup_set(cgroups, path, true);
}

int cryo_cgroup_remove(const struct cryo_cgroups *cgroups, const char *path)
{
	_cleanup_free_ char *parent = cryo_cgroup_parent(path);
	_cleanup_close_ int dir =
		parent ? open_below(cgroups, parent, "", O_RDONLY | O_DIRECTORY) : -ENOMEM;

	if (dir < 0)
		return dir;
	return unlinkat(dir, strrchr(path, '/') + 1, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int cryo_cgroup_move(const struct cryo_cgroups *cgroups, const char *path, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return write_below(cgroups, path, "cgroup.procs", text);
}

char *cryo_cgroup_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

char *cryo_cgroup_child(const char *path)
{
	char *child;

	if (asprintf(&child, "%s/%s", strcmp(path, "/") == 0 ? "" : path, CRYO_CGROUP_NAME) < 0)
		return NULL;
	return child;
}
