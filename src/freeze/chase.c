// SPDX-License-Identifier: MIT
/*
 * Theory: a process that forks and ends at once is never in a listing when it is signalled: by
 * then its child runs under the next pid. But pids are given out in sequence, and the last one is
 * known (loadavg), so the next few numbers are signalled blindly, again and again, until nothing is
 * given out any more. The numbers of processes known from the last census are left out, and of each
 * new one it is asked whether it is spared. Since nobody can tell beforehand which processes will
 * be hit, the journal gets a record that from now on whoever begins and is found stopped is ours;
 * the pass after the chase gives each a record of its own.
 *
 * Whoever is hit gives away its process group, and that is stopped as a whole if nobody in it is
 * spared, or would find the signal only when a tracer or a freezer lets go of it.
 *
 * A number is signalled through a pidfd, which only the leader of a process has: kill(2) of a new
 * thread's number would stop its whole process, and that may be spared.
 */
#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "freeze/freezer.h"
#include "proc/procfs.h"
#include "proc/status.h"

enum {
	BEHIND = 8, /* pids below the last one that are tried: it may have moved */
	AHEAD = 64, /* pids above it */
	QUIET_ROUNDS = 64,
	EXPLAIN_MAX = 256
};

static const uint64_t chase_ns = 100 * CRYO_NSEC_PER_MSEC;

struct chase {
	struct cryo_freezer *freezer;
	struct cryo_census known;
	pid_t pid_max;
	size_t hits;
	pid_t *groups; /* process groups that may be signalled as a whole */
	size_t n_groups;
};

static void chase_clear(struct chase *chase)
{
	cryo_census_clear(&chase->known);
	free(chase->groups);
}

/*
 * Whether a process that a signal is not meant for would keep one: who is in a tracer's hands, or
 * in those of a cgroup freezer, takes it only when he is given back.
 */
static bool would_keep_signal(const struct cryo_freezer *freezer, const struct cryo_row *row)
{
	const struct cryo_subject *subject =
		cryo_subjects_find(&freezer->subjects, row->pid, row->start_time);
	enum cryo_rest rest;

	if (subject && subject->cgroup)
		return true;
	rest = cryo_rest_of(freezer->procfs, row->pid, row->start_time);
	return rest == CRYO_REST_TRACED || rest == CRYO_REST_FROZEN;
}

/* Whether nobody in a process group is spared, or would keep the signal. */
static bool is_prey(const struct chase *chase, pid_t group)
{
	const struct cryo_freezer *freezer = chase->freezer;

	for (size_t i = 0; i < chase->known.count; i++) {
		const struct cryo_row *row = &chase->known.rows[i];

		if (row->pgrp == group &&
			(would_keep_signal(freezer, row) ||
				cryo_roster_judge(freezer->procfs, &freezer->roster, row) !=
					CRYO_SPARE_NONE))
			return false;
	}
	return true;
}

static bool is_known_prey(struct chase *chase, pid_t group)
{
	pid_t *added;

	for (size_t i = 0; i < chase->n_groups; i++)
		if (chase->groups[i] == group)
			return true;
	if (!is_prey(chase, group))
		return false;
	added = cryo_array_add(chase->groups, chase->n_groups);
	if (added)
		*added = group;
	return added;
}

/*
 * A signal to a process group reaches all of it at one instant, and a fork that is under way begins
 * again and finds it (kernel/fork.c copy_process()): whoever forks without leaving the group has
 * lost. The user may spare new processes by name, whom nobody has seen yet: then it is not done.
 */
static void stop_group(struct chase *chase, pid_t group)
{
	const struct cryo_freeze_request *request = chase->freezer->request;

	if (group > 1 && request->n_spare == 0 && is_known_prey(chase, group))
		kill(-group, request->stop_signal);
}

/* Stop a process that nobody has seen yet, if there is one with this number. */
static bool stop_unseen(struct chase *chase, pid_t pid)
{
	const struct cryo_freezer *freezer = chase->freezer;
	_cleanup_close_ int pidfd = -1;
	struct cryo_row row;

	if (pid <= 1 || cryo_census_find(&chase->known, pid))
		return false;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0 || cryo_row_read(freezer->procfs, pid, &row) < 0 || row.state == 'T' ||
		row.state == 'Z' || would_keep_signal(freezer, &row) ||
		cryo_roster_judge(freezer->procfs, &freezer->roster, &row) != CRYO_SPARE_NONE ||
		cryo_freezer_is_awaited(freezer, row.ppid))
		return false;
	if (pidfd_send_signal(pidfd, freezer->request->stop_signal, NULL, 0) < 0)
		return false;
	stop_group(chase, row.pgrp);
	return true;
}

/* Signal everything around the last pid. Returns the last pid, or -errno. */
static pid_t sweep(struct chase *chase)
{
	pid_t last = cryo_procfs_last_pid(chase->freezer->procfs);

	for (pid_t step = -BEHIND; step <= AHEAD && last > 0; step++) {
		pid_t pid = last + step;

		if (pid >= chase->pid_max)
			pid = pid - chase->pid_max + CRYO_PIDS_RESERVED;
		chase->hits += stop_unseen(chase, pid);
	}
	return last;
}

static void sweep_until_quiet(struct chase *chase)
{
	uint64_t deadline = cryo_now() + chase_ns;
	pid_t last = 0;

	for (int quiet = 0; quiet < QUIET_ROUNDS && cryo_now() < deadline; quiet++) {
		pid_t now = sweep(chase);

		if (now != last)
			quiet = 0;
		last = now;
		if (cryo_freezer_is_cancelled(chase->freezer))
			return;
	}
}

int cryo_freezer_chase(struct cryo_freezer *freezer, size_t *ret_hits)
{
	_cleanup_(chase_clear) struct chase chase = {.freezer = freezer,
		.pid_max = cryo_procfs_pid_max(freezer->procfs, CRYO_PID_MAX_LIMIT)};
	uint64_t since = freezer->pass_ticks;
	int r = 0;

	if (!freezer->chase_ticks) {
		r = cryo_journal_add_chase(freezer->journal, true, since);
		if (r == 0)
			r = cryo_journal_commit(freezer->journal);
	}
	if (r == 0)
		r = cryo_census_take(freezer->procfs, &chase.known);
	if (r < 0)
		return r;
	if (!freezer->chase_ticks)
		freezer->chase_ticks = since;
	freezer->chases++;
	freezer->is_chased = true;
	sweep_until_quiet(&chase);
	*ret_hits = chase.hits;
	return 0;
}

/* Whether a number belongs to a thread of a process that is spared. */
static bool is_used_by_spared(const struct cryo_freezer *freezer, pid_t pid)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(freezer->procfs, pid);
	struct cryo_status status;
	struct cryo_row row;

	return dir >= 0 && cryo_status_read(dir, &status) == 0 &&
	       cryo_row_read(freezer->procfs, status.tgid, &row) == 0 &&
	       cryo_roster_judge(freezer->procfs, &freezer->roster, &row) != CRYO_SPARE_NONE;
}

bool cryo_pids_are_explained(struct cryo_freezer *freezer, pid_t from, pid_t to)
{
	if (to < from || to - from > EXPLAIN_MAX)
		return false;
	for (pid_t pid = from + 1; pid <= to; pid++)
		if (!is_used_by_spared(freezer, pid))
			return false;
	return true;
}
