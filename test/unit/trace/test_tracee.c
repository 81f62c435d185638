// SPDX-License-Identifier: MIT
/* A thread is let go with the signal in whose delivery it stands. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/tracee.h"

enum {
	HANDLED = 7
};

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	(void)number;
	handled = HANDLED;
}

/* A child that signals itself when it is told to, and ends with HANDLED if its handler ran. */
static pid_t start(int *ret_go)
{
	int go[2];
	char byte;
	pid_t child;

	cr_assert_eq(pipe(go), 0);
	child = fork();
	if (child == 0) {
		close(go[1]);
		signal(SIGUSR1, on_signal);
		if (read(go[0], &byte, 1) == 1)
			raise(SIGUSR1);
		_exit(handled);
	}
	close(go[0]);
	*ret_go = go[1];
	return child;
}

static int end_of(pid_t child)
{
	int status = 0;

	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Its stop was not waited for before it is let go. */
Test(tracee, a_signal_is_not_lost_when_nobody_waited_for_the_stop)
{
	struct cryo_tracee tracee = {0};
	siginfo_t info = {0};
	int go;

	tracee.tid = start(&go);
	tracee.state = CRYO_TRACEE_SEIZED;
	cr_assert_eq(ptrace(PTRACE_SEIZE, tracee.tid, NULL, NULL), 0);
	cr_assert_eq(write(go, "", 1), 1);
	cr_assert_eq(waitid(P_PID, (id_t)tracee.tid, &info, WSTOPPED | WNOWAIT), 0);
	cryo_tracee_detach(&tracee);
	cr_assert_eq(end_of(tracee.tid), HANDLED);
}
