// SPDX-License-Identifier: MIT
/*
 * A descriptor of /proc/PID holds the kernel's struct pid, so it can never come to mean another
 * process. The pidfd is opened by number after it; that the directory still answers afterwards
 * proves that the number was not given to anybody else in between.
 */
#include "proc/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "proc/procfs.h"

enum {
	LOOKS = 8 /* at one who seems to be gone */
};

/* A fixture has no processes, and its numbers are those of somebody else here. */
static bool is_real_procfs(int dir)
{
	struct statfs info;

	return fstatfs(dir, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

/* 0, with -1 where there are no pidfds, or -errno. */
static int open_pidfd(int dir, pid_t pid, int *ret_pidfd)
{
	int pidfd = -1;

	if (is_real_procfs(dir)) {
		pidfd = pidfd_open(pid, 0);
		if (pidfd < 0 && errno != ENOSYS)
			return errno == EINVAL ? -ENOENT : -errno; /* EINVAL: a thread */
	}
	*ret_pidfd = pidfd;
	return 0;
}

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ESRCH;
}

/* The directory that a name led to is of whoever has that number, but for an instant of execve(2)
 * by a thread: the kernel may then have taken the number of the task that it found a moment ago. */
static int look(int procfs, pid_t pid, struct cryo_stat *ret_stat)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);
	int r = dir < 0 ? dir : cryo_stat_read(dir, ret_stat);

	if (r < 0)
		return r;
	return ret_stat->pid == pid ? steal_fd(&dir) : -ESRCH;
}

int cryo_identity_look(int procfs, pid_t pid, struct cryo_stat *ret_stat)
{
	int dir = -ESRCH;

	for (int i = 0; i < LOOKS && is_gone(dir); i++)
		dir = look(procfs, pid, ret_stat);
	return dir;
}

/* The start time is read after the pidfd was opened: the directory is still bound to its process
 * then, so both are of the same. */
static int open_once(int procfs, pid_t pid, struct cryo_identity *ret_identity)
{
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
	struct cryo_stat stat;
	int r;

	identity.pid = pid;
	identity.dir = cryo_procfs_open_process(procfs, pid);
	if (identity.dir < 0)
		return identity.dir;
	r = open_pidfd(identity.dir, pid, &identity.pidfd);
	if (r == 0)
		r = cryo_stat_read(identity.dir, &stat);
	if (r < 0)
		return r;
	if (stat.pid != pid)
		return -ESRCH;
	identity.start_time = stat.starttime;
	*ret_identity = identity;
	identity = CRYO_IDENTITY_NONE;
	return 0;
}

int cryo_identity_open(int procfs, pid_t pid, struct cryo_identity *ret_identity)
{
	int r = -ESRCH;

	for (int i = 0; i < LOOKS && is_gone(r); i++)
		r = open_once(procfs, pid, ret_identity);
	return r;
}

int cryo_identity_find(int procfs, pid_t pid, uint64_t start_time, struct cryo_stat *ret_stat)
{
	_cleanup_close_ int dir = cryo_identity_look(procfs, pid, ret_stat);

	if (dir < 0)
		return dir;
	return ret_stat->starttime == start_time ? steal_fd(&dir) : -ESRCH;
}

bool cryo_identity_is_alive(const struct cryo_identity *identity)
{
	for (int i = 0; i < LOOKS; i++)
		if (faccessat(identity->dir, "stat", F_OK, 0) == 0 || !is_gone(-errno))
			return true;
	return false;
}

void cryo_identity_close(struct cryo_identity *identity)
{
	if (identity->pidfd >= 0)
		close(identity->pidfd);
	if (identity->dir >= 0)
		close(identity->dir);
	*identity = CRYO_IDENTITY_NONE;
}

static int open_if_live(int procfs, pid_t tid)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, tid);
	struct cryo_stat stat;
	int r = dir < 0 ? dir : cryo_stat_read(dir, &stat);

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	return strchr("ZXx", stat.state) ? -ESRCH : steal_fd(&dir);
}

/* Threads may have lower numbers than the leader, when numbers have begun again. */
int cryo_identity_open_live(int procfs, const struct cryo_identity *identity, pid_t *ret_tid)
{
	_cleanup_free_ pid_t *tids = NULL;
	size_t count = 0;
	int dir = open_if_live(procfs, identity->pid), r = 0;

	*ret_tid = identity->pid;
	if (dir < 0)
		r = cryo_procfs_list_threads(identity->dir, &tids, &count);
	for (size_t i = 0; dir < 0 && i < count; i++) {
		*ret_tid = tids[i];
		dir = open_if_live(procfs, tids[i]);
	}
	return dir < 0 && r < 0 && r != -ENOENT ? r : dir;
}
