// SPDX-License-Identifier: MIT
/*
 * All processes that may share it are asked once, before the stop: by the tracer, who has nothing
 * else to do. Afterwards only the numbers that have been given out meanwhile are, unless all
 * numbers may have been.
 */
#include "capture/sharer.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "proc/procfs.h"
#include "proc/stat.h"
#include "proc/status.h"

enum {
	NEW_MAX = 4096 /* numbers that are asked one by one; a listing is cheaper for more */
};

/*
 * In less than this nobody gets a number. They are given out under one lock for all processors
 * (alloc_pid()), and each costs who asks for it some microseconds, though the clone(2) may fail in
 * the end: so the kernel's count of those that did not (processes, in /proc/stat) tells nothing.
 */
#define NUMBER_NS 250

static bool shares(pid_t pid, pid_t leader, pid_t other)
{
	return other != leader && syscall(SYS_kcmp, pid, other, KCMP_VM, 0L, 0L) == 0;
}

/* How often the threads of a process have gone to sleep; UINT64_MAX: one runs, or it has gone. */
static uint64_t count_sleeps(int procfs, pid_t pid)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);
	_cleanup_close_ int tasks =
		dir < 0 ? -1 : openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ pid_t *tids = NULL;
	size_t count = 0;
	uint64_t sleeps = 0;

	if (tasks < 0 || cryo_procfs_list(tasks, ".", &tids, &count) < 0)
		return UINT64_MAX;
	for (size_t i = 0; i < count; i++) {
		_cleanup_close_ int task = cryo_procfs_open_process(tasks, tids[i]);
		struct cryo_status status;

		if (task < 0 || cryo_status_read(task, &status) < 0 || status.state == 'R')
			return UINT64_MAX;
		sleeps += status.voluntary_switches;
	}
	return sleeps;
}

/* A number may be that of a thread, which has a directory too, though no listing shows it. */
static bool is_process(int dir)
{
	struct cryo_status status;

	return cryo_status_read(dir, &status) == 0 && status.tgid == status.pid;
}

static bool is_process_number(int procfs, pid_t pid)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);

	return dir >= 0 && is_process(dir);
}

static void add(struct cryo_sharers *sharers, pid_t pid)
{
	if (sharers->count == CRYO_SHARERS_MAX)
		sharers->more = pid;
	else
		sharers->array[sharers->count++].pid = pid;
}

void cryo_sharers_find(struct cryo_sharer_index *index, int procfs, pid_t pid, pid_t leader,
	struct cryo_sharers *ret_sharers)
{
	struct cryo_sharers sharers = {.noted_ns = cryo_now()};
	_cleanup_free_ pid_t *all = NULL;
	const pid_t *pids;
	size_t count = 0;

	sharers.last_pid = cryo_procfs_last_pid(procfs);
	if (cryo_sharer_index_update(index, procfs, leader)) {
		pids = index->candidates;
		count = index->count;
	} else {
		cryo_procfs_list_processes(procfs, &all, &count);
		pids = all;
	}
	for (size_t i = 0; i < count && !sharers.more; i++)
		if (shares(pid, leader, pids[i]) && is_process_number(procfs, pids[i]) &&
			cryo_sharer_has_memory(procfs, pids[i]))
			add(&sharers, pids[i]);
	*ret_sharers = sharers;
}

void cryo_sharers_note(int procfs, pid_t pid, pid_t leader, struct cryo_sharers *sharers)
{
	size_t kept = 0;

	for (size_t i = 0; i < sharers->count; i++) {
		pid_t other = sharers->array[i].pid;

		if (!shares(pid, leader, other))
			continue;
		sharers->array[kept].pid = other;
		sharers->array[kept++].sleeps = count_sleeps(procfs, other);
	}
	sharers->count = kept;
}

/* ---- afterwards ---- */

/*
 * One that stands still changes nothing. The kernel's threads have no memory, as a target that has
 * ended meanwhile has none, so these are alike.
 */
static bool could_run(int procfs, pid_t pid, uint64_t since)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);
	struct cryo_stat stat;

	return dir >= 0 && is_process(dir) && cryo_stat_read(dir, &stat) == 0 &&
	       !strchr("DTtZXx", stat.state) && !(stat.flags & CRYO_PF_KTHREAD) &&
	       stat.starttime <= since;
}

static bool is_noted(const struct cryo_sharers *sharers, pid_t pid)
{
	for (size_t i = 0; i < sharers->count; i++)
		if (sharers->array[i].pid == pid)
			return true;
	return false;
}

static bool is_new(int procfs, pid_t pid, pid_t leader, pid_t other, uint64_t since,
	const struct cryo_sharers *sharers)
{
	return shares(pid, leader, other) && !is_noted(sharers, other) &&
	       could_run(procfs, other, since) && cryo_sharer_has_memory(procfs, pid) &&
	       cryo_sharer_has_memory(procfs, other) && shares(pid, leader, other);
}

static pid_t find_listed(
	int procfs, pid_t pid, pid_t leader, uint64_t since, const struct cryo_sharers *sharers)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;

	cryo_procfs_list_processes(procfs, &pids, &count);
	for (size_t i = 0; i < count; i++)
		if (is_new(procfs, pid, leader, pids[i], since, sharers))
			return pids[i];
	return 0;
}

/* Whether all numbers may have been given out. There are more than the last one, which costs less
 * than to ask how many. */
static bool may_have_come_round(int procfs, const struct cryo_sharers *sharers)
{
	int64_t given_out = (int64_t)((cryo_now() - sharers->noted_ns) / NUMBER_NS);

	return given_out >= sharers->last_pid - CRYO_PIDS_RESERVED &&
	       given_out >= cryo_procfs_pid_max(procfs, 0) - CRYO_PIDS_RESERVED;
}

static pid_t find_new(
	int procfs, pid_t pid, pid_t leader, uint64_t since, const struct cryo_sharers *sharers)
{
	pid_t before = sharers->last_pid, now = cryo_procfs_last_pid(procfs);

	if (before < 0 || now < before || now - before > NEW_MAX ||
		may_have_come_round(procfs, sharers))
		return find_listed(procfs, pid, leader, since, sharers);
	for (pid_t other = before + 1; other <= now; other++)
		if (is_new(procfs, pid, leader, other, since, sharers))
			return other;
	return 0;
}

pid_t cryo_sharers_ran(
	int procfs, pid_t pid, pid_t leader, uint64_t since, const struct cryo_sharers *sharers)
{
	if (sharers->more)
		return sharers->more;
	for (size_t i = 0; i < sharers->count; i++)
		if (sharers->array[i].sleeps == UINT64_MAX ||
			count_sleeps(procfs, sharers->array[i].pid) != sharers->array[i].sleeps)
			return sharers->array[i].pid;
	return find_new(procfs, pid, leader, since, sharers);
}
