// SPDX-License-Identifier: MIT
/*
 * PR_SET_PDEATHSIG is about the future only, so the parent is looked at once more behind it.
 *
 * A reader that cannot die would keep the other end of the caller's pipes waiting for ever, so the
 * inherited stdin, stdout and stderr are let go. Descriptors of our own, which may have these
 * numbers where the caller has closed his, are known by FD_CLOEXEC.
 */
#include "capture/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"

static void leave_stdio(int kept)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd != kept && fcntl(fd, F_GETFD) == 0)
			dup2(null, fd);
}

void cryo_child_begin(pid_t parent, int death_signal, int kept)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE,
		SIGXFSZ, SIGUSR1, SIGUSR2};

	prctl(PR_SET_PDEATHSIG, death_signal);
	if (getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	leave_stdio(kept);
}
