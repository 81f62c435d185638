// SPDX-License-Identifier: MIT
/* What was known of the threads before the stop may have changed since. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/stop.h"
#include "proc/procfs.h"

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

Test(stop, who_could_not_stop_is_looked_at_again)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
	_cleanup_buffer_ struct cryo_buffer records = {0};
	pid_t pid = start_sleeper();
	struct cryo_tracee *known = malloc(sizeof(*known));
	struct cryo_stopped stopped = {.tracees = known, .count = 1, .look_ns = cryo_now()};

	*known = (struct cryo_tracee){.tid = pid, .state = CRYO_TRACEE_REFUSED, .error = -EBUSY};
	cr_assert_eq(cryo_identity_open(procfs, pid, &identity), 0);
	cr_assert_eq(
		cryo_stop(&identity, UINT64_MAX, CRYO_STOP_PATIENCE_NS, true, &records, &stopped),
		0);
	cr_assert_eq(stopped.n_held, 1);
	cr_assert_eq(stopped.n_unstopped, 0);
	cryo_release(&stopped, &identity);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}
