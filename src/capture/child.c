// SPDX-License-Identifier: MIT
/*
 * PR_SET_PDEATHSIG is about the future only, so the parent is looked at once more behind it.
 */
#include "capture/child.h"

#include <errno.h>
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
#include "proc/inherited.h"
#include "proc/procfs.h"
#include "proc/status.h"

/* How long a child may take to die: where it lies in one uninterruptible sleep, and where there are
 * many, or it has no turn, on a machine that is busy. */
#define DEATH_NS (4 * CRYO_NSEC_PER_SEC)
#define STARVED_NS (60 * CRYO_NSEC_PER_SEC)

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

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
	cryo_inherited_leave(descriptors, count);
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

	if (dir < 0 || cryo_procfs_list_threads(dir, &tids, &count) < 0)
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
