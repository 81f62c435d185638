// SPDX-License-Identifier: MIT
/*
 * A capture like any other, but of little, and into memory: the core is streamed without its holes
 * (the stacks of a thousand threads are eight gigabytes, of which some megabytes are used), and
 * then put together in a sparse file that has no name.
 */
#include "api/stacks_capture.h"

#include <cryocore/cryocore.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "capture/capture.h"
#include "capture/output.h"
#include "capture/result.h"
#include "proc/procfs.h"

enum {
	STEP = 1 << 16
};

/* Move bytes from where a stream stands to an offset of a file. */
static int move(int stream, int file, const struct cryo_stretch *stretch)
{
	uint8_t data[STEP];

	for (uint64_t done = 0; done < stretch->size;) {
		uint64_t left = stretch->size - done;
		ssize_t n = cryo_io_read(stream, data, left < STEP ? (size_t)left : STEP);
		int r;

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		r = cryo_io_pwrite(file, data, (size_t)n, (off_t)(stretch->offset + done));
		if (r < 0)
			return r;
		done += (uint64_t)n;
	}
	return 0;
}

/* The stream is a file too, at its beginning. */
static int put_together(int stream, int file)
{
	_cleanup_free_ struct cryo_stretch *stretches = NULL;
	struct cryo_sparse_head head;
	size_t size;
	int r = 0;

	if (cryo_io_read(stream, &head, sizeof(head)) != sizeof(head) ||
		head.magic != CRYO_SPARSE_MAGIC)
		return -EIO;
	if (__builtin_mul_overflow(head.n_stretches, sizeof(*stretches), &size))
		return -EIO;
	stretches = malloc(size + 1);
	if (!stretches)
		return -ENOMEM;
	if (cryo_io_read(stream, stretches, size) != (ssize_t)size)
		return -EIO;
	for (uint64_t i = 0; i < head.n_stretches && r == 0; i++)
		r = move(stream, file, &stretches[i]);
	if (r == 0 && ftruncate(file, (off_t)head.size) < 0)
		r = -errno;
	return r;
}

static int capture(pid_t pid, uint64_t max_ns, int stream, char **ret_why)
{
	static const struct cryo_policy policy = {
		.set = CRYO_CONTENT_ELF_HEADERS | CRYO_CONTENT_DELETED, .stacks = true};
	struct cryocore_options options;
	struct cryocore_result *result = NULL;
	int r;

	cryocore_options_init(&options);
	options.stream_fd = stream;
	options.sparse_stream = true;
	options.no_exe = true;
	options.timeout_ms = max_ns / CRYO_NSEC_PER_MSEC;
	r = cryo_capture(pid, &options, &policy, NULL, &result);
	if (r < 0)
		return r;
	if (result->outcome == CRYOCORE_FAILED)
		r = -EIO;
	for (size_t i = 0; r < 0 && ret_why && i < result->n_messages; i++) {
		free(*ret_why);
		*ret_why = strdup(result->messages[i].text);
	}
	cryo_result_free(result);
	return r;
}

static int open_task(pid_t pid)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");

	return procfs < 0 ? procfs : cryo_procfs_open_process(procfs, pid);
}

int cryo_stacks_capture(pid_t pid, uint64_t max_ns, int *ret_task, int *ret_core, char **ret_why)
{
	_cleanup_close_ int stream = memfd_create("stream", MFD_CLOEXEC);
	_cleanup_close_ int core = memfd_create("core", MFD_CLOEXEC);
	_cleanup_close_ int task = open_task(pid);
	int r;

	if (stream < 0 || core < 0)
		return -errno;
	r = capture(pid, max_ns, stream, ret_why);
	if (r == 0 && lseek(stream, 0, SEEK_SET) < 0)
		r = -errno;
	if (r == 0)
		r = put_together(stream, core);
	if (r < 0)
		return r;
	*ret_task = steal_fd(&task);
	*ret_core = steal_fd(&core);
	return 0;
}
