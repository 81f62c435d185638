// SPDX-License-Identifier: MIT
/*
 * A handler of the caller knows nothing of us: one for SIGCHLD may wait for any child, and so take
 * from us the stops of what we trace; one that writes to a pipe of its own may hit a file of ours,
 * which has the number that the pipe had. And a thread that takes no signals blocks the one by
 * which our waits come to an end.
 */
#include "base/signals.h"

#include <signal.h>
#include <stddef.h>

enum {
	FIRST_SIGNAL = 1
};

void cryo_signals_leave(void)
{
	struct sigaction action;
	sigset_t none;

	for (int number = FIRST_SIGNAL; number < NSIG; number++)
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL &&
			action.sa_handler != SIG_IGN)
			signal(number, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
