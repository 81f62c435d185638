// SPDX-License-Identifier: MIT
/*
 * Theory: a process is not one state but as many as it has threads. The leader alone misleads: it
 * may have exited (Z) while others run, or be stopped (T) while a sibling on another processor has
 * not yet taken the signal and can still fork. So the states of all threads are ranked by what
 * they can do, and the liveliest decides.
 *
 * A thread held by a cgroup freezer shows no state of its own: S in do_freezer_trap() under version
 * 2 (kernel/signal.c; often inlined into get_signal(), which sleeps in S nowhere else), D in
 * __refrigerator() under version 1 (kernel/freezer.c); wchan tells them from a sleeper. wchan
 * cannot be written by the process, and asks for ptrace access; without that every sleeper counts
 * as running. Since Linux 6.1 version 1 leaves a sleeper where it sleeps, and one that is stopped
 * where that happened, do_signal_stop(): D too, but only its cgroup tells.
 *
 * A process whose core the kernel is writing, which may take long (into a pipe), takes no signal
 * but SIGKILL, and a freezer would end the core where it is: it runs no more, and is left alone.
 */
#include "freeze/census.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "freeze/cgroup_name.h"
#include "proc/identity.h"
#include "proc/procfs.h"
#include "proc/stat.h"
#include "proc/status.h"

enum {
	LOOKS = 8 /* at one none of whose threads seems to live */
};

uint64_t cryo_ticks_now(void)
{
	return cryo_clock_ns(CLOCK_BOOTTIME) / (CRYO_NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void row_from_stat(const struct cryo_stat *stat, struct cryo_row *row)
{
	*row = (struct cryo_row){
		.pid = stat->pid,
		.start_time = stat->starttime,
		.state = stat->state,
		.ppid = stat->ppid,
		.pgrp = stat->pgrp,
		.session = stat->session,
		.tpgid = stat->tpgid,
		.tty_nr = stat->tty_nr,
		.flags = stat->flags,
		.n_threads = stat->num_threads,
		.uid = (uid_t)-1,
	};
	memcpy(row->comm, stat->comm, sizeof(row->comm));
}

int cryo_row_read(int procfs, pid_t pid, struct cryo_row *ret_row)
{
	struct cryo_stat stat;
	_cleanup_close_ int dir = cryo_identity_look(procfs, pid, &stat);

	if (dir < 0)
		return dir;
	row_from_stat(&stat, ret_row);
	return 0;
}

int cryo_census_take(int procfs, struct cryo_census *ret_census)
{
	_cleanup_census_ struct cryo_census census = {0};
	_cleanup_free_ pid_t *pids = NULL;
	size_t count;
	int r = cryo_procfs_list(procfs, ".", &pids, &count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		struct cryo_row *row = cryo_array_add(census.rows, census.count);

		if (!row)
			return -ENOMEM;
		r = cryo_row_read(procfs, pids[i], row);
		if (cryo_procfs_is_short(r))
			return r;
		census.count -= r < 0;
		census.vanished += r < 0;
	}
	*ret_census = census;
	census = (struct cryo_census){0};
	return 0;
}

void cryo_census_clear(struct cryo_census *census)
{
	free(census->rows);
	*census = (struct cryo_census){0};
}

struct cryo_row *cryo_census_find(const struct cryo_census *census, pid_t pid)
{
	size_t low = 0, high = census->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (census->rows[middle].pid == pid)
			return &census->rows[middle];
		if (census->rows[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int read_status(int procfs, pid_t pid, struct cryo_status *ret_status)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);

	return dir < 0 ? dir : cryo_status_read(dir, ret_status);
}

void cryo_row_complete(int procfs, struct cryo_row *row)
{
	struct cryo_status status;

	if (read_status(procfs, row->pid, &status) < 0)
		return;
	row->uid = status.uid[1];
	row->tracer = status.tracer;
	/* TracerPid names the thread that traces (fs/proc/array.c task_state()). */
	if (status.tracer && read_status(procfs, status.tracer, &status) == 0)
		row->tracer = status.tgid;
}

bool cryo_row_is_kthread(const struct cryo_row *row)
{
	return row->flags & CRYO_PF_KTHREAD;
}

static bool is_in_freezer(int dir)
{
	static const char *const places[] = {"do_freezer_trap", "get_signal", "__refrigerator"};
	_cleanup_buffer_ struct cryo_buffer text = {0};

	if (cryo_procfs_read(dir, "wchan", 256, &text) < 0 || text.size == 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strcmp((char *)text.data, places[i]) == 0)
			return true;
	return false;
}

/* Whether a thread in state D is held by the freezer of version 1, wherever it waits. */
static bool is_in_frozen_cgroup(int procfs, int dir)
{
	_cleanup_free_ char *cgroup = cryo_cgroup_directory(procfs, dir, "freezer");
	_cleanup_free_ char *path = NULL;
	_cleanup_buffer_ struct cryo_buffer text = {0};

	if (!cgroup || asprintf(&path, "%s/freezer.state", cgroup) < 0)
		return false;
	return cryo_procfs_read(AT_FDCWD, path, 64, &text) == 0 && text.size &&
	       (strncmp((char *)text.data, "FROZEN", strlen("FROZEN")) == 0 ||
		       strncmp((char *)text.data, "FREEZING", strlen("FREEZING")) == 0);
}

static enum cryo_rest rest_of_task(int procfs, int dir, char state)
{
	switch (state) {
	case 'T':
		return CRYO_REST_STOPPED;
	case 't':
		return CRYO_REST_TRACED;
	case 'Z':
	case 'X':
	case 'x':
		return CRYO_REST_DEAD;
	case 'S':
		return is_in_freezer(dir) ? CRYO_REST_FROZEN : CRYO_REST_RUNS;
	case 'D':
		return is_in_freezer(dir) || is_in_frozen_cgroup(procfs, dir) ? CRYO_REST_FROZEN
									      : CRYO_REST_BLOCKED;
	default:
		return CRYO_REST_RUNS;
	}
}

/* The liveliest first. */
static const enum cryo_rest ranks[] = {CRYO_REST_RUNS, CRYO_REST_BLOCKED, CRYO_REST_FROZEN,
	CRYO_REST_STOPPED, CRYO_REST_TRACED, CRYO_REST_DEAD};

static enum cryo_rest livelier(enum cryo_rest a, enum cryo_rest b)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++)
		if (ranks[i] == a || ranks[i] == b)
			return ranks[i];
	return a;
}

static enum cryo_rest add_rest(int procfs, int dir, char state, enum cryo_rest before)
{
	return livelier(before, rest_of_task(procfs, dir, state));
}

/*
 * Stopped as soon as one thread is; under the freezer of version 1, too, where it may only look so
 * (get_signal() is where it holds others as well).
 */
static enum cryo_rest add_stop(int procfs, int dir, char state, enum cryo_rest before)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	bool stopped = state == 'T';

	(void)procfs;
	if (state == 'D' && cryo_procfs_read(dir, "wchan", 256, &text) == 0 && text.size)
		stopped = strcmp((char *)text.data, "do_signal_stop") == 0 ||
			  strcmp((char *)text.data, "get_signal") == 0;
	return stopped ? CRYO_REST_STOPPED : before;
}

/* Add up what the threads of a process do by @add, until that comes to @enough. */
static enum cryo_rest rest_of_threads(int procfs, pid_t pid, int process,
	enum cryo_rest (*add)(int procfs, int dir, char state, enum cryo_rest before),
	enum cryo_rest enough)
{
	_cleanup_free_ pid_t *tids = NULL;
	enum cryo_rest rest = CRYO_REST_DEAD;
	size_t count = 0;

	if (cryo_procfs_list_threads(process, &tids, &count) < 0)
		return CRYO_REST_DEAD;
	for (size_t i = 0; i < count && rest != enough; i++) {
		_cleanup_close_ int dir = cryo_procfs_open_task(procfs, pid, tids[i]);
		struct cryo_stat stat;

		if (dir >= 0 && cryo_stat_read(dir, &stat) == 0)
			rest = add(procfs, dir, stat.state, rest);
	}
	return rest;
}

/* Its threads sleep, in several places of the kernel, and none comes back from there. The leader
 * has been killed, or had exited before. */
static bool is_dumped(int dir, const struct cryo_stat *stat)
{
	struct cryo_status status;

	return stat->flags & (CRYO_PF_SIGNALED | CRYO_PF_EXITING) &&
	       cryo_status_read(dir, &status) == 0 && cryo_status_is_dumping(dir, &status);
}

/* Whether it is sure. */
static bool judge(int procfs, pid_t pid, uint64_t start_time, enum cryo_rest *ret_rest)
{
	struct cryo_stat stat;
	_cleanup_close_ int dir = cryo_identity_find(procfs, pid, start_time, &stat);

	*ret_rest = CRYO_REST_DEAD;
	if (dir < 0)
		return true;
	if (is_dumped(dir, &stat))
		*ret_rest = CRYO_REST_DUMPED;
	else if (stat.num_threads <= 1)
		*ret_rest = rest_of_task(procfs, dir, stat.state);
	else
		*ret_rest = rest_of_threads(procfs, pid, dir, add_rest, CRYO_REST_RUNS);
	return *ret_rest != CRYO_REST_DEAD || stat.num_threads <= 1;
}

/* Threads that were listed may all have ended, or have other numbers, by the time that they are
 * looked at: one that executes a program takes that of the leader, which has exited. */
enum cryo_rest cryo_rest_of(int procfs, pid_t pid, uint64_t start_time)
{
	enum cryo_rest rest = CRYO_REST_DEAD;

	for (int i = 0; i < LOOKS && !judge(procfs, pid, start_time, &rest); i++)
		continue;
	return rest;
}

bool cryo_stop_is_pending(int procfs, pid_t pid)
{
	static const int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
	struct cryo_status status;

	if (read_status(procfs, pid, &status) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++)
		if ((status.sig_pending | status.shared_pending) & 1ULL << (stops[i] - 1))
			return true;
	return false;
}

bool cryo_stop_is_in_force(int procfs, pid_t pid, uint64_t start_time)
{
	struct cryo_stat stat;
	_cleanup_close_ int dir = cryo_identity_find(procfs, pid, start_time, &stat);

	if (dir < 0)
		return false;
	return stat.state == 'T' || cryo_stop_is_pending(procfs, pid) ||
	       rest_of_threads(procfs, pid, dir, add_stop, CRYO_REST_STOPPED) == CRYO_REST_STOPPED;
}
