// SPDX-License-Identifier: MIT
/*
 * PR_SET_PDEATHSIG is about the future only, so the parent is looked at once more behind it.
 *
 * A child that cannot die would keep the other end of the caller's pipes waiting for ever, so what
 * was inherited is let go: stdin, stdout and stderr are replaced, the others closed. Descriptors of
 * our own, which may have the numbers of these three where the caller has closed his, are known by
 * FD_CLOEXEC. A file of a file system without a block device (FUSE, NFS) stays open: the last thing
 * that close(2) does there is to ask its server (fuse_flush()), which may not answer.
 */
#include "capture/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/signals.h"
#include "capture/stop.h"
#include "proc/procfs.h"
#include "proc/status.h"

/* How long a child may take to die: where it lies in one uninterruptible sleep, and where there are
 * many, or it has no turn, on a machine that is busy. */
#define DEATH_NS (4 * CRYO_NSEC_PER_SEC)
#define STARVED_NS (60 * CRYO_NSEC_PER_SEC)

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

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

void cryo_child_begin(pid_t parent, int death_signal, const int *descriptors, size_t count)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE,
		SIGXFSZ, SIGUSR1, SIGUSR2};

	static const struct rlimit none = {0};

	prctl(PR_SET_PDEATHSIG, death_signal);
	if (getppid() != parent)
		_exit(1);
	cryo_signals_leave();
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		signal(crashes[i], SIG_DFL);
	umask(077);
	setrlimit(RLIMIT_CORE, &none); /* it would be the memory of the target, too */
	leave_stdio();
	leave_others(descriptors, count);
}

void cryo_child_leave_all(void)
{
	cryo_io_close_range(0, INT_MAX);
}

/* ---- the end of a child ---- */

/* Until it has ended, as far as the kernel can tell (pidfd_open(2), Linux 5.3), or for a while. */
static void wait_for_end(pid_t pid, uint64_t deadline)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0 || poll(&end, 1, cryo_deadline_poll_ms(deadline)) < 0)
		usleep(100);
}

static bool reap(pid_t *pid, uint64_t deadline, int *status)
{
	while (*pid) {
		pid_t ended = waitpid(*pid, status, WNOHANG);

		if (ended == *pid || (ended < 0 && errno == ECHILD))
			*pid = 0;
		else if (cryo_now() >= deadline)
			return false;
		else
			wait_for_end(*pid, deadline);
	}
	return true;
}

bool cryo_child_reap(pid_t *pid, uint64_t deadline)
{
	return reap(pid, deadline, NULL);
}

int cryo_child_reap_crash(pid_t *pid, uint64_t deadline)
{
	int status = 0;

	if (!reap(pid, deadline, &status) || !WIFSIGNALED(status))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		if (crashes[i] == WTERMSIG(status))
			return crashes[i];
	return 0;
}

/* How often the threads of a process have gone to sleep, if one of them is in state D, or waits for
 * a FUSE server at its end (it closes its files then); else 0. */
static uint64_t sleeps_of_stuck(int procfs, pid_t pid)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);
	_cleanup_free_ pid_t *tids = NULL;
	uint64_t sleeps = 0;
	bool stuck = false;
	size_t count;

	if (dir < 0 || cryo_procfs_list(dir, "task", &tids, &count) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		_cleanup_close_ int task = cryo_procfs_open_task(procfs, pid, tids[i]);
		struct cryo_status status;

		if (task < 0 || cryo_status_read(task, &status) < 0)
			continue;
		sleeps += status.voluntary_switches + 1;
		stuck |= status.state == 'D' || cryo_stop_is_hopeless(dir, tids[i]);
	}
	return stuck ? sleeps : 0;
}

bool cryo_child_end(pid_t *pid, int procfs, uint64_t patience)
{
	uint64_t limit, seen, now;

	if (cryo_child_reap(pid, cryo_now() + patience))
		return true;
	kill(*pid, SIGKILL);
	limit = cryo_now() + STARVED_NS;
	do {
		seen = sleeps_of_stuck(procfs, *pid);
		if (cryo_child_reap(pid, cryo_now() + DEATH_NS))
			return true;
		now = sleeps_of_stuck(procfs, *pid);
	} while ((!seen || seen != now) && cryo_now() < limit);
	return false;
}
