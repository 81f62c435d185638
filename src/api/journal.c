// SPDX-License-Identifier: MIT
/*
 * The public function of journal.h.
 */
#include <cryocore/journal.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "elf/core_keep.h"
#include "evidence/journal_entry.h"

/* Of a compressed core headers and notes are unpacked into memory. */
static int open_compressed(int fd, struct cryo_core *ret_core)
{
	struct cryo_core_keep keep = CRYO_CORE_KEEP_NONE;
	struct cryo_input *input;
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : cryo_input_open(fd, &input);

	if (r < 0)
		return r;
	r = cryo_core_keep_input(input, CRYO_KEEP_TAIL, &keep);
	if (r == 0)
		r = cryo_core_open_fd(keep.fd, ret_core);
	cryo_core_keep_clear(&keep);
	cryo_input_close(input);
	return r;
}

static int make(int fd, const char *path, struct cryo_buffer *text)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	struct utsname names;
	struct stat status;
	uint64_t time;
	int r = fstat(fd, &status) < 0 ? -errno : cryo_core_open_fd(fd, &core);

	if (r == -ENOEXEC)
		r = open_compressed(fd, &core);
	if (r < 0)
		return r;
	uname(&names);
	time = (uint64_t)status.st_mtim.tv_sec * CRYO_NSEC_PER_SEC +
	       (uint64_t)status.st_mtim.tv_nsec;
	return cryo_journal_entry(&core, path, time, names.nodename, text);
}

int cryocore_journal_entry(const char *path, char **ret_text, size_t *ret_size)
{
	_cleanup_free_ char *absolute = realpath(path, NULL);
	_cleanup_close_ int fd = absolute ? open(absolute, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = fd < 0 ? -errno : make(fd, absolute, &text);

	if (r < 0)
		return r;
	*ret_size = text.size;
	*ret_text = (char *)steal_ptr(text.data);
	return 0;
}
