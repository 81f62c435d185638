// SPDX-License-Identifier: MIT
#include "capture/sharer.h"

#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proc/procfs.h"
#include "proc/stat.h"

/*
 * One that stands still, as the parent of a vfork(2) does until its child is gone, changes nothing.
 * The kernel's threads have no memory, as a target that has ended meanwhile has none, so these are
 * alike.
 */
static bool could_run(int procfs, pid_t pid, uint64_t since)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);
	struct cryo_stat stat;

	return dir >= 0 && cryo_stat_read(dir, &stat) == 0 && !strchr("DTtZXx", stat.state) &&
	       !(stat.flags & CRYO_PF_KTHREAD) && stat.starttime <= since;
}

pid_t cryo_sharer_find(int procfs, pid_t pid, pid_t leader, uint64_t since)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count;

	if (cryo_procfs_list(procfs, ".", &pids, &count) < 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (pids[i] != leader && syscall(SYS_kcmp, pid, pids[i], KCMP_VM, 0L, 0L) == 0 &&
			could_run(procfs, pids[i], since))
			return pids[i];
	return 0;
}
