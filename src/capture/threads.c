// SPDX-License-Identifier: MIT
/*
 * What the kernel's notes say of a thread besides its registers: of a process with many threads by
 * BPF, else from stat and status. The exceptions are the CPU times of a thread group, which the
 * process CPU clock gives exactly.
 */
#include "capture/threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/ids.h"
#include "capture/unstopped.h"
#include "proc/procfs.h"
#include "trace/registers.h"

enum {
	USEC_PER_SEC = 1000000
};

/* CPU time of a whole thread group, with the clock ids of include/linux/posix-timers_types.h. */
static void group_times(pid_t pid, struct cryo_times *times)
{
	enum {
		CPUCLOCK_PROF,
		CPUCLOCK_VIRT
	};
	clockid_t prof = (clockid_t)(~(unsigned int)pid << 3 | CPUCLOCK_PROF);
	clockid_t virt = (clockid_t)(~(unsigned int)pid << 3 | CPUCLOCK_VIRT);
	uint64_t user = cryo_clock_ns(virt), both = cryo_clock_ns(prof);

	times->user = user / 1000;
	times->system = both > user ? (both - user) / 1000 : 0;
}

static uint64_t ticks_to_usec(int64_t ticks)
{
	static const uint64_t per_second = USEC_PER_SEC;

	return ticks < 0 ? 0 : (uint64_t)ticks * per_second / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* What all threads have in common, and what the leader has alone. */
static void complete_thread(const struct cryo_inspector *inspector,
	const struct cryo_leader *leader, struct cryo_thread *thread)
{
	thread->ppid = inspector->ppid;
	thread->times.children_user = ticks_to_usec(leader->stat.cutime);
	thread->times.children_system = ticks_to_usec(leader->stat.cstime);
	if (thread->tid == leader->stat.pid)
		group_times(thread->tid, &thread->times);
}

static void take_status(const struct cryo_status *status, struct cryo_thread *thread)
{
	thread->ns_tid = cryo_ids_own(&status->ns_pid);
	thread->pending = status->sig_pending;
	thread->blocked = status->blocked;
}

static int inspect_thread(const struct cryo_inspector *inspector, struct cryo_thread *thread)
{
	_cleanup_close_ int dir = cryo_procfs_open_thread(inspector->identity->dir, thread->tid);
	struct cryo_status status;
	struct cryo_stat stat;
	int r;

	if (dir < 0)
		return dir;
	r = cryo_status_read(dir, &status);
	if (r == 0)
		r = cryo_stat_read(dir, &stat);
	if (r < 0)
		return r;
	take_status(&status, thread);
	thread->times.user = ticks_to_usec((int64_t)stat.utime);
	thread->times.system = ticks_to_usec((int64_t)stat.stime);
	return 0;
}

static void take_times(const struct cryo_bpf_times *times, struct cryo_thread *thread)
{
	thread->ns_tid = thread->tid;
	thread->pending = times->pending;
	thread->blocked = times->blocked;
	thread->times.user = times->user_ns / 1000;
	thread->times.system = times->system_ns / 1000;
}

static int compare_tids(const void *left, const void *right)
{
	pid_t a = ((const struct cryo_bpf_times *)left)->tid,
	      b = ((const struct cryo_bpf_times *)right)->tid;

	return (a > b) - (a < b);
}

/* All that BPF tells, by tid, and it tells only the ids of our own namespace; NULL for nothing. */
static struct cryo_bpf_times *read_times(const struct cryo_inspector *inspector,
	const struct cryo_process *process, size_t *ret_count)
{
	struct cryo_bpf_times *all = NULL;

	*ret_count = 0;
	if (inspector->early.bpf.program < 0 || !inspector->same_ids ||
		cryo_bpf_read_times(&inspector->early.bpf, process->pid, &all, ret_count) < 0)
		return NULL;
	return all;
}

/* One that was not stopped, and has ended by now, is in no core. */
static bool drop_ended(struct cryo_process *process, size_t i, int error)
{
	struct cryo_thread *thread = &process->threads[i];

	if (thread->source == CRYO_REGISTERS_PTRACE || (error != -ESRCH && error != -ENOENT) ||
		process->n_threads == 1)
		return false;
	free(thread->regsets);
	process->n_threads--;
	memmove(thread, thread + 1, (process->n_threads - i) * sizeof(*thread));
	return true;
}

static int inspect_each(const struct cryo_inspector *inspector, const struct cryo_leader *leader,
	struct cryo_process *process)
{
	size_t count;
	_cleanup_free_ struct cryo_bpf_times *all = read_times(inspector, process, &count);
	int r = 0;

	for (size_t i = 0; i < process->n_threads && r == 0; i++) {
		struct cryo_thread *thread = &process->threads[i];
		const struct cryo_bpf_times key = {.tid = thread->tid},
					    *times = count ? bsearch(&key, all, count, sizeof(*all),
								     compare_tids)
							   : NULL;

		if (times)
			take_times(times, thread);
		else if (thread->tid == leader->stat.pid)
			take_status(&leader->status, thread);
		else
			r = inspect_thread(inspector, thread);
		if (r < 0 && drop_ended(process, i, r)) {
			r = 0;
			i--;
			continue;
		}
		complete_thread(inspector, leader, thread);
	}
	return r;
}

/* The leader stands first in a core, as the thread that a process-directed signal would find. */
static void put_leader_first(struct cryo_process *process)
{
	for (size_t i = 1; i < process->n_threads; i++)
		if (process->threads[i].tid == process->pid) {
			struct cryo_thread leader = process->threads[i];

			memmove(&process->threads[1], &process->threads[0], i * sizeof(leader));
			process->threads[0] = leader;
		}
}

/* Threads that are held do not end one by one, so the number tells whether there are others. */
static bool are_all_held(const struct cryo_leader *leader, const struct cryo_process *process)
{
	return process->arch && process->n_threads == leader->status.threads;
}

int cryo_threads_inspect(const struct cryo_inspector *inspector, const void *records,
	size_t records_size, const struct cryo_leader *leader, struct cryo_process *process)
{
	int r = records_size ? cryo_registers_parse(records, records_size, &process->threads,
				       &process->n_threads, &process->arch)
			     : 0;

	if (r == 0 && !are_all_held(leader, process))
		r = cryo_unstopped_add(inspector, process);
	if (r == 0)
		r = inspect_each(inspector, leader, process);
	put_leader_first(process);
	return r;
}
