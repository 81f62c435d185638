// SPDX-License-Identifier: MIT
/*
 * Evidence as files. Every directory is opened one component at a time and never through a link, so
 * whatever somebody plants below the directory while we work cannot lead a byte outside of it.
 *
 * A file has the name *.partial until it is whole, and gets its own without ever replacing a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "evidence/sink.h"

#define PARTIAL ".partial"

enum {
	FILE_MODE = 0600,
	NAME_SIZE = CRYO_SINK_PATH_MAX + sizeof(PARTIAL),
	RESERVE_MIN = 1 << 12
};

struct directory {
	struct cryo_sink sink;
	int fd;
	int reserve; /* a file without a name that keeps room; -1 */
};

/* @directory: may be that of the sink itself; @written: up to where data was written */
struct file {
	struct cryo_sink_file file;
	int directory, fd;
	off_t size, written;
	char name[NAME_SIZE];
};

static int open_below(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int enter(int directory, const char *name)
{
	int fd = open_below(directory, name), r;

	if (fd != -ENOENT)
		return fd;
	r = cryo_io_make_directory(directory, name);
	return r < 0 && r != -EEXIST ? r : open_below(directory, name);
}

/* The directory of a path, if it is there, at one go; negative if not, or if a link is in the way.
 */
static int find_parent(int directory, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *name = strndup(path, (size_t)(slash - path));

	return name ? cryo_open_beneath(directory, name, O_RDONLY | O_DIRECTORY) : -ENOMEM;
}

/*
 * Open (and make) the directory of a path; the last component is left in @ret_name. The descriptor
 * is @directory itself for a path of one component.
 */
static int enter_parent(int directory, const char *path, const char **ret_name)
{
	int at = strchr(path, '/') ? find_parent(directory, path) : directory;
	const char *slash;

	if (at >= 0 && at != directory)
		path = strrchr(path, '/') + 1;
	else
		at = directory;

	while ((slash = strchr(path, '/'))) {
		_cleanup_free_ char *name = strndup(path, (size_t)(slash - path));
		int next = name ? enter(at, name) : -ENOMEM;

		if (at != directory)
			close(at);
		if (next < 0)
			return next;
		at = next;
		path = slash + 1;
	}
	*ret_name = path;
	return at;
}

static void leave_parent(int directory, int parent)
{
	if (parent >= 0 && parent != directory)
		close(parent);
}

/* A descriptor, or -errno: -EEXIST if somebody is at it, or was. */
static int open_partial(int directory, const char *name)
{
	char partial[NAME_SIZE];
	int fd;

	snprintf(partial, sizeof(partial), "%s" PARTIAL, name);
	fd = openat(directory, partial,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, FILE_MODE);
	if (fd >= 0)
		fchmod(fd, FILE_MODE); /* whatever the umask is */
	return fd < 0 ? -errno : fd;
}

static int directory_create(struct cryo_sink *sink, const char *path,
	const struct cryo_sink_entry *entry, struct cryo_sink_file **ret_file)
{
	const struct directory *directory = (const struct directory *)sink;
	_cleanup_free_ struct file *file = calloc(1, sizeof(*file));
	const char *name;
	int parent;

	(void)entry;
	if (!file)
		return -ENOMEM;
	parent = enter_parent(directory->fd, path, &name);
	if (parent < 0)
		return parent;
	snprintf(file->name, sizeof(file->name), "%s", name);
	file->fd = open_partial(parent, name);
	if (file->fd < 0) {
		leave_parent(directory->fd, parent);
		return file->fd;
	}
	file->file.sink = sink;
	file->directory = parent;
	*ret_file = &steal_ptr(file)->file;
	return 0;
}

static int directory_write(struct cryo_sink_file *sink_file, const void *data, size_t size)
{
	struct file *file = (struct file *)sink_file;
	int r = cryo_io_pwrite(file->fd, data, size, file->size);

	if (r == 0)
		file->written = file->size += (off_t)size;
	return r;
}

static int directory_skip(struct cryo_sink_file *sink_file, uint64_t size)
{
	struct file *file = (struct file *)sink_file;

	if (size > INT64_MAX - (uint64_t)file->size)
		return -EFBIG;
	file->size += (off_t)size;
	return 0;
}

static void file_free(struct file *file)
{
	close(file->fd);
	leave_parent(cryo_sink_directory_fd(file->file.sink), file->directory);
	free(file);
}

static void directory_abandon(struct cryo_sink_file *sink_file)
{
	struct file *file = (struct file *)sink_file;

	/* a write that failed may have left a part of itself, which is in no digest; without that
	 * it is a file with an error all the same */
	int r = ftruncate(file->fd, file->size);

	(void)r;
	file_free(file);
}

static int directory_commit(struct cryo_sink_file *sink_file)
{
	struct file *file = (struct file *)sink_file;
	char partial[NAME_SIZE + sizeof(PARTIAL)];
	int r = 0;

	snprintf(partial, sizeof(partial), "%s" PARTIAL, file->name);
	if (file->written < file->size && ftruncate(file->fd, file->size) < 0)
		r = -errno;
	if (r == 0)
		r = cryo_io_flush(file->fd);
	if (r == 0)
		r = cryo_io_rename_new(file->directory, partial, file->name);
	file_free(file);
	return r;
}

static int directory_link(struct cryo_sink *sink, const char *from, const char *to)
{
	const struct directory *directory = (const struct directory *)sink;
	const char *from_name, *to_name;
	int from_fd = enter_parent(directory->fd, from, &from_name);
	int to_fd = enter_parent(directory->fd, to, &to_name);
	int r = from_fd < 0 ? from_fd : to_fd < 0 ? to_fd : 0;

	if (r == 0 && linkat(from_fd, from_name, to_fd, to_name, 0) < 0)
		r = errno == EPERM || errno == EMLINK ? -EOPNOTSUPP : -errno;
	leave_parent(directory->fd, from_fd);
	leave_parent(directory->fd, to_fd);
	return r;
}

/* All of it, or of a nearly full disk as much as a power of two below lets have. */
static void directory_reserve(struct cryo_sink *sink, uint64_t size)
{
	struct directory *directory = (struct directory *)sink;

	if (directory->reserve >= 0)
		close(directory->reserve);
	directory->reserve = -1;
	if (size < RESERVE_MIN)
		return;
	directory->reserve =
		openat(directory->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);
	if (directory->reserve >= 0 &&
		fallocate(directory->reserve, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) < 0)
		directory_reserve(sink, errno == ENOSPC ? size / 2 : 0);
}

static void directory_close(struct cryo_sink *sink)
{
	struct directory *directory = (struct directory *)sink;

	directory_reserve(sink, 0);
	close(directory->fd);
	free(directory);
}

static const struct cryo_sink_ops directory_ops = {
	.create = directory_create,
	.write = directory_write,
	.skip = directory_skip,
	.commit = directory_commit,
	.abandon = directory_abandon,
	.link = directory_link,
	.reserve = directory_reserve,
	.close = directory_close,
	.survives_kill = 1,
};

/* 0 if there is nothing but "." and "..", else -ENOTEMPTY or -errno. */
static int check_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir)
		return -errno;
	while (errno = 0, (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return -ENOTEMPTY;
	return -errno;
}

int cryo_sink_open_directory(const char *path, struct cryo_sink **ret_sink)
{
	_cleanup_close_ int fd = -1;
	struct directory *directory;
	int r;

	r = cryo_io_make_directory(AT_FDCWD, path);
	if (r < 0 && r != -EEXIST)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = check_empty(fd);
	if (r < 0)
		return r;
	directory = malloc(sizeof(*directory));
	if (!directory)
		return -ENOMEM;
	*directory = (struct directory){{&directory_ops}, steal_fd(&fd), -1};
	*ret_sink = &directory->sink;
	return 0;
}

int cryo_sink_open_below(
	const struct cryo_sink *sink, const char *path, struct cryo_sink **ret_sink)
{
	struct directory *directory;
	int fd = cryo_sink_directory_enter(sink, path);

	if (fd < 0)
		return fd;
	directory = malloc(sizeof(*directory));
	if (!directory) {
		close(fd);
		return -ENOMEM;
	}
	*directory = (struct directory){{&directory_ops}, fd, -1};
	*ret_sink = &directory->sink;
	return 0;
}

int cryo_sink_directory_fd(const struct cryo_sink *sink)
{
	return ((const struct directory *)sink)->fd;
}

int cryo_sink_directory_enter(const struct cryo_sink *sink, const char *path)
{
	int parent, fd, root = cryo_sink_directory_fd(sink);
	const char *name;

	if (!cryo_sink_path_is_valid(path, CRYO_SINK_PATH_MAX))
		return -EINVAL;
	parent = enter_parent(root, path, &name);
	if (parent < 0)
		return parent;
	fd = enter(parent, name);
	leave_parent(root, parent);
	return fd;
}
