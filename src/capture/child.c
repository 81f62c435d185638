// SPDX-License-Identifier: MIT
/*
 * PR_SET_PDEATHSIG is about the future only, so the parent is looked at once more behind it.
 */
#include "capture/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/array.h"

void cryo_child_begin(pid_t parent, int death_signal)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE,
		SIGXFSZ, SIGUSR1, SIGUSR2};

	prctl(PR_SET_PDEATHSIG, death_signal);
	if (getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
}
