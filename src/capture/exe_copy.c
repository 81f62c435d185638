// SPDX-License-Identifier: MIT
/*
 * The descriptor comes from /proc/PID/exe, which is the very file that runs, whatever its name is
 * now. Data is found by SEEK_DATA (lseek(2)); a file system without it calls everything data.
 */
#include "capture/exe_copy.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum {
	STEP = 1 << 18
};

static int copy_range(int exe, off_t from, off_t end, char *buffer, struct cryo_output *output)
{
	while (from < end) {
		size_t want = end - from < STEP ? (size_t)(end - from) : STEP;
		ssize_t n = cryo_io_pread(exe, buffer, want, from);
		int r;

		if (n < 0)
			return (int)n;
		if (n == 0)
			return -ESTALE;
		r = cryo_output_write(output, buffer, (size_t)n, (uint64_t)from);
		if (r < 0)
			return r;
		from += n;
	}
	return 0;
}

int cryo_exe_copy(int exe, struct cryo_output *output)
{
	_cleanup_free_ char *buffer = malloc(STEP);
	struct stat found;
	off_t data = 0, hole;
	int r;

	if (!buffer)
		return -ENOMEM;
	if (fstat(exe, &found) < 0)
		return -errno;
	while (data < found.st_size && (data = lseek(exe, data, SEEK_DATA)) >= 0) {
		hole = lseek(exe, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		r = copy_range(exe, data, hole, buffer, output);
		if (r < 0)
			return r;
		data = hole;
	}
	if (data < 0 && errno != ENXIO)
		return -errno;
	return cryo_output_set_size(output, (uint64_t)found.st_size);
}
