// SPDX-License-Identifier: MIT
/*
 * Theory: what a pass sees is already history, so nothing is concluded from one pass. A pass gives
 * every process it meets its place: spared, standing still before we came, dead, or to be stopped;
 * and it verifies what should stand still by now. One that ran again after it stood still was
 * continued by another process; that is an attack, and it is stopped again, as often as it takes.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/array.h"
#include "freeze/freezer.h"
#include "freeze/send.h"

enum {
	PATIENCE = 5 /* signals lost in a row before somebody else must be the cause */
};

/* For a handler of SIGTSTP to clean up before it stops its process, as editors and shells do. */
static const uint64_t handler_patience = 200 * CRYO_NSEC_PER_MSEC;

/* It was frozen by an earlier call: nothing of what was found then may be forgotten. One that runs
 * could not be stopped then, or was continued since by whoever may: it is stopped anew. */
static void adopt(
	struct cryo_subject *subject, const struct cryo_journal_process *known, enum cryo_rest rest)
{
	subject->fate = rest == CRYO_REST_RUNS ? CRYO_FATE_BEFORE : CRYO_FATE_STOPPED;
	subject->found = known->found;
	if (rest == CRYO_REST_RUNS)
		return;
	subject->engine = known->engine;
	subject->cgroup = known->cgroup ? strdup(known->cgroup) : NULL;
	subject->confirmed = true;
	if (rest == CRYO_REST_DEAD)
		subject->fate = CRYO_FATE_DEAD;
}

/* Whether a process that stands still was stopped by a chase of ours, without a record yet. */
static bool was_chased(const struct cryo_freezer *freezer, const struct cryo_subject *subject)
{
	uint64_t since = freezer->chase_ticks;

	if (freezer->old.chase_open && (!since || freezer->old.chase_start < since))
		since = freezer->old.chase_start;
	return since && subject->row.start_time >= since;
}

/*
 * A child that was born into a cgroup while that froze is held with it, and has to be given back
 * with it: it takes over cgroup and engine.
 */
static bool is_in_our_cgroup(const struct cryo_freezer *freezer, struct cryo_subject *subject)
{
	_cleanup_free_ char *cgroup = cryo_cgroup_of(freezer->procfs, subject->row.pid);

	for (size_t i = 0; cgroup && i < freezer->old.n_cgroups; i++) {
		const struct cryo_journal_cgroup *known = &freezer->old.cgroups[i];

		if (!known->thawed && strcmp(known->path, cgroup) == 0) {
			subject->engine = known->made ? CRYO_ENGINE_MOVED : CRYO_ENGINE_CGROUP;
			subject->cgroup = steal_ptr(cgroup);
			return true;
		}
	}
	for (size_t i = 0; cgroup && i < freezer->subjects.count; i++) {
		const struct cryo_subject *known = &freezer->subjects.array[i];

		if (known->cgroup && strcmp(known->cgroup, cgroup) == 0) {
			subject->engine = known->engine;
			subject->cgroup = steal_ptr(cgroup);
			return true;
		}
	}
	return false;
}

/*
 * A chase may hit a process that is only on its way to become one that is spared: it has yet to
 * execute the program that is, or to open what makes it our peer.
 */
static void release_chased(const struct cryo_freezer *freezer, const struct cryo_subject *subject)
{
	const struct cryo_row *row = &subject->row;

	if (!freezer->request->dry_run && was_chased(freezer, subject) &&
		cryo_stop_is_in_force(freezer->procfs, row->pid, row->start_time))
		cryo_send_signal(freezer->procfs, row->pid, row->start_time, SIGCONT);
}

/*
 * The place of a process that was not met before. Returns whether it goes into the batch of those
 * to be stopped (one that a chase stopped gets its record that way).
 */
static bool judge(const struct cryo_freezer *freezer, struct cryo_subject *subject)
{
	const struct cryo_row *row = &subject->row;
	const struct cryo_journal_process *known =
		cryo_journal_find(&freezer->old, row->pid, row->start_time);
	enum cryo_rest rest;

	subject->spare = cryo_roster_judge(freezer->procfs, &freezer->roster, row);
	if (subject->spare != CRYO_SPARE_NONE) {
		subject->fate = CRYO_FATE_SPARED;
		release_chased(freezer, subject);
		return false;
	}
	rest = cryo_rest_of(freezer->procfs, row->pid, row->start_time);
	if (known && !known->thawed) {
		adopt(subject, known, rest);
		return rest == CRYO_REST_RUNS;
	}
	subject->found = (char)rest;
	subject->fate = rest == CRYO_REST_DEAD ? CRYO_FATE_DEAD : CRYO_FATE_BEFORE;
	subject->confirmed = true;
	if (((rest == CRYO_REST_STOPPED || rest == CRYO_REST_TRACED) &&
		    was_chased(freezer, subject)) ||
		(rest == CRYO_REST_FROZEN && is_in_our_cgroup(freezer, subject))) {
		subject->found = CRYO_REST_RUNS;
		return true;
	}
	return !cryo_rest_is_still(rest);
}

static int stop_again(struct cryo_freezer *freezer, struct cryo_subject *subject)
{
	const struct cryo_row *row = &subject->row;
	int r;

	freezer->active = true;
	freezer->unsettled++;
	freezer->signalled_at = cryo_now();
	if (subject->engine == CRYO_ENGINE_SIGNAL)
		r = cryo_send_signal(
			freezer->procfs, row->pid, row->start_time, freezer->request->stop_signal);
	else if (subject->engine == CRYO_ENGINE_MOVED)
		r = cryo_cgroup_move(&freezer->cgroups, subject->cgroup, row->pid);
	else
		r = cryo_cgroup_set(&freezer->cgroups, subject->cgroup, true);
	return r == -ESRCH ? 0 : r;
}

/* Whether what was done to a subject is still in force, so that it only has to be waited for. */
static bool is_on_its_way(const struct cryo_freezer *freezer, const struct cryo_subject *subject)
{
	_cleanup_free_ char *cgroup = NULL;

	if (subject->engine == CRYO_ENGINE_SIGNAL)
		return cryo_stop_is_pending(freezer->procfs, subject->row.pid);
	cgroup = cryo_cgroup_of(freezer->procfs, subject->row.pid);
	return cgroup && strcmp(cgroup, subject->cgroup) == 0 &&
	       cryo_cgroup_is_set(&freezer->cgroups, subject->cgroup);
}

static void note_revival(struct cryo_subject *subject)
{
	subject->revived++;
	subject->revived_at = cryo_now();
	subject->confirmed = false;
}

/* SIGSTOP always stops; of the others one is enough, since each may run a handler of the target. */
static bool may_ignore(const struct cryo_freezer *freezer, const struct cryo_subject *subject)
{
	return subject->engine == CRYO_ENGINE_SIGNAL && freezer->request->stop_signal != SIGSTOP;
}

static void note_ignored(struct cryo_freezer *freezer, struct cryo_subject *subject)
{
	if (cryo_now() - freezer->signalled_at < handler_patience) {
		freezer->unsettled++;
		return;
	}
	subject->fate = CRYO_FATE_FAILED;
	subject->trouble = CRYO_TROUBLE_IGNORED;
}

/* A subject that should stand still is on its feet. */
static void verify_running(struct cryo_freezer *freezer, struct cryo_subject *subject)
{
	int r;

	subject->trouble = CRYO_TROUBLE_RUNNING;
	if (subject->confirmed) {
		note_revival(subject);
	} else if (is_on_its_way(freezer, subject)) {
		freezer->unsettled++;
		return;
	} else if (may_ignore(freezer, subject)) {
		note_ignored(freezer, subject);
		return;
	} else if (++subject->resent % PATIENCE == 0) {
		note_revival(subject);
	}
	r = stop_again(freezer, subject);
	subject->fate = r < 0 ? CRYO_FATE_FAILED : CRYO_FATE_STOPPED;
	if (r < 0) {
		subject->trouble = CRYO_TROUBLE_REFUSED;
		subject->error = -r;
	}
}

static void verify_blocked(struct cryo_freezer *freezer, struct cryo_subject *subject)
{
	subject->trouble = CRYO_TROUBLE_BLOCKED;
	subject->confirmed = false;
	if (subject->engine == CRYO_ENGINE_SIGNAL &&
		!cryo_stop_is_pending(freezer->procfs, subject->row.pid))
		stop_again(freezer, subject);
}

static void verify_stopped(struct cryo_freezer *freezer, struct cryo_subject *subject)
{
	const struct cryo_row *row = &subject->row;
	enum cryo_rest rest = cryo_rest_of(freezer->procfs, row->pid, row->start_time);

	switch (rest) {
	case CRYO_REST_RUNS:
		verify_running(freezer, subject);
		break;
	case CRYO_REST_BLOCKED:
		verify_blocked(freezer, subject);
		break;
	case CRYO_REST_DEAD:
		subject->fate = CRYO_FATE_DEAD;
		break;
	default:
		subject->fate = CRYO_FATE_STOPPED;
		subject->confirmed = true;
		subject->trouble = CRYO_TROUBLE_NONE;
	}
}

/*
 * One that we meant to leave as it was: if somebody continued it, it is like any other. Returns
 * whether it is to be stopped.
 */
static bool verify_before(const struct cryo_freezer *freezer, struct cryo_subject *subject)
{
	const struct cryo_row *row = &subject->row;
	enum cryo_rest rest = cryo_rest_of(freezer->procfs, row->pid, row->start_time);

	if (rest == CRYO_REST_DEAD)
		subject->fate = CRYO_FATE_DEAD;
	else if (!cryo_rest_is_still(rest))
		subject->found = (char)rest;
	return subject->fate == CRYO_FATE_BEFORE && !cryo_rest_is_still(rest);
}

/* The subjects of one pass that are to be stopped. */
struct batch {
	struct cryo_subject *array;
	size_t count;
};

static void batch_clear(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		free(batch->array[i].cgroup);
	free(batch->array);
}

static int batch_add(struct batch *batch, const struct cryo_subject *subject)
{
	struct cryo_subject *added = cryo_array_add(batch->array, batch->count);

	if (!added)
		return -ENOMEM;
	*added = *subject;
	return 0;
}

static int meet(struct cryo_freezer *freezer, const struct cryo_row *row, struct batch *batch,
	struct batch *fresh)
{
	struct cryo_subject subject = {.row = *row};

	cryo_row_complete(freezer->procfs, &subject.row);
	if (judge(freezer, &subject))
		return batch_add(batch, &subject);
	return batch_add(fresh, &subject);
}

/* A known subject: verify it. It leaves the subjects for the batch if it is to be stopped. */
static int meet_again(
	struct cryo_freezer *freezer, struct cryo_subject *subject, struct batch *batch)
{
	switch (subject->fate) {
	case CRYO_FATE_STOPPED:
	case CRYO_FATE_FAILED:
		if (subject->trouble != CRYO_TROUBLE_REFUSED)
			verify_stopped(freezer, subject);
		return 0;
	case CRYO_FATE_BEFORE:
		return verify_before(freezer, subject) ? batch_add(batch, subject) : 0;
	default:
		return 0;
	}
}

static void mark_gone(struct cryo_freezer *freezer, const struct cryo_census *census)
{
	for (size_t i = 0; i < freezer->subjects.count; i++) {
		struct cryo_subject *subject = &freezer->subjects.array[i];
		const struct cryo_row *row = cryo_census_find(census, subject->row.pid);

		if (subject->fate == CRYO_FATE_GONE ||
			(row && row->start_time == subject->row.start_time))
			continue;
		if (subject->fate != CRYO_FATE_SPARED && subject->fate != CRYO_FATE_DEAD)
			freezer->active = true;
		subject->fate = CRYO_FATE_GONE;
	}
}

/* Add what was met to the subjects; one that is there already is replaced. */
static int remember(struct cryo_freezer *freezer, struct batch *batch)
{
	struct cryo_subjects *subjects = &freezer->subjects;
	size_t sorted = subjects->count;

	for (size_t i = 0; i < batch->count; i++) {
		const struct cryo_row *row = &batch->array[i].row;
		struct cryo_subjects old = {subjects->array, sorted};
		struct cryo_subject *place = cryo_subjects_find(&old, row->pid, row->start_time);

		if (!place)
			place = cryo_array_add(subjects->array, subjects->count);
		if (!place)
			return -ENOMEM;
		*place = batch->array[i];
		batch->array[i].cgroup = NULL;
	}
	cryo_subjects_sort(subjects);
	return 0;
}

static int look(struct cryo_freezer *freezer, const struct cryo_census *census, struct batch *batch,
	struct batch *fresh)
{
	_cleanup_free_ bool *selected = NULL;
	int r = cryo_freezer_select(freezer, census, &selected);

	for (size_t i = 0; i < census->count && r == 0; i++) {
		const struct cryo_row *row = &census->rows[i];
		struct cryo_subject *subject =
			cryo_subjects_find(&freezer->subjects, row->pid, row->start_time);

		if (subject)
			r = meet_again(freezer, subject, batch);
		else if (selected[i])
			r = meet(freezer, row, batch, fresh);
	}
	return r;
}

int cryo_freezer_pass(struct cryo_freezer *freezer)
{
	_cleanup_(batch_clear) struct batch batch = {0};
	_cleanup_(batch_clear) struct batch fresh = {0};
	_cleanup_census_ struct cryo_census census = {0};
	int r;

	freezer->pass_ticks = cryo_ticks_now();
	r = cryo_census_take(freezer->procfs, &census);
	if (r < 0)
		return r;
	freezer->passes++;
	freezer->is_chased = false;
	freezer->unsettled = 0;
	freezer->active = census.vanished > 0 && freezer->request->select.all;
	r = look(freezer, &census, &batch, &fresh);
	if (r == 0)
		r = cryo_freezer_stop(freezer, batch.array, batch.count);
	mark_gone(freezer, &census);
	if (r == 0)
		r = remember(freezer, &batch);
	return r < 0 ? r : remember(freezer, &fresh);
}
