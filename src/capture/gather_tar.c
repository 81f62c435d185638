// SPDX-License-Identifier: MIT
/*
 * A core reaches the stream through a socket pair and a thread that feeds the archive. A socket and
 * not a pipe: its writing side can be shut down for everybody, also for children of other captures
 * that have inherited it, and so the feeding thread always comes to an end.
 */
#include "capture/gather_tar.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/library.h"
#include "capture/result.h"
#include "evidence/core_stream.h"
#include "evidence/item.h"
#include "evidence/sink_tar.h"

enum {
	STEP = 256 * 1024,
	STALL_MS = 20000,
	DEPTH_MAX = 8
};

static const char manifest[] = "manifest.json";

/* ---- files from the spool ---- */

static int add_extent(struct cryo_sink_extent **extents, size_t *count, off_t data, off_t hole)
{
	struct cryo_sink_extent *extent = cryo_array_add(*extents, *count);

	if (!extent)
		return -ENOMEM;
	*extent = (struct cryo_sink_extent){(uint64_t)data, (uint64_t)(hole - data)};
	return 0;
}

static int find_extents(int fd, off_t size, struct cryo_sink_extent **extents, size_t *count)
{
	off_t data = 0, hole;
	int r = 0;

	while (r == 0 && data < size && (data = lseek(fd, data, SEEK_DATA)) >= 0) {
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		r = add_extent(extents, count, data, hole);
		data = hole;
	}
	return r;
}

static int copy_extent(
	int fd, const struct cryo_sink_extent *extent, uint8_t *buffer, struct cryo_sink_file *file)
{
	uint64_t done = 0;
	int r = 0;

	while (r == 0 && done < extent->size) {
		size_t want = extent->size - done < STEP ? (size_t)(extent->size - done) : STEP;
		ssize_t n = cryo_io_pread(fd, buffer, want, (off_t)(extent->offset + done));

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		r = cryo_sink_write(file, buffer, (size_t)n);
		done += (uint64_t)n;
	}
	return r;
}

static int copy_file(int fd, const struct cryo_sink_entry *entry, struct cryo_sink_file *file)
{
	_cleanup_free_ uint8_t *buffer = malloc(STEP);
	uint64_t position = 0;
	int r = buffer ? 0 : -ENOMEM;

	for (size_t i = 0; i < entry->n_extents && r == 0; i++) {
		r = cryo_sink_skip(file, entry->extents[i].offset - position);
		if (r == 0)
			r = copy_extent(fd, &entry->extents[i], buffer, file);
		position = entry->extents[i].offset + entry->extents[i].size;
	}
	return r == 0 ? cryo_sink_skip(file, entry->size - position) : r;
}

static int ship_file(struct cryo_gather *gather, int directory, const char *name, const char *path)
{
	_cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ struct cryo_sink_extent *extents = NULL;
	struct cryo_sink_entry entry = {0};
	struct cryo_sink_file *file;
	struct stat found;
	int r;

	if (fd < 0 || fstat(fd, &found) < 0)
		return -errno;
	r = find_extents(fd, found.st_size, &extents, &entry.n_extents);
	entry.size = (uint64_t)found.st_size;
	entry.extents = extents;
	if (r == 0)
		r = cryo_sink_create(gather->tar, path, &entry, &file);
	if (r < 0)
		return r;
	r = copy_file(fd, &entry, file);
	if (r < 0) {
		cryo_sink_abandon(file);
		return r;
	}
	unlinkat(directory, name, 0);
	return cryo_sink_commit(file);
}

/* Everything in a directory, but for the manifest, which has its time. */
static int ship_directory(struct cryo_gather *gather, int parent, const char *name,
	const char *prefix, unsigned int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return fd < 0 && errno == ENOENT ? 0 : -errno;
	while (r == 0 && (entry = readdir(dir))) {
		char path[CRYO_SINK_PATH_MAX];

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, manifest) == 0)
			continue;
		if (snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] ? "/" : "",
			    entry->d_name) >= (int)sizeof(path))
			return -ENAMETOOLONG;
		if (entry->d_type == DT_DIR && depth)
			r = ship_directory(gather, dirfd(dir), entry->d_name, path, depth - 1);
		else if (entry->d_type == DT_REG)
			r = ship_file(gather, dirfd(dir), entry->d_name, path);
	}
	return r;
}

int cryo_gather_tar_ship(struct cryo_gather *gather, pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "proc/%d", pid);
	return ship_directory(gather, cryo_sink_directory_fd(gather->sink), path, path, DEPTH_MAX);
}

int cryo_gather_tar_ship_files(struct cryo_gather *gather)
{
	return ship_directory(
		gather, cryo_sink_directory_fd(gather->sink), "files", "files", DEPTH_MAX);
}

int cryo_gather_tar_end(struct cryo_gather *gather)
{
	int spool = cryo_sink_directory_fd(gather->sink);
	int r = ship_directory(gather, spool, ".", "", DEPTH_MAX);

	if (r == 0)
		r = ship_file(gather, spool, manifest, manifest);
	return r < 0 ? r : cryo_sink_tar_finish(gather->tar);
}

/* ---- cores ---- */

struct feed {
	struct cryo_gather *gather;
	int fd, error;
	struct cryo_core_keep *keep;
	char path[CRYO_SINK_PATH_MAX];
	struct cryo_deposit_sum sum;
};

static void *feed(void *user)
{
	struct feed *feeding = user;

	feeding->error = cryo_core_stream_store(
		feeding->fd, feeding->gather->tar, feeding->path, feeding->keep, &feeding->sum);
	return NULL;
}

/* What a core that is not in the stream, or not whole, is recorded with. */
static int core_error(const struct feed *feeding, const struct cryocore_result *result)
{
	for (size_t i = 0; i < result->n_messages; i++)
		if (result->messages[i].severity == CRYOCORE_ERROR && result->messages[i].error)
			return -result->messages[i].error;
	return feeding->error < 0 ? feeding->error : -EIO;
}

static int run_capture(struct cryo_gather *gather, struct cryo_target *target,
	struct cryocore_options *options, struct cryo_session *session, int ends[2])
{
	struct feed feeding = {
		.gather = gather, .fd = ends[0], .keep = gather->stacks ? &target->keep : NULL};
	pthread_t thread;
	int r;

	cryo_item_path(target->dossier.pid, "core", feeding.path);
	r = pthread_create(&thread, NULL, feed, &feeding);
	if (r != 0)
		return -r;
	options->stream_fd = ends[1];
	options->sparse_stream = true;
	r = cryo_gather_capture(gather, target, options, session);
	shutdown(ends[1], SHUT_WR);
	pthread_join(thread, NULL);
	if (r < 0)
		return r;
	target->dossier.core = target->core;
	return cryo_evidence_add_streamed_core(gather->evidence, &target->dossier,
		feeding.error == 0 && target->core->outcome != CRYOCORE_FAILED
			? 0
			: core_error(&feeding, target->core),
		&feeding.sum);
}

int cryo_gather_tar_core(struct cryo_gather *gather, struct cryo_target *target,
	struct cryocore_options *options, struct cryo_session *session)
{
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	r = run_capture(gather, target, options, session, ends);
	close(ends[0]);
	close(ends[1]);
	return r;
}

/* ---- the beginning and the end ---- */

/* A tmpfs that is in no mount table and goes with its descriptor. */
static int open_spool(void)
{
	_cleanup_close_ int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int mount;

	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
		fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mount = fsmount(
		context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	return mount < 0 ? -errno : mount;
}

int cryo_gather_tar_open(struct cryo_gather *gather)
{
	struct cryo_tar_options options = {.fd = gather->options->tar_fd,
		.zstd_level = gather->options->zstd_level,
		.stall_ms = STALL_MS};
	uint64_t timeout_ms = gather->options->timeout_ms;
	int r;

	/* Nobody waits longer for a reader than for the rest of a capture. */
	if (timeout_ms && timeout_ms < options.stall_ms)
		options.stall_ms = (unsigned int)timeout_ms;
	gather->spool = open_spool();
	if (gather->spool < 0) {
		cryo_gather_say(gather, CRYOCORE_ERROR, -gather->spool,
			"a directory in memory cannot be made: %s: --tar needs root and Linux 5.2",
			strerror(-gather->spool));
		return gather->spool;
	}
	snprintf(gather->spool_path, sizeof(gather->spool_path), "/proc/self/fd/%d", gather->spool);
	gather->directory = gather->spool_path;
	r = cryo_sink_open_tar(&options, &gather->tar);
	if (r < 0)
		cryo_gather_say(
			gather, CRYOCORE_ERROR, -r, "the tar stream: %s", cryo_library_strerror(r));
	return r;
}

void cryo_gather_tar_close(struct cryo_gather *gather)
{
	cryo_sink_close(gather->tar);
	cryo_cleanup_close(&gather->spool);
}
