// SPDX-License-Identifier: MIT
/*
 * Theory: a hierarchy of version 1 is known by its controllers (or its "name="), which both the
 * options of its mount and /proc/PID/cgroup print (kernel/cgroup/cgroup-v1.c
 * cgroup1_show_options(), cgroup.c proc_cgroup_show()); no controller is in two. Beside the mount
 * points there may be links to them (/sys/fs/cgroup/cpu to cpu,cpuacct). Only what lies there is
 * looked up: any other path may lead to a file server that does not answer.
 */
#include "freeze/cgroup_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "proc/mountinfo.h"
#include "proc/procfs.h"

struct mounts {
	struct cryo_mount *array;
	size_t count;
};

static void mounts_clear(struct mounts *mounts)
{
	cryo_mounts_free(mounts->array, mounts->count);
}

/* Without mountinfo, nothing is mounted. 0 or -ENOMEM. */
static int read_mounts(int procfs, struct mounts *mounts)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_procfs_read(procfs, "self/mountinfo", 0, &text);

	if (r == 0)
		r = cryo_mountinfo_parse(
			(char *)text.data, text.size, &mounts->array, &mounts->count);
	return r == -ENOMEM ? r : 0;
}

static bool is_cgroup(const struct cryo_mount *mount)
{
	return strcmp(mount->fs_type, "cgroup") == 0 || strcmp(mount->fs_type, "cgroup2") == 0;
}

/* The part of a path below its first `length` bytes, with its slash; NULL if it is not below. */
static const char *below(const char *path, const char *top, size_t length)
{
	while (length && top[length - 1] == '/')
		length--;
	if (strncmp(path, top, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	return path + length;
}

/* The mount that a path lies in: the deepest, of two the upper. */
static const struct cryo_mount *mount_of(const struct mounts *mounts, const char *path)
{
	const struct cryo_mount *best = NULL;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct cryo_mount *mount = &mounts->array[i];
		size_t length = strlen(mount->mount_point);

		if (is_cgroup(mount) && below(path, mount->mount_point, length) &&
			(!best || length >= strlen(best->mount_point)))
			best = mount;
	}
	return best;
}

/* Whether a path lies below the directory of a mount point, where links to it may be. */
static bool is_beside_mount(const struct mounts *mounts, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const char *point = mounts->array[i].mount_point;
		size_t length = (size_t)(strrchr(point, '/') - point);

		if (is_cgroup(&mounts->array[i]) && length && below(path, point, length))
			return true;
	}
	return false;
}

/* "/a" and "/b/" as "/a/b"; nothing as "/". malloc'ed, or NULL. */
static char *join(const char *above, const char *rest)
{
	char *path;
	int length = asprintf(&path, "%s%s", strcmp(above, "/") == 0 ? "" : above, rest);

	if (length < 0)
		return NULL;
	while (length > 1 && path[length - 1] == '/')
		path[--length] = 0;
	if (length == 0) {
		free(path);
		path = strdup("/");
	}
	return path;
}

/* Whether the path of a hierarchy is a directory of one that is mounted. */
static bool is_mounted(const struct mounts *mounts, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const struct cryo_mount *mount = &mounts->array[i];
		const char *rest =
			is_cgroup(mount) ? below(path, mount->root, strlen(mount->root)) : NULL;
		_cleanup_free_ char *whole = rest ? join(mount->mount_point, rest) : NULL;

		if (whole && access(whole, F_OK) == 0)
			return true;
	}
	return false;
}

static bool has_members(int procfs, const struct cryo_cgroup_name *name)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;

	if (cryo_procfs_list(procfs, ".", &pids, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (cryo_cgroup_name_covers(procfs, name, pids[i]))
			return true;
	return false;
}

/* A path below a mount point: of this hierarchy alone. */
static int take_mounted(const struct cryo_mount *mount, const char *path, bool exists,
	struct cryo_cgroup_name *name)
{
	bool is_second = strcmp(mount->fs_type, "cgroup2") == 0;

	name->path = join(mount->root, path + strlen(mount->mount_point));
	name->hierarchy = strdup(is_second ? "" : mount->options);
	if (!name->path || !name->hierarchy)
		return -ENOMEM;
	return exists ? 0 : -ENXIO;
}

static int make_name(
	int procfs, const struct mounts *mounts, const char *word, struct cryo_cgroup_name *name)
{
	_cleanup_free_ char *real = NULL;
	const struct cryo_mount *mount;

	if (word[0] != '/')
		return 0;
	if (mount_of(mounts, word) || is_beside_mount(mounts, word))
		real = realpath(word, NULL);
	mount = mount_of(mounts, real ? real : word);
	if (mount)
		return take_mounted(mount, real ? real : word, real, name);
	name->path = join("", word);
	if (!name->path)
		return -ENOMEM;
	return is_mounted(mounts, name->path) || has_members(procfs, name) ? 0 : -ENXIO;
}

int cryo_cgroup_names_make(
	int procfs, const char *const *words, size_t n_words, struct cryo_cgroup_names *ret_names)
{
	_cleanup_(mounts_clear) struct mounts mounts = {0};
	_cleanup_cgroup_names_ struct cryo_cgroup_names names = {
		.array = calloc(n_words + 1, sizeof(*names.array))};
	int r = names.array ? read_mounts(procfs, &mounts) : -ENOMEM;

	for (; names.count < n_words && r == 0; names.count++)
		r = make_name(procfs, &mounts, words[names.count], &names.array[names.count]);
	if (r < 0)
		return r;
	*ret_names = names;
	names = (struct cryo_cgroup_names){0};
	return 0;
}

void cryo_cgroup_names_clear(struct cryo_cgroup_names *names)
{
	for (size_t i = 0; i < names->count; i++) {
		free(names->array[i].path);
		free(names->array[i].hierarchy);
	}
	free(names->array);
	*names = (struct cryo_cgroup_names){0};
}

/* Whether a word stands in a list with commas. */
static bool is_listed(const char *list, const char *word, size_t length)
{
	while (*list) {
		size_t size = strcspn(list, ",");

		if (size == length && memcmp(list, word, length) == 0)
			return true;
		list += size + (list[size] == ',');
	}
	return false;
}

/* "ID:CONTROLLER,...:PATH", by the first controller; version 2 has none. */
static bool is_line_of(const char *line, const struct cryo_cgroup_name *name, const char **ret_path)
{
	const char *first = strchr(line, ':'), *colon = first ? strchr(first + 1, ':') : NULL;
	size_t length;

	if (!colon)
		return false;
	*ret_path = colon + 1;
	length = strcspn(first + 1, ",:");
	if (!name->hierarchy)
		return true;
	if (!name->hierarchy[0] || length == 0)
		return !name->hierarchy[0] && length == 0;
	return is_listed(name->hierarchy, first + 1, length);
}

bool cryo_cgroup_name_covers(int procfs, const struct cryo_cgroup_name *name, pid_t pid)
{
	_cleanup_close_ int process = cryo_procfs_open_process(procfs, pid);
	_cleanup_buffer_ struct cryo_buffer text = {0};
	const char *path;
	char *line, *at;

	if (!name->path || process < 0 ||
		cryo_procfs_read(process, "cgroup", 1 << 20, &text) != 0 || !text.size)
		return false;
	at = (char *)text.data;
	while ((line = strsep(&at, "\n")))
		if (is_line_of(line, name, &path) && below(path, name->path, strlen(name->path)))
			return true;
	return false;
}

bool cryo_cgroup_names_cover(int procfs, const struct cryo_cgroup_names *names, pid_t pid)
{
	for (size_t i = 0; i < names->count; i++)
		if (cryo_cgroup_name_covers(procfs, &names->array[i], pid))
			return true;
	return false;
}

/* The path of a process in the hierarchy of a controller, in the text of its cgroup file. */
static const char *path_in(char *text, const char *controller)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = 0;
		if (is_listed(list + 1, controller, strlen(controller)))
			return path;
	}
	return NULL;
}

static char *mounted_at(const struct mounts *mounts, const char *controller, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const struct cryo_mount *mount = &mounts->array[i];
		const char *rest = below(path, mount->root, strlen(mount->root));

		if (strcmp(mount->fs_type, "cgroup") == 0 && rest &&
			is_listed(mount->options, controller, strlen(controller)))
			return join(mount->mount_point, rest);
	}
	return NULL;
}

char *cryo_cgroup_directory(int procfs, int process, const char *controller)
{
	_cleanup_(mounts_clear) struct mounts mounts = {0};
	_cleanup_buffer_ struct cryo_buffer text = {0};
	const char *path = NULL;

	if (cryo_procfs_read(process, "cgroup", 1 << 20, &text) == 0 && text.size)
		path = path_in((char *)text.data, controller);
	if (!path || strcmp(path, "/") == 0 || read_mounts(procfs, &mounts) < 0)
		return NULL;
	return mounted_at(&mounts, controller, path);
}
