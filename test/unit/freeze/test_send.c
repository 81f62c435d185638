// SPDX-License-Identifier: MIT
/* A signal reaches the process that is meant or nobody. */
#include "freeze/send.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "freeze/census.h"
#include "proc/procfs.h"

static pid_t start_child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

Test(send, needs_pid_and_start_time)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	pid_t pid = start_child();
	struct cryo_row row;
	siginfo_t info;

	cr_assert_eq(cryo_row_read(procfs, pid, &row), 0);
	cr_assert_eq(cryo_send_signal(procfs, pid, row.start_time + 1, SIGKILL), -ESRCH);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	cr_assert_eq(info.si_pid, 0, "the child lives");
	cr_assert_eq(cryo_send_signal(procfs, pid, row.start_time, SIGKILL), 0);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	cr_assert_eq(info.si_status, SIGKILL);
	cr_assert_eq(cryo_send_signal(procfs, pid, row.start_time, SIGKILL), -ESRCH);
}
