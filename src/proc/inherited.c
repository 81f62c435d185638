// SPDX-License-Identifier: MIT
/*
 * A child that cannot die would keep the other end of the caller's pipes waiting for ever, so what
 * was inherited is let go: stdin, stdout and stderr are replaced, the others closed. Descriptors of
 * our own, which may have the numbers of these three where the caller has closed his, are known by
 * FD_CLOEXEC. A file of a file system without a block device (FUSE, NFS) stays open: the last thing
 * that close(2) does there is to ask its server (fuse_flush()), which may not answer.
 */
#include "proc/inherited.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proc/procfs.h"

enum {
	NUMBERS_MAX = 1024 /* that are asked for one by one */
};

static void leave_stdio(void)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == 0)
			dup2(null, fd);
}

/* Whether close(2) of it asks nobody. What can have seals is in memory: memfds of others like us.
 */
static bool is_closed_at_once(int fd)
{
	struct statx found;

	if (fcntl(fd, F_GET_SEALS) >= 0)
		return true;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &found) < 0)
		return false;
	return found.stx_dev_major != 0 || (!S_ISREG(found.stx_mode) && !S_ISDIR(found.stx_mode));
}

/* Whether there was such a descriptor. */
static bool leave(int fd, const int *kept, size_t count)
{
	bool needed = fd <= STDERR_FILENO;

	if (fcntl(fd, F_GETFD) < 0)
		return false;
	for (size_t i = 0; i < count && !needed; i++)
		needed = fd == kept[i];
	if (!needed && is_closed_at_once(fd))
		close(fd);
	return true;
}

static void leave_listed(const int *kept, size_t count)
{
	_cleanup_close_ int self = cryo_procfs_open("/proc/self");
	_cleanup_free_ int *open_ones = NULL;
	size_t n_open;

	if (self < 0 || cryo_procfs_list(self, "fd", &open_ones, &n_open) < 0)
		return;
	for (size_t i = 0; i < n_open; i++)
		if (open_ones[i] != self)
			leave(open_ones[i], kept, count);
}

/* How many there are: the size of the directory, since Linux 6.2. 0: not known. */
static off_t count_open(void)
{
	struct stat found;

	return stat("/proc/self/fd", &found) == 0 ? found.st_size : 0;
}

/* To ask for one number after the other until all have been seen is cheaper than a listing, for
 * which the kernel makes an inode for each descriptor. */
static void leave_others(const int *kept, size_t count)
{
	off_t left = count_open();
	bool known = left > 0;

	for (int fd = 0; left > 0 && fd < NUMBERS_MAX; fd++)
		left -= leave(fd, kept, count);
	if (!known || left)
		leave_listed(kept, count);
}

void cryo_inherited_leave(const int *kept, size_t count)
{
	leave_stdio();
	leave_others(kept, count);
}
