// SPDX-License-Identifier: MIT
/*
 * Documentation/admin-guide/cgroup-v2.rst ("Memory Interface Files") and cgroup-v1/memory.rst. A
 * cgroup above may have less left than the one that the process is in, so all of them are asked.
 */
#include "capture/room.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/io.h"
#include "proc/mountinfo.h"
#include "proc/procfs.h"
#include "proc/text.h"

enum {
	MOST_TEXT = 1 << 20
};

static uint64_t least(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

/* ---- one cgroup ---- */

static const struct {
	const char *limit, *usage, *inactive, *active;
} versions[] = {
	{"memory.max", "memory.current", "inactive_file ", "active_file "},
	{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ",
		"total_active_file "},
};

/* The number behind a key at the beginning of a line; 0 if it is not there. */
static uint64_t find_number(const struct cryo_buffer *text, const char *key)
{
	struct cryo_text rest = cryo_text_of((const char *)text->data, text->size), line;
	uint64_t number;

	while (cryo_text_line(&rest, &line))
		if (cryo_text_key(&line, key, strlen(key)) && cryo_text_number(&line, 10, &number))
			return number;
	return 0;
}

/* Whether there is a number in a file; "max" is none. */
static bool read_number(int dir, const char *name, uint64_t *ret_number)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t size = fd < 0 ? 0 : cryo_io_read(fd, text, sizeof(text));
	struct cryo_text number = cryo_text_of(text, size > 0 ? (size_t)size : 0);

	return cryo_text_number(&number, 10, ret_number);
}

static uint64_t reclaimable(int dir, const char *inactive, const char *active)
{
	_cleanup_close_ int fd = openat(dir, "memory.stat", O_RDONLY | O_CLOEXEC);
	_cleanup_buffer_ struct cryo_buffer text = {0};

	if (fd < 0 || cryo_io_read_all(fd, MOST_TEXT, &text) < 0)
		return 0;
	return find_number(&text, inactive) + find_number(&text, active);
}

uint64_t cryo_room_of_cgroup(int dir)
{
	uint64_t limit, usage, held;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		if (!read_number(dir, versions[i].limit, &limit) ||
			!read_number(dir, versions[i].usage, &usage))
			continue;
		held = reclaimable(dir, versions[i].inactive, versions[i].active);
		usage -= least(held, usage);
		return limit > usage ? limit - usage : 0;
	}
	return UINT64_MAX;
}

/* ---- all of a process ---- */

/* A cgroup of a hierarchy and those above it. @path is cut. */
static uint64_t room_of_path(const char *mount_point, char *path)
{
	uint64_t room = UINT64_MAX;
	char *end = path;

	while (end) {
		_cleanup_free_ char *name = NULL;
		_cleanup_close_ int dir = -1;

		if (asprintf(&name, "%s%s", mount_point, path) < 0)
			return room;
		dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0)
			room = least(room, cryo_room_of_cgroup(dir));
		end = strrchr(path, '/');
		if (end)
			*end = 0;
	}
	return room;
}

/* What is left of a path below the root of a mount; NULL if it is not there. */
static const char *below(const struct cryo_mount *mount, const char *path)
{
	size_t size = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);

	if (strncmp(path, mount->root, size) != 0 || (path[size] && path[size] != '/'))
		return NULL;
	return path + size;
}

static bool has_word(const char *list, const char *word)
{
	size_t size = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += size)
		if ((at == list || at[-1] == ',') && (!at[size] || at[size] == ','))
			return true;
	return false;
}

/* A line of /proc/PID/cgroup: "4:memory:/path", or "0::/path" of version 2. */
static uint64_t room_of_line(const struct cryo_mount *mounts, size_t count, char *line)
{
	const char *type, *controllers;
	uint64_t room = UINT64_MAX;

	strsep(&line, ":");
	controllers = strsep(&line, ":");
	if (!line || strstr(line, "/.."))
		return room;
	type = *controllers ? "cgroup" : "cgroup2";
	if (*controllers && !has_word(controllers, "memory"))
		return room;
	for (size_t i = 0; i < count; i++) {
		const char *rest =
			strcmp(mounts[i].fs_type, type) == 0 ? below(&mounts[i], line) : NULL;
		_cleanup_free_ char *path = rest ? strdup(rest) : NULL;

		if (path)
			room = least(room, room_of_path(mounts[i].mount_point, path));
	}
	return room;
}

static uint64_t room_of_cgroups(int procfs, int process_dir)
{
	_cleanup_buffer_ struct cryo_buffer mountinfo = {0}, lines = {0};
	struct cryo_mount *mounts = NULL;
	uint64_t room = UINT64_MAX;
	size_t count = 0;
	char *line, *at;

	if (cryo_procfs_read(process_dir, "cgroup", MOST_TEXT, &lines) != 0 || !lines.size ||
		cryo_procfs_read(procfs, "self/mountinfo", 0, &mountinfo) != 0 ||
		cryo_mountinfo_parse(
			(const char *)mountinfo.data, mountinfo.size, &mounts, &count) < 0)
		return room;
	at = (char *)lines.data;
	while ((line = strsep(&at, "\n")))
		if (*line)
			room = least(room, room_of_line(mounts, count, line));
	cryo_mounts_free(mounts, count);
	return room;
}

static uint64_t room_of_machine(int procfs)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	uint64_t kilobytes;

	if (cryo_procfs_read(procfs, "meminfo", MOST_TEXT, &text) != 0)
		return UINT64_MAX;
	kilobytes = find_number(&text, "MemAvailable:");
	return kilobytes ? kilobytes * 1024 : UINT64_MAX;
}

uint64_t cryo_room_of_process(int procfs, int process_dir)
{
	return least(room_of_cgroups(procfs, process_dir), room_of_machine(procfs));
}
