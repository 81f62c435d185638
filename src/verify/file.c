// SPDX-License-Identifier: MIT
/*
 * A core is looked at in any order, an archive and what is compressed only from its beginning to
 * its end. Of a compressed core headers, notes and tail are kept on the way.
 */
#include "verify/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "elf/core_keep.h"
#include "verify/archive.h"
#include "verify/verify.h"

enum {
	START = 512,
};

static int open_regular(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat found;

	if (fd < 0 || fstat(fd, &found) < 0)
		return -errno;
	return S_ISREG(found.st_mode) ? steal_fd(&fd) : -EINVAL;
}

static int check_core(int fd, struct cryo_verdict *verdict)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	int r = cryo_core_open_fd(fd, &core);

	return r < 0 ? r : cryo_verify_core(&core, verdict);
}

static void tell_damage(int error, struct cryo_verdict *verdict)
{
	cryo_verdict_add(verdict, error == -ENODATA ? "truncated" : "frame", "%s",
		error == -ENODATA ? "the compressed data ends in the middle"
				  : "the compressed data is damaged");
}

static bool is_damage(int error)
{
	return error == -ENODATA || error == -EBADMSG;
}

static int check_compressed_core(struct cryo_input *input, struct cryo_verdict *verdict)
{
	struct cryo_core_keep keep;
	int error = cryo_core_keep_input(input, CRYO_KEEP_TAIL, &keep);
	int r = is_damage(error) ? 0 : error;

	if (r == 0)
		r = check_core(keep.fd, verdict);
	if (r == 0 && is_damage(error))
		tell_damage(error, verdict);
	cryo_core_keep_clear(&keep);
	return r;
}

/* The input once more, from its beginning. */
static int reopen(int fd, struct cryo_input **ret_input)
{
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : cryo_input_open(fd, ret_input);
}

static int check_input(int fd, bool is_tar, struct cryo_verdict *verdict)
{
	_cleanup_input_ struct cryo_input *input = NULL;
	int r = reopen(fd, &input);

	if (r < 0)
		return r;
	return is_tar ? cryo_verify_archive(input, verdict) : check_compressed_core(input, verdict);
}

/* What it is inside of its compression, if it has one. */
static int look(int fd, bool *ret_is_tar, bool *ret_is_compressed)
{
	_cleanup_input_ struct cryo_input *input = NULL;
	uint8_t start[START];
	int r = reopen(fd, &input);
	ssize_t n = r < 0 ? r : cryo_input_read(input, start, sizeof(start));

	if (r < 0 || (n < 0 && !is_damage((int)n)))
		return r < 0 ? r : (int)n;
	*ret_is_tar = n > 0 && cryo_is_tar(start, (size_t)n);
	*ret_is_compressed = cryo_input_is_compressed(input);
	return 0;
}

int cryo_verify_file(const char *path, struct cryo_verdict *verdict)
{
	_cleanup_close_ int fd = open_regular(path);
	bool is_tar, is_compressed;
	int r = fd < 0 ? fd : look(fd, &is_tar, &is_compressed);

	if (r < 0)
		return r;
	return is_tar || is_compressed ? check_input(fd, is_tar, verdict) : check_core(fd, verdict);
}
