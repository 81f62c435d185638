// SPDX-License-Identifier: MIT
/*
 * Theory: kill(2) returns before the stop has happened. If a parent has not stopped yet when its
 * child does, a wait of the parent still returns with the child's stop (kernel/exit.c do_wait()
 * looks at the children once more before it looks at its signals), and the order was for nothing.
 * So before a process is signalled, its parent and its tracer, if they were signalled just now, are
 * waited for. Where processors are busy that takes long, and mostly with those that are to be
 * stopped too: who would have to wait for more than a moment is late, and comes, with its
 * descendants, when all others were signalled. Even then one that cannot stop must not hold up the
 * rest for ever.
 *
 * Under the cgroup engine a cgroup all of whose members are to be stopped is frozen in place; in
 * any other, the members that are meant move into a frozen cgroup below it, so that limits and
 * accounting of the original stay in force and it does not become empty.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/array.h"
#include "freeze/freezer.h"
#include "freeze/order.h"
#include "freeze/send.h"

static const uint64_t a_moment = 2 * CRYO_NSEC_PER_MSEC;
static const uint64_t patience = 2 * CRYO_NSEC_PER_SEC; /* with all that are late together */
static const long poll_ns = 20000;

/* One batch on its way to standstill. */
struct stopping {
	struct cryo_freezer *freezer;
	struct cryo_subject *batch;
	size_t count;
	struct cryo_row *rows; /* of the batch, in its order */
	bool *late;            /* likewise: left until all others were signalled */
};

static void stopping_clear(struct stopping *stopping)
{
	free(stopping->rows);
	free(stopping->late);
}

static struct cryo_subject *find_in_batch(const struct stopping *stopping, pid_t pid)
{
	const struct cryo_census census = {stopping->rows, stopping->count, 0};
	const struct cryo_row *row = pid > 0 ? cryo_census_find(&census, pid) : NULL;

	return row ? &stopping->batch[row - stopping->rows] : NULL;
}

/* Whether a signal that may be handled or ignored was: waiting for more is in vain. */
static bool took_it(const struct cryo_freezer *freezer, const struct cryo_subject *subject)
{
	return freezer->request->stop_signal != SIGSTOP && subject->engine == CRYO_ENGINE_SIGNAL &&
	       !cryo_stop_is_pending(freezer->procfs, subject->row.pid);
}

/* Wait until a process that was asked to stop cannot wait for its children any more. */
static bool stands_still_by(
	const struct cryo_freezer *freezer, struct cryo_subject *subject, uint64_t deadline)
{
	const struct timespec pause = {.tv_nsec = poll_ns};

	for (;;) {
		enum cryo_rest rest =
			cryo_rest_of(freezer->procfs, subject->row.pid, subject->row.start_time);

		if (rest != CRYO_REST_RUNS) {
			subject->confirmed = rest != CRYO_REST_BLOCKED;
			return true;
		}
		if (took_it(freezer, subject))
			return true;
		if (cryo_now() >= deadline)
			return false;
		nanosleep(&pause, NULL);
	}
}

static bool is_awaited(
	const struct cryo_freezer *freezer, struct cryo_subject *elder, uint64_t deadline)
{
	return elder && elder->fate == CRYO_FATE_STOPPED && !elder->confirmed &&
	       !stands_still_by(freezer, elder, deadline);
}

bool cryo_freezer_is_awaited(const struct cryo_freezer *freezer, pid_t pid)
{
	return is_awaited(freezer, cryo_subjects_find_living(&freezer->subjects, pid), 0);
}

static bool is_elder_awaited(const struct stopping *stopping, pid_t pid, uint64_t deadline)
{
	const struct cryo_freezer *freezer = stopping->freezer;
	struct cryo_subject *elder = find_in_batch(stopping, pid);

	if (elder && stopping->late[elder - stopping->batch])
		return true;
	return is_awaited(freezer,
		elder ? elder : cryo_subjects_find_living(&freezer->subjects, pid), deadline);
}

/* Wait for the parent and the tracer of a subject. Whether neither would see it stop by then. */
static bool await_elders(
	const struct stopping *stopping, const struct cryo_subject *subject, uint64_t deadline)
{
	bool tracer = is_elder_awaited(stopping, subject->row.tracer, deadline);
	bool parent = is_elder_awaited(stopping, subject->row.ppid, deadline);

	return !tracer && !parent;
}

static void note_result(struct cryo_subject *subject, int r)
{
	subject->confirmed = false;
	subject->fate = CRYO_FATE_STOPPED;
	if (r == -ESRCH) {
		subject->fate = CRYO_FATE_GONE;
	} else if (r < 0) {
		subject->fate = CRYO_FATE_FAILED;
		subject->trouble = CRYO_TROUBLE_REFUSED;
		subject->error = -r;
	}
}

static void stop_by_signal(const struct stopping *stopping, struct cryo_subject *subject)
{
	const struct cryo_row *row = &subject->row;

	note_result(subject, cryo_send_signal(stopping->freezer->procfs, row->pid, row->start_time,
				     stopping->freezer->request->stop_signal));
}

/* Whether a process that is not in the batch may be frozen with its cgroup: it stands still. */
static bool may_be_held(const struct cryo_freezer *freezer, const struct cryo_row *row)
{
	if (cryo_journal_find(&freezer->old, row->pid, row->start_time) ||
		cryo_rest_of(freezer->procfs, row->pid, row->start_time) == CRYO_REST_DEAD)
		return true;
	return row->state == 'T' &&
	       cryo_roster_judge(freezer->procfs, &freezer->roster, row) == CRYO_SPARE_NONE;
}

/* Whether every member of a cgroup may be stopped; the journal and the batch say who may. */
static bool may_freeze_whole(const struct stopping *stopping, const char *cgroup)
{
	const struct cryo_freezer *freezer = stopping->freezer;
	_cleanup_free_ pid_t *members = NULL;
	size_t count = 0;

	if (strcmp(cgroup, "/") == 0 || cryo_cgroup_has_children(&freezer->cgroups, cgroup) ||
		cryo_cgroup_members(&freezer->cgroups, cgroup, &members, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct cryo_row row;

		if (find_in_batch(stopping, members[i]))
			continue;
		if (members[i] == 0 || cryo_row_read(freezer->procfs, members[i], &row) < 0)
			return false;
		if (!may_be_held(freezer, &row))
			return false;
	}
	return true;
}

/* Who shares a cgroup shares its engine, so that it is asked once for each. */
static const struct cryo_subject *neighbour(
	const struct stopping *stopping, size_t before, const char *cgroup)
{
	for (size_t i = 0; i < before; i++) {
		const struct cryo_subject *subject = &stopping->batch[i];

		if (subject->cgroup && subject->engine == CRYO_ENGINE_CGROUP &&
			strcmp(subject->cgroup, cgroup) == 0)
			return subject;
	}
	return NULL;
}

/* Choose how subject number `index` is held. 0 or -ENOMEM. */
static int choose_engine(const struct stopping *stopping, size_t index)
{
	const struct cryo_freezer *freezer = stopping->freezer;
	const struct cryo_selection *select = &freezer->request->select;
	enum cryo_method method = freezer->request->method;
	struct cryo_subject *subject = &stopping->batch[index];
	_cleanup_free_ char *cgroup = NULL;

	if (subject->cgroup) /* it froze with its cgroup already */
		return 0;
	subject->engine = CRYO_ENGINE_SIGNAL;
	if (method == CRYO_METHOD_SIGNAL || freezer->cgroups.root < 0 ||
		(method == CRYO_METHOD_AUTO && !select->all && !select->n_cgroups))
		return 0;
	cgroup = cryo_cgroup_of(freezer->procfs, subject->row.pid);
	if (!cgroup)
		return 0;
	if (neighbour(stopping, index, cgroup) || may_freeze_whole(stopping, cgroup)) {
		subject->engine = CRYO_ENGINE_CGROUP;
		subject->cgroup = steal_ptr(cgroup);
	} else if (method == CRYO_METHOD_CGROUP) {
		subject->engine = CRYO_ENGINE_MOVED;
		subject->cgroup = cryo_cgroup_child(cgroup);
		return subject->cgroup ? 0 : -ENOMEM;
	}
	return 0;
}

static bool is_recorded(const struct stopping *stopping, const size_t *order, size_t before,
	const struct cryo_subject *subject)
{
	for (size_t i = 0; i < before; i++) {
		const struct cryo_subject *other = &stopping->batch[order[i]];

		if (other->cgroup && other->engine == subject->engine &&
			strcmp(other->cgroup, subject->cgroup) == 0)
			return true;
	}
	return false;
}

static int write_ahead(const struct stopping *stopping, const size_t *order)
{
	struct cryo_journal *journal = stopping->freezer->journal;
	int r = 0;

	for (size_t i = 0; i < stopping->count && r == 0; i++) {
		struct cryo_subject *subject = &stopping->batch[order[i]];

		subject->sequence = ++stopping->freezer->sequence;
		if (subject->cgroup && !is_recorded(stopping, order, i, subject))
			r = cryo_journal_add_cgroup(
				journal, subject->cgroup, subject->engine == CRYO_ENGINE_MOVED);
		if (r == 0)
			r = cryo_journal_add_process(journal, subject->row.pid,
				subject->row.start_time, subject->found, subject->engine,
				subject->cgroup);
	}
	return r < 0 ? r : cryo_journal_commit(journal);
}

/* Freeze or make the cgroup of a subject and move it there; a signal if that is refused. */
static void stop_by_cgroup(const struct stopping *stopping, struct cryo_subject *subject)
{
	const struct cryo_freezer *freezer = stopping->freezer;
	int r;

	if (subject->engine == CRYO_ENGINE_CGROUP) {
		r = cryo_cgroup_set(&freezer->cgroups, subject->cgroup, true);
	} else {
		r = cryo_cgroup_make(&freezer->cgroups, subject->cgroup);
		if (r == 0)
			r = cryo_cgroup_move(&freezer->cgroups, subject->cgroup, subject->row.pid);
	}
	note_result(subject, r);
}

/* What a cgroup did not take gets a record anew and a signal. */
static int fall_back(const struct stopping *stopping, struct cryo_subject *subject)
{
	struct cryo_journal *journal = stopping->freezer->journal;
	int r;

	subject->engine = CRYO_ENGINE_SIGNAL;
	free(subject->cgroup);
	subject->cgroup = NULL;
	subject->trouble = CRYO_TROUBLE_NONE;
	r = cryo_journal_add_process(journal, subject->row.pid, subject->row.start_time,
		subject->found, subject->engine, NULL);
	if (r == 0)
		r = cryo_journal_commit(journal);
	if (r < 0)
		return r;
	await_elders(stopping, subject, cryo_now() + a_moment);
	stop_by_signal(stopping, subject);
	return 0;
}

static int stop_one(const struct stopping *stopping, struct cryo_subject *subject)
{
	subject->asked_at = cryo_clock_ns(CLOCK_REALTIME);
	if (subject->engine == CRYO_ENGINE_SIGNAL) {
		stop_by_signal(stopping, subject);
		return 0;
	}
	stop_by_cgroup(stopping, subject);
	return subject->fate == CRYO_FATE_FAILED ? fall_back(stopping, subject) : 0;
}

/* Those whose parents and tracers stand still, or do in a moment; the others are late. */
static int stop_prompt(const struct stopping *stopping, const size_t *order)
{
	int r = 0;

	for (size_t i = 0; i < stopping->count && r == 0; i++) {
		struct cryo_subject *subject = &stopping->batch[order[i]];

		if (cryo_freezer_is_cancelled(stopping->freezer))
			break;
		stopping->late[order[i]] = subject->engine == CRYO_ENGINE_SIGNAL &&
					   !await_elders(stopping, subject, cryo_now() + a_moment);
		if (!stopping->late[order[i]])
			r = stop_one(stopping, subject);
	}
	return r;
}

static int stop_late(const struct stopping *stopping, const size_t *order)
{
	uint64_t deadline = cryo_now() + patience;
	int r = 0;

	if (deadline > stopping->freezer->deadline)
		deadline = stopping->freezer->deadline;
	for (size_t i = 0; i < stopping->count && r == 0; i++) {
		struct cryo_subject *subject = &stopping->batch[order[i]];

		if (!stopping->late[order[i]])
			continue;
		if (cryo_freezer_is_cancelled(stopping->freezer))
			break;
		stopping->late[order[i]] = false;
		await_elders(stopping, subject, deadline);
		r = stop_one(stopping, subject);
	}
	return r;
}

static int stop_in_order(const struct stopping *stopping, const size_t *order)
{
	int r = 0;

	for (size_t i = 0; i < stopping->count && r == 0; i++)
		r = choose_engine(stopping, i);
	if (r == 0)
		r = write_ahead(stopping, order);
	if (r == 0)
		r = stop_prompt(stopping, order);
	if (r == 0)
		r = stop_late(stopping, order);
	stopping->freezer->signalled_at = cryo_now();
	return r;
}

/* A dry run decides like any other and stops at the signal. */
static void pretend(const struct stopping *stopping, const size_t *order)
{
	for (size_t i = 0; i < stopping->count; i++) {
		struct cryo_subject *subject = &stopping->batch[order[i]];

		choose_engine(stopping, order[i]);
		subject->sequence = ++stopping->freezer->sequence;
		subject->fate = CRYO_FATE_STOPPED;
	}
}

int cryo_freezer_stop(struct cryo_freezer *freezer, struct cryo_subject *batch, size_t count)
{
	_cleanup_(stopping_clear) struct stopping stopping = {freezer, batch, count,
		calloc(count + 1, sizeof(struct cryo_row)), calloc(count + 1, sizeof(bool))};
	_cleanup_free_ size_t *order = NULL;
	int r;

	if (!stopping.rows || !stopping.late)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		stopping.rows[i] = batch[i].row;
	r = cryo_freeze_order(stopping.rows, count, &order);
	if (r < 0 || count == 0)
		return r;
	freezer->active = true;
	freezer->unsettled += count;
	if (freezer->request->dry_run)
		pretend(&stopping, order);
	else
		r = stop_in_order(&stopping, order);
	return r;
}
