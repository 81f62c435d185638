// SPDX-License-Identifier: MIT
/*
 * Theory: thaw is a function of the journal and of what it finds. It goes through the stops
 * backwards: children before parents, tracees before tracers. A process that does not stand still
 * is left alone (its record may be older than the stop that never came, or somebody continued it),
 * so that thaw can run again, after a crash, or beside a guard, without a signal too many. What was
 * given back gets a record; when nothing is left the journal goes, and its guard with it.
 *
 * A chase that was cut off left processes stopped without a record: whoever began after its start,
 * is stopped, and has no record is one of them. They are younger than everything recorded.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/array.h"
#include "base/io.h"
#include "freeze/freezer.h"
#include "freeze/order.h"
#include "freeze/send.h"
#include "proc/procfs.h"

enum {
	DESCRIPTORS = 8 /* who cannot be looked at would seem to have ended */
};

struct thawing {
	const struct cryo_thaw_request *request;
	int procfs;
	struct cryo_journal *journal;
	struct cryo_journal_state state;
	struct cryo_cgroups cgroups;
	struct cryo_thaw_report report;
};

static void thawing_clear(struct thawing *thawing)
{
	cryo_journal_close(thawing->journal);
	cryo_journal_state_clear(&thawing->state);
	cryo_cgroups_close(&thawing->cgroups);
	cryo_thaw_report_clear(&thawing->report);
	cryo_cleanup_close(&thawing->procfs);
}

void cryo_thaw_report_clear(struct cryo_thaw_report *report)
{
	free(report->subjects);
	free(report->journal);
	*report = (struct cryo_thaw_report){0};
}

static bool is_asked(const struct thawing *thawing, pid_t pid)
{
	for (size_t i = 0; i < thawing->request->n_pids; i++)
		if (thawing->request->pids[i] == pid)
			return true;
	return thawing->request->n_pids == 0;
}

static int add_subject(struct thawing *thawing, pid_t pid, uint64_t start_time, int r)
{
	struct cryo_thaw_report *report = &thawing->report;
	struct cryo_thaw_subject *subject = cryo_array_add(report->subjects, report->count);
	struct cryo_row row;

	if (!subject)
		return -ENOMEM;
	*subject = (struct cryo_thaw_subject){.pid = pid,
		.start_time = start_time,
		.fate = CRYO_THAW_DONE,
		.at = cryo_clock_ns(CLOCK_REALTIME)};
	if (cryo_row_read(thawing->procfs, pid, &row) == 0 && row.start_time == start_time)
		memcpy(subject->comm, row.comm, sizeof(subject->comm));
	if (r == -ESRCH) {
		subject->fate = CRYO_THAW_GONE;
	} else if (r < 0) {
		subject->fate = CRYO_THAW_FAILED;
		subject->error = -r;
	} else if (r > 0) {
		subject->fate = CRYO_THAW_RUNNING;
	}
	return 0;
}

/* Continue a process that stands still or is about to. 0, 1: it runs already, or -errno. */
static int continue_process(struct thawing *thawing, pid_t pid, uint64_t start_time)
{
	int first = thawing->request->signal;
	enum cryo_rest rest = cryo_rest_of(thawing->procfs, pid, start_time);
	int r = 0;

	if (rest == CRYO_REST_DEAD)
		return -ESRCH;
	if (rest != CRYO_REST_TRACED && !cryo_stop_is_in_force(thawing->procfs, pid, start_time))
		return 1;
	if (first && first != SIGCONT)
		r = cryo_send_signal(thawing->procfs, pid, start_time, first);
	return r < 0 ? r : cryo_send_signal(thawing->procfs, pid, start_time, SIGCONT);
}

/*
 * A process that a cgroup holds, or was to hold when freeze was killed, may have been sent a stop
 * besides: in a chase, or by an earlier freeze, whose stop it could not take. Held, it takes that
 * no more until it is given back.
 */
static int lift_stop(struct thawing *thawing, const struct cryo_journal_process *process)
{
	pid_t pid = process->pid;
	int r = 0;

	if (cryo_stop_is_in_force(thawing->procfs, pid, process->start_time))
		r = cryo_send_signal(thawing->procfs, pid, process->start_time, SIGCONT);
	return r == -ESRCH ? 0 : r;
}

static bool is_over(const struct thawing *thawing, const struct cryo_journal_process *process)
{
	return cryo_rest_of(thawing->procfs, process->pid, process->start_time) == CRYO_REST_DEAD;
}

/* Back into the cgroup it came from, where nothing holds it. */
static int move_back(struct thawing *thawing, const struct cryo_journal_process *process)
{
	_cleanup_free_ char *home = cryo_cgroup_parent(process->cgroup);
	_cleanup_free_ char *now = cryo_cgroup_of(thawing->procfs, process->pid);
	int r;

	if (!home)
		return -ENOMEM;
	if (is_over(thawing, process))
		return -ESRCH;
	r = lift_stop(thawing, process);
	if (r < 0)
		return r;
	if (!now || strcmp(now, process->cgroup) != 0)
		return 1;
	return cryo_cgroup_move(&thawing->cgroups, home, process->pid);
}

/* Whether a cgroup frozen in place holds processes that are not to be thawed now. */
static bool holds_others(const struct thawing *thawing, const char *cgroup)
{
	for (size_t i = 0; thawing->request->n_pids && i < thawing->state.n_processes; i++) {
		const struct cryo_journal_process *process = &thawing->state.processes[i];

		if (!process->thawed && process->engine == CRYO_ENGINE_CGROUP &&
			strcmp(process->cgroup, cgroup) == 0 && !is_asked(thawing, process->pid) &&
			!is_over(thawing, process))
			return true;
	}
	return false;
}

/* Nobody in it may take a stop between the end of the freeze and his turn: newest first. */
static int release_cgroup(struct thawing *thawing, const char *cgroup)
{
	int r = 0;

	if (!cryo_cgroup_is_set(&thawing->cgroups, cgroup))
		return 0;
	for (size_t i = thawing->state.n_processes; i-- > 0 && r == 0;) {
		const struct cryo_journal_process *process = &thawing->state.processes[i];

		if (!process->thawed && process->engine == CRYO_ENGINE_CGROUP &&
			strcmp(process->cgroup, cgroup) == 0)
			r = lift_stop(thawing, process);
	}
	return r < 0 ? r : cryo_cgroup_set(&thawing->cgroups, cgroup, false);
}

static int thaw_in_place(struct thawing *thawing, const struct cryo_journal_process *process)
{
	int r;

	if (holds_others(thawing, process->cgroup))
		return -EBUSY;
	r = release_cgroup(thawing, process->cgroup);
	if (r == 0)
		r = lift_stop(thawing, process);
	if (r < 0)
		return r;
	return is_over(thawing, process) ? -ESRCH : 0;
}

static int thaw_process(struct thawing *thawing, struct cryo_journal_process *process)
{
	int r;

	if (process->engine == CRYO_ENGINE_SIGNAL)
		r = continue_process(thawing, process->pid, process->start_time);
	else if (process->engine == CRYO_ENGINE_MOVED)
		r = move_back(thawing, process);
	else
		r = thaw_in_place(thawing, process);
	process->thawed = r >= 0 || r == -ESRCH;
	thawing->report.left += !process->thawed;
	if (process->thawed &&
		cryo_journal_add_thawed(thawing->journal, process->pid, process->start_time) < 0)
		return -ENOMEM;
	return add_subject(thawing, process->pid, process->start_time, r);
}

/* Processes that a chase stopped, as rows; malloc'ed. */
static int find_chased(struct thawing *thawing, struct cryo_row **ret_rows, size_t *ret_count)
{
	_cleanup_census_ struct cryo_census census = {0};
	size_t kept = 0;
	int r = cryo_census_take(thawing->procfs, &census);

	if (r < 0)
		return r;
	for (size_t i = 0; i < census.count; i++) {
		struct cryo_row *row = &census.rows[i];

		if (row->start_time >= thawing->state.chase_start && !cryo_row_is_kthread(row) &&
			!cryo_journal_find(&thawing->state, row->pid, row->start_time) &&
			cryo_stop_is_in_force(thawing->procfs, row->pid, row->start_time))
			census.rows[kept++] = *row;
	}
	*ret_rows = steal_ptr(census.rows);
	*ret_count = kept;
	return 0;
}

static int thaw_chased(struct thawing *thawing)
{
	_cleanup_free_ struct cryo_row *rows = NULL;
	_cleanup_free_ size_t *order = NULL;
	size_t count = 0;
	int r = find_chased(thawing, &rows, &count);

	if (r == 0)
		r = cryo_freeze_order(rows, count, &order);
	for (size_t i = count; i-- > 0 && r == 0;) {
		const struct cryo_row *row = &rows[order[i]];

		if (is_asked(thawing, row->pid))
			r = add_subject(thawing, row->pid, row->start_time,
				continue_process(thawing, row->pid, row->start_time));
		else
			thawing->report.left++;
	}
	return r;
}

/*
 * Whoever is left in a cgroup that was made was born there, or moved there by a freeze that could
 * not tell it any more.
 */
static int remove_made(struct thawing *thawing, const char *cgroup)
{
	_cleanup_free_ char *home = cryo_cgroup_parent(cgroup);
	_cleanup_free_ pid_t *members = NULL;
	size_t count = 0;

	if (!home)
		return -ENOMEM;
	if (!thawing->report.left &&
		cryo_cgroup_members(&thawing->cgroups, cgroup, &members, &count) == 0)
		for (size_t i = 0; i < count; i++)
			cryo_cgroup_move(&thawing->cgroups, home, members[i]);
	return cryo_cgroup_remove(&thawing->cgroups, cgroup);
}

/* Cgroups that nobody needs any more: unfreeze what is left of them, remove what was made. */
static int clean_cgroups(struct thawing *thawing)
{
	int r = 0;

	for (size_t i = thawing->state.n_cgroups; i-- > 0 && r == 0;) {
		struct cryo_journal_cgroup *cgroup = &thawing->state.cgroups[i];

		if (cgroup->thawed || (thawing->report.left && !cgroup->made &&
					      cryo_cgroup_is_set(&thawing->cgroups, cgroup->path)))
			continue;
		if (cgroup->made)
			r = remove_made(thawing, cgroup->path);
		else
			r = cryo_cgroup_set(&thawing->cgroups, cgroup->path, false);
		cgroup->thawed = r == 0 || r == -ENOENT;
		r = 0;
		if (cgroup->thawed)
			r = cryo_journal_add_thawed_cgroup(thawing->journal, cgroup->path);
	}
	return r;
}

static int thaw_backwards(struct thawing *thawing)
{
	int r = 0;

	if (thawing->state.chase_open)
		r = thaw_chased(thawing);
	for (size_t i = thawing->state.n_processes; i-- > 0 && r == 0;) {
		struct cryo_journal_process *process = &thawing->state.processes[i];

		if (process->thawed)
			continue;
		if (is_asked(thawing, process->pid))
			r = thaw_process(thawing, process);
		else
			thawing->report.left++;
	}
	return r < 0 ? r : clean_cgroups(thawing);
}

/*
 * All given back: the guard is not needed (unless we are the guard), nor the journal. What was done
 * is done, even if it cannot be noted: the next thaw finds it running.
 */
static void finish(struct thawing *thawing)
{
	const struct cryo_journal_state *state = &thawing->state;
	int r;

	if (!thawing->report.left && state->guard && state->guard != getpid())
		cryo_send_signal(thawing->procfs, state->guard, state->guard_start, SIGTERM);
	if (thawing->report.left)
		r = cryo_journal_commit(thawing->journal);
	else if (state->damaged)
		r = cryo_journal_set_aside(thawing->journal);
	else
		r = cryo_journal_remove(thawing->journal);
	thawing->report.journal_error = -r;
}

static int open_journal(struct thawing *thawing)
{
	const struct cryo_thaw_request *request = thawing->request;
	struct cryo_world world;
	int r = cryo_world_read(thawing->procfs, &world);

	if (r == 0)
		r = cryo_journal_open(request->journal, &world, false, request->wait_ms,
			&thawing->journal, &thawing->state);
	return r;
}

static int thaw(struct thawing *thawing)
{
	int r = open_journal(thawing);

	thawing->report.stale = r == -ESTALE;
	thawing->report.nothing =
		r == -ENOENT || r == -ESTALE || (r == 0 && !cryo_journal_is_open(&thawing->state));
	if (r == -ENOENT || r == -ESTALE)
		return 0;
	if (r == 0)
		r = cryo_cgroups_open(thawing->procfs, &thawing->cgroups);
	if (r < 0)
		return r;
	thawing->report.damaged = thawing->state.damaged;
	thawing->report.journal = strdup(cryo_journal_path(thawing->journal));
	if (!thawing->report.journal)
		return -ENOMEM;
	r = thaw_backwards(thawing);
	if (r == 0)
		finish(thawing);
	return r;
}

int cryo_thaw(const struct cryo_thaw_request *request, struct cryo_thaw_report *ret_report)
{
	_cleanup_(thawing_clear) struct thawing thawing = {
		.request = request, .procfs = cryo_procfs_open_best(), .cgroups = {.root = -1}};
	int r = thawing.procfs < 0 ? thawing.procfs : cryo_io_check_room(DESCRIPTORS);

	if (r == 0)
		r = thaw(&thawing);
	if (r < 0)
		return r;
	*ret_report = thawing.report;
	thawing.report = (struct cryo_thaw_report){0};
	return 0;
}
