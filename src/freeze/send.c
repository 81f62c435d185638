// SPDX-License-Identifier: MIT
/*
 * A pidfd is taken first and the start time read after it: if that is the right one, the pidfd
 * cannot mean anybody else. Before Linux 5.3 there is only kill(2), right after the check.
 */
#include "freeze/send.h"

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>

#include "proc/identity.h"

int cryo_send_signal(int procfs, pid_t pid, uint64_t start_time, int signal_number)
{
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
	int r = cryo_identity_open(procfs, pid, &identity);

	if (r == -ENOENT || (r == 0 && identity.start_time != start_time))
		return -ESRCH;
	if (r < 0)
		return r;
	if (identity.pidfd < 0)
		r = kill(pid, signal_number);
	else
		r = pidfd_send_signal(identity.pidfd, signal_number, NULL, 0);
	return r < 0 ? -errno : 0;
}
