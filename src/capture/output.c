// SPDX-License-Identifier: MIT
/*
 * Nothing here follows a link in the last part of a name, and nothing is ever opened twice by name.
 */
#include "capture/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/packer.h"

enum {
	ZEROS = 1 << 16
};

static int split_path(const char *path, struct cryo_output *output)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory = NULL;

	output->path = strdup(path);
	output->name = strdup(slash ? slash + 1 : path);
	if (!output->path || !output->name ||
		asprintf(&output->partial, "%s.partial", output->name) < 0)
		return -ENOMEM;
	directory = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	if (!directory)
		return -ENOMEM;
	output->dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return output->dir < 0 ? -errno : 0;
}

static bool exists(int dir, const char *name)
{
	struct stat found;

	return fstatat(dir, name, &found, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make(struct cryo_output *output, _Atomic uint32_t *n_begun)
{
	++*n_begun;
	output->fd = openat(output->dir, output->partial,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_LARGEFILE, 0600);
	if (output->fd >= 0)
		return 0;
	--*n_begun;
	return -errno;
}

int cryo_output_open(
	const char *path, bool overwrite, _Atomic uint32_t *n_begun, struct cryo_output *ret_output)
{
	_cleanup_output_ struct cryo_output output = CRYO_OUTPUT_NONE;
	int r = split_path(path, &output);

	if (r < 0)
		return r;
	output.overwrite = overwrite;
	if (!overwrite && (exists(output.dir, output.name) || exists(output.dir, output.partial)))
		return -EEXIST;
	if (overwrite && unlinkat(output.dir, output.partial, 0) < 0 && errno != ENOENT)
		return -errno;
	r = make(&output, n_begun);
	if (r < 0)
		return r;
	*ret_output = output;
	output = CRYO_OUTPUT_NONE;
	return 0;
}

void cryo_output_from_stream(int fd, bool sparse, struct cryo_output *ret_output)
{
	*ret_output = CRYO_OUTPUT_NONE;
	ret_output->fd = fd;
	ret_output->stream = ret_output->forward = true;
	ret_output->sparse = sparse;
}

int cryo_output_announce(
	struct cryo_output *output, uint64_t size, struct cryo_stretch *stretches, size_t count)
{
	struct cryo_sparse_head head = {CRYO_SPARSE_MAGIC, size, count};
	int r = cryo_io_write(output->fd, &head, sizeof(head));

	free(output->stretches);
	output->stretches = stretches;
	output->n_stretches = count;
	return r < 0 ? r : cryo_io_write(output->fd, stretches, count * sizeof(*stretches));
}

/* Bytes from the position on that lie alike inside a stretch, or outside (then they are a hole). */
static uint64_t alike(struct cryo_output *output, uint64_t size, bool *ret_is_data)
{
	const struct cryo_stretch *stretch;
	uint64_t bound = UINT64_MAX;

	*ret_is_data = true;
	if (!output->sparse)
		return size;
	while (output->stretch < output->n_stretches &&
		output->stretches[output->stretch].offset +
				output->stretches[output->stretch].size <=
			output->position)
		output->stretch++;
	*ret_is_data = false;
	if (output->stretch < output->n_stretches) {
		stretch = &output->stretches[output->stretch];
		*ret_is_data = output->position >= stretch->offset;
		bound = stretch->offset + (*ret_is_data ? stretch->size : 0) - output->position;
	}
	return bound < size ? bound : size;
}

static int put(struct cryo_output *output, const void *data, size_t size)
{
	if (output->steps)
		++*output->steps;
	return output->packer ? cryo_packer_write(output->packer, data, size)
			      : cryo_io_write(output->fd, data, size);
}

/* Move a stream forward over bytes, or over zeros if there are none. */
static int advance(struct cryo_output *output, const uint8_t *data, uint64_t size)
{
	static uint8_t zeros[ZEROS]; /* not const: it costs no room in the program */

	while (size) {
		bool is_data;
		uint64_t step = alike(output, size, &is_data);
		int r = 0;

		if (is_data && !data && step > ZEROS)
			step = ZEROS;
		if (is_data)
			r = put(output, data ? data : zeros, (size_t)step);
		if (r < 0)
			return r;
		output->position += step;
		size -= step;
		data = data ? data + step : NULL;
	}
	return 0;
}

static int put_packed(void *user, const void *data, size_t size)
{
	const struct cryo_output *output = user;

	return cryo_io_write(output->fd, data, size);
}

int cryo_output_compress(struct cryo_output *output, int level)
{
	output->forward = true;
	return cryo_packer_new(level, put_packed, output, &output->packer);
}

static int fill_stream(struct cryo_output *output, uint64_t end)
{
	return end > output->position ? advance(output, NULL, end - output->position) : 0;
}

/* What is refused or cut is left to pwrite(2), which says why. */
static int write_file(struct cryo_output *output, const void *data, size_t size, off_t offset)
{
	ssize_t n = 0;

	if (output->behind.wanted)
		n = cryo_dropbehind_write(&output->behind, output->fd, data, size, offset);
	if (n < 0)
		n = 0;
	if ((size_t)n == size)
		return 0;
	return cryo_io_pwrite(output->fd, (const char *)data + n, size - (size_t)n, offset + n);
}

int cryo_output_write(struct cryo_output *output, const void *data, size_t size, uint64_t offset)
{
	int r;

	if (!output->forward)
		return write_file(output, data, size, (off_t)offset);
	r = fill_stream(output, offset);
	return r < 0 ? r : advance(output, data, size);
}

void cryo_output_empty(struct cryo_output *output)
{
	while (ftruncate(output->fd, 0) < 0 && errno == EINTR)
		continue;
}

int cryo_output_set_size(struct cryo_output *output, uint64_t size)
{
	if (output->forward)
		return fill_stream(output, size);
	return ftruncate(output->fd, (off_t)size) < 0 ? -errno : 0;
}

int cryo_output_commit(struct cryo_output *output)
{
	int r = output->packer ? cryo_packer_finish(output->packer) : 0;

	if (r == 0 && !output->stream)
		r = cryo_io_flush(output->fd);
	if (r < 0 || output->stream)
		return r;
	if (!output->overwrite)
		return cryo_io_rename_new(output->dir, output->partial, output->name);
	return renameat(output->dir, output->partial, output->dir, output->name) < 0 ? -errno : 0;
}

bool cryo_output_abandon(struct cryo_output *output)
{
	struct stat found;

	if (output->packer)
		cryo_packer_finish(output->packer);
	if (output->stream || output->fd < 0)
		return false;
	if (fstat(output->fd, &found) == 0 && found.st_size > 0)
		return true;
	unlinkat(output->dir, output->partial, 0);
	return false;
}

void cryo_output_close(struct cryo_output *output)
{
	if (!output->stream)
		cryo_cleanup_close(&output->fd);
	cryo_cleanup_close(&output->dir);
	free(output->path);
	free(output->name);
	free(output->partial);
	free(output->stretches);
	cryo_packer_free(output->packer);
	*output = CRYO_OUTPUT_NONE;
}
