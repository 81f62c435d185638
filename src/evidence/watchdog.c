// SPDX-License-Identifier: MIT
#include "evidence/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/signals.h"
#include "proc/inherited.h"

enum {
	NO_PIDFD_POLL_MS = 2 /* before Linux 5.3 nothing wakes us */
};

pid_t cryo_watchdog_fork(const int *kept, size_t count)
{
	pid_t parent = getpid(), child = fork();

	if (child != 0)
		return child < 0 ? -errno : child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	cryo_signals_leave();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (getppid() != parent)
		_exit(1);
	cryo_inherited_leave(kept, count);
	return 0;
}

/* Whether the child has ended; then @ret_status. */
static bool has_ended(pid_t child, int *ret_status)
{
	pid_t r;

	do
		r = waitpid(child, ret_status, WNOHANG);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		*ret_status = 0;
	return r != 0;
}

static void wait_a_little(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	poll(&ended, 1, pidfd >= 0 ? CRYO_WATCHDOG_POLL_MS : NO_PIDFD_POLL_MS);
}

/* When it is to be killed if it does not move until then; at once when cancelled. */
static uint64_t deadline_of(const struct cryo_watchdog *watchdog)
{
	bool is_cancelled = watchdog->cancel && *watchdog->cancel;

	return is_cancelled ? 0 : cryo_now() + watchdog->stall_ms * CRYO_NSEC_PER_MSEC;
}

int cryo_watchdog_wait(const struct cryo_watchdog *watchdog, pid_t child, int *ret_status)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	uint64_t seen = watchdog->progress(watchdog->user), deadline = deadline_of(watchdog);
	uint64_t last = cryo_now();
	int killed = 0;

	while (!has_ended(child, ret_status)) {
		uint64_t progress = watchdog->progress(watchdog->user);

		if (!killed && (progress != seen || (watchdog->cancel && *watchdog->cancel)))
			deadline = deadline_of(watchdog);
		seen = progress;
		deadline += deadline ? cryo_clock_missed(&last, CRYO_WATCHDOG_USUAL_NS) : 0;
		if (cryo_now() >= deadline && killed)
			return killed;
		if (cryo_now() >= deadline) {
			killed = deadline ? -ETIMEDOUT : -ECANCELED;
			kill(child, SIGKILL);
			deadline = cryo_now() + watchdog->stall_ms * CRYO_NSEC_PER_MSEC;
		}
		wait_a_little(pidfd);
	}
	return killed;
}
