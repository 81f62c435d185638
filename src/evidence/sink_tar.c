// SPDX-License-Identifier: MIT
/*
 * libarchive encodes; what is ours is the order of things. An archive has one place where it grows,
 * so a mutex is held from the header of an entry to its last byte. Holes still have to be "fed" to
 * libarchive, which skips them by count and never looks at the bytes.
 *
 * The descriptor of the stream may be anything; poll(2) before each write bounds how long a reader
 * that does not read can hold us, and with us the targets.
 */
#include "evidence/sink_tar.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/archive_api.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/packer.h"

enum {
	DIRECTORY_MODE = 0700,
	FILE_MODE = 0600,
	BLOCK = 128 * 1024,
	PARTIAL_SIZE = sizeof(".partial"),
};

struct tar {
	struct cryo_sink sink;
	const struct cryo_archive_api *api;
	struct archive *archive;
	struct cryo_packer *packer; /* NULL: the stream is not compressed */
	struct cryo_tar_options options;
	pthread_mutex_t lock;
	int error;          /* of the stream; it does not recover */
	char **directories; /* that have an entry */
	size_t n_directories;
};

/* A file is either streamed (the lock is held) or kept in memory. */
struct file {
	struct cryo_sink_file file;
	bool streamed;
	struct cryo_buffer kept;
	char path[CRYO_SINK_PATH_MAX + PARTIAL_SIZE];
};

/* ---- bytes out ---- */

static la_ssize_t fail(struct tar *tar, int error)
{
	tar->error = error;
	errno = -error;
	return -1;
}

/* One write(2): bytes written, or -1 and an error of the stream. */
static ssize_t put_some(struct tar *tar, const void *data, size_t size)
{
	struct pollfd ready = {.fd = tar->options.fd, .events = POLLOUT};
	int timeout = tar->options.stall_ms ? (int)tar->options.stall_ms : -1, n;
	ssize_t written;

	/* libarchive tries once more to get rid of what it has when it is closed. */
	if (tar->error)
		return fail(tar, tar->error);
	do
		n = poll(&ready, 1, timeout);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return fail(tar, -ETIMEDOUT);
	/* A pipe that has room for PIPE_BUF bytes takes these without waiting for more room. */
	written = write(tar->options.fd, data, size < PIPE_BUF ? size : PIPE_BUF);
	if (written < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	return written < 0 ? fail(tar, -errno) : written;
}

static int put_all(void *user, const void *data, size_t size)
{
	struct tar *tar = user;

	while (size) {
		ssize_t n = put_some(tar, data, size);

		if (n < 0)
			return tar->error;
		data = (const char *)data + n;
		size -= (size_t)n;
	}
	return 0;
}

/* libarchive's way out. */
static la_ssize_t put(struct archive *archive, void *user, const void *data, size_t size)
{
	struct tar *tar = user;
	int r = tar->packer ? cryo_packer_write(tar->packer, data, size) : put_all(tar, data, size);

	(void)archive;
	return r < 0 ? fail(tar, r) : (la_ssize_t)size;
}

/* What an operation of libarchive came to. Called with the lock. */
static int check(struct tar *tar, int result)
{
	if (result >= ARCHIVE_WARN)
		return 0;
	if (!tar->error) {
		int error = tar->api->archive_errno(tar->archive);

		tar->error = error > 0 ? -error : -EIO;
	}
	return tar->error;
}

static int put_header(struct tar *tar, const char *path, unsigned int type, uint64_t size,
	const struct cryo_sink_entry *sparse, const char *link)
{
	const struct cryo_archive_api *api = tar->api;
	struct archive_entry *entry = api->archive_entry_new();
	int r;

	if (!entry)
		return -ENOMEM;
	api->archive_entry_set_pathname(entry, path);
	api->archive_entry_set_filetype(entry, type);
	api->archive_entry_set_perm(entry, type == AE_IFDIR ? DIRECTORY_MODE : FILE_MODE);
	api->archive_entry_set_size(entry, (la_int64_t)size);
	api->archive_entry_set_mtime(
		entry, (time_t)(cryo_clock_ns(CLOCK_REALTIME) / CRYO_NSEC_PER_SEC), 0);
	if (link)
		api->archive_entry_set_hardlink(entry, link);
	for (size_t i = 0; sparse && i < sparse->n_extents; i++)
		api->archive_entry_sparse_add_entry(entry, (la_int64_t)sparse->extents[i].offset,
			(la_int64_t)sparse->extents[i].size);
	r = check(tar, api->archive_write_header(tar->archive, entry));
	api->archive_entry_free(entry);
	return r;
}

static bool knows_directory(const struct tar *tar, const char *path)
{
	for (size_t i = tar->n_directories; i-- > 0;)
		if (strcmp(tar->directories[i], path) == 0)
			return true;
	return false;
}

/* Entries for the directories of a path that have none yet, so that they get their mode. */
static int put_directories(struct tar *tar, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *name = strndup(path, (size_t)(slash - path)), **grown;
		int r;

		if (!name)
			return -ENOMEM;
		if (knows_directory(tar, name)) {
			free(name);
			continue;
		}
		grown = realloc(tar->directories, (tar->n_directories + 1) * sizeof(*grown));
		if (!grown) {
			free(name);
			return -ENOMEM;
		}
		tar->directories = grown;
		tar->directories[tar->n_directories++] = name;
		r = put_header(tar, name, AE_IFDIR, 0, NULL, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_data(struct tar *tar, const void *data, size_t size)
{
	while (size) {
		la_ssize_t n = tar->api->archive_write_data(tar->archive, data, size);

		if (n <= 0)
			return check(tar, ARCHIVE_FATAL);
		data = (const char *)data + n;
		size -= (size_t)n;
	}
	return 0;
}

/* libarchive counts the bytes of a hole and does not read them. */
static int put_hole(struct tar *tar, uint64_t size)
{
	while (size) {
		la_ssize_t n = tar->api->archive_write_data(
			tar->archive, tar, size < INT_MAX ? (size_t)size : INT_MAX);

		if (n <= 0)
			return check(tar, ARCHIVE_FATAL);
		size -= (uint64_t)n;
	}
	return 0;
}

/* ---- the operations of a sink ---- */

static struct tar *tar_of(struct cryo_sink *sink)
{
	return (struct tar *)sink;
}

static int begin_entry(
	struct tar *tar, const char *path, uint64_t size, const struct cryo_sink_entry *sparse)
{
	int r = tar->error;

	if (r == 0)
		r = put_directories(tar, path);
	return r < 0 ? r : put_header(tar, path, AE_IFREG, size, sparse, NULL);
}

static int tar_create(struct cryo_sink *sink, const char *path, const struct cryo_sink_entry *entry,
	struct cryo_sink_file **ret_file)
{
	struct tar *tar = tar_of(sink);
	struct file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	file->file.sink = sink;
	file->streamed = entry;
	snprintf(file->path, sizeof(file->path), "%s", path);
	if (entry) {
		pthread_mutex_lock(&tar->lock);
		r = begin_entry(tar, path, entry->size, entry);
		if (r < 0) {
			pthread_mutex_unlock(&tar->lock);
			free(file);
			return r;
		}
	}
	*ret_file = &file->file;
	return 0;
}

static int tar_write(struct cryo_sink_file *sink_file, const void *data, size_t size)
{
	struct file *file = (struct file *)sink_file;

	if (!file->streamed)
		return cryo_buffer_add(&file->kept, data, size);
	return put_data(tar_of(sink_file->sink), data, size);
}

static int tar_skip(struct cryo_sink_file *sink_file, uint64_t size)
{
	struct file *file = (struct file *)sink_file;

	if (!file->streamed)
		return cryo_buffer_add_zero(&file->kept, size) ? 0 : -ENOMEM;
	return put_hole(tar_of(sink_file->sink), size);
}

/* A whole file from memory. */
static int put_kept(struct tar *tar, const struct file *file)
{
	int r;

	pthread_mutex_lock(&tar->lock);
	r = begin_entry(tar, file->path, file->kept.size, NULL);
	if (r == 0)
		r = put_data(tar, file->kept.data, file->kept.size);
	if (r == 0)
		r = check(tar, tar->api->archive_write_finish_entry(tar->archive));
	pthread_mutex_unlock(&tar->lock);
	return r;
}

/* The end of a streamed file: libarchive adds the zeros that are missing. */
static int end_streamed(struct tar *tar)
{
	int r = tar->error;

	if (r == 0)
		r = check(tar, tar->api->archive_write_finish_entry(tar->archive));
	pthread_mutex_unlock(&tar->lock);
	return r;
}

static void free_file(struct file *file)
{
	cryo_buffer_clear(&file->kept);
	free(file);
}

static int tar_commit(struct cryo_sink_file *sink_file)
{
	struct file *file = (struct file *)sink_file;
	struct tar *tar = tar_of(sink_file->sink);
	int r = file->streamed ? end_streamed(tar) : put_kept(tar, file);

	free_file(file);
	return r;
}

static void tar_abandon(struct cryo_sink_file *sink_file)
{
	struct file *file = (struct file *)sink_file;
	struct tar *tar = tar_of(sink_file->sink);

	if (file->streamed)
		end_streamed(tar);
	strcat(file->path, ".partial");
	put_kept(tar, file);
	free_file(file);
}

static int tar_link(struct cryo_sink *sink, const char *from, const char *to)
{
	struct tar *tar = tar_of(sink);
	int r;

	pthread_mutex_lock(&tar->lock);
	r = tar->error;
	if (r == 0)
		r = put_directories(tar, to);
	if (r == 0)
		r = put_header(tar, to, AE_IFREG, 0, NULL, from);
	pthread_mutex_unlock(&tar->lock);
	return r;
}

static void tar_reserve(struct cryo_sink *sink, uint64_t size)
{
	(void)sink;
	(void)size;
}

static void tar_close(struct cryo_sink *sink)
{
	struct tar *tar = tar_of(sink);

	if (tar->archive)
		tar->api->archive_write_free(tar->archive);
	cryo_packer_free(tar->packer);
	for (size_t i = 0; i < tar->n_directories; i++)
		free(tar->directories[i]);
	free(tar->directories);
	pthread_mutex_destroy(&tar->lock);
	free(tar);
}

static const struct cryo_sink_ops tar_ops = {
	.create = tar_create,
	.write = tar_write,
	.skip = tar_skip,
	.commit = tar_commit,
	.abandon = tar_abandon,
	.link = tar_link,
	.reserve = tar_reserve,
	.close = tar_close,
	.survives_kill = false,
};

static int set_up(struct tar *tar)
{
	int r = cryo_archive_api_get(&tar->api);

	if (r < 0)
		return r;
	tar->archive = tar->api->archive_write_new();
	if (!tar->archive)
		return -ENOMEM;
	r = check(tar, tar->api->archive_write_set_format_pax(tar->archive));
	if (r == 0 && tar->options.zstd_level)
		r = cryo_packer_new(tar->options.zstd_level, put_all, tar, &tar->packer);
	if (r < 0)
		return r;
	tar->api->archive_write_set_bytes_per_block(tar->archive, BLOCK);
	tar->api->archive_write_set_bytes_in_last_block(tar->archive, 1);
	return check(tar, tar->api->archive_write_open(tar->archive, tar, NULL, put, NULL));
}

int cryo_sink_open_tar(const struct cryo_tar_options *options, struct cryo_sink **ret_sink)
{
	struct tar *tar = calloc(1, sizeof(*tar));
	int r;

	if (!tar)
		return -ENOMEM;
	tar->sink.ops = &tar_ops;
	tar->options = *options;
	pthread_mutex_init(&tar->lock, NULL);
	r = set_up(tar);
	if (r < 0) {
		tar_close(&tar->sink);
		return r;
	}
	*ret_sink = &tar->sink;
	return 0;
}

int cryo_sink_tar_finish(struct cryo_sink *sink)
{
	struct tar *tar = tar_of(sink);
	int r;

	pthread_mutex_lock(&tar->lock);
	r = tar->error ? tar->error : check(tar, tar->api->archive_write_close(tar->archive));
	if (r == 0 && tar->packer)
		r = cryo_packer_finish(tar->packer);
	pthread_mutex_unlock(&tar->lock);
	return r;
}
