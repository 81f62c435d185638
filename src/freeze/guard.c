// SPDX-License-Identifier: MIT
/*
 * Theory: whoever freezes a distant machine may lose the connection to it, and then nobody can
 * type thaw. The guard is started before the first stop, so it also covers a freeze that dies. It
 * is a process of its own session that holds nothing of ours (a pipe that it held would never end,
 * and nobody, not even itself, would ever get the lock of the journal)
 * and whose only knowledge is the path of the journal: it does what anybody could do by hand. It
 * counts in CLOCK_BOOTTIME, which goes on while the machine is suspended.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/io.h"
#include "base/signals.h"
#include "freeze/freezer.h"

enum {
	WAIT_MS = 60000, /* how long the guard waits for another freeze or thaw */
	FIRST_SIGNAL = 1
};

static void forget_everything(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	cryo_io_close_range(3, INT_MAX);
	for (int number = FIRST_SIGNAL; number < NSIG; number++)
		signal(number, number == SIGTERM ? SIG_DFL : SIG_IGN);
	cryo_signals_leave();
	prctl(PR_SET_NAME, "cryocore-guard");
}

static void guard(const char *journal_path, uint64_t end)
{
	const struct timespec until = {.tv_sec = (time_t)(end / CRYO_NSEC_PER_SEC),
		.tv_nsec = (long)(end % CRYO_NSEC_PER_SEC)};
	const struct cryo_thaw_request request = {.journal = journal_path, .wait_ms = WAIT_MS};
	struct cryo_thaw_report report;

	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	if (cryo_thaw(&request, &report) == 0)
		cryo_thaw_report_clear(&report);
}

pid_t cryo_freezer_start_guard(const char *journal_path, unsigned int seconds)
{
	uint64_t end = cryo_clock_ns(CLOCK_BOOTTIME) + seconds * CRYO_NSEC_PER_SEC;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;
	setsid();
	forget_everything();
	guard(journal_path, end);
	_exit(0);
}
