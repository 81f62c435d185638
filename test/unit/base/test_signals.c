// SPDX-License-Identifier: MIT
/* What a child keeps of the signals of its parent. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/signals.h"

static void on_signal(int number)
{
	(void)number;
}

static bool is(int number, void (*handler)(int))
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == handler;
}

static bool is_any_blocked(void)
{
	sigset_t blocked;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	return !sigisemptyset(&blocked);
}

static void take_all(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGTERM, on_signal);
	signal(SIGRTMAX, on_signal);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
}

/* Which of the checks fails; 0: none. */
static int leave_all(void)
{
	take_all();
	if (!is_any_blocked())
		return 1;
	cryo_signals_leave();
	if (!is(SIGTERM, SIG_IGN) || !is(SIGRTMAX, SIG_IGN))
		return 2;
	if (!is(SIGCHLD, SIG_DFL))
		return 3;
	if (!is(SIGHUP, SIG_IGN) || !is(SIGALRM, SIG_DFL))
		return 4;
	return is_any_blocked() ? 5 : 0;
}

Test(signals, a_child_has_none_of_the_handlers)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(leave_all());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "check %d", WEXITSTATUS(status));
}
