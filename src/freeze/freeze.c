// SPDX-License-Identifier: MIT
/*
 * The order of a freeze: look, decide who is spared, start the guard, then pass after pass until
 * two of them saw nothing move: nothing to stop, nobody gone, and no pid given out in between
 * (except to who is spared). Only the last makes "all" true: a listing cannot see what was born and
 * died between two looks. Pids that were given out to nobody who is still there are chased. All
 * this ends at a deadline, and then what resists is reported.
 */
#include "freeze/freeze.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/array.h"
#include "base/io.h"
#include "freeze/freezer.h"
#include "freeze/send.h"
#include "proc/procfs.h"

enum {
	QUIET_PASSES = 2,
	EMPTY_CHASES = 5, /* after so many chases that hit nobody, only the spared use pids */
	JOURNAL_WAIT_MS = 5000,
	DESCRIPTORS = 24 /* to look for the hidden, and to thaw, beside those of ours */
};

static const uint64_t default_timeout = 10 * CRYO_NSEC_PER_SEC;
static const uint64_t blocked_patience = 300 * CRYO_NSEC_PER_MSEC;
static const uint64_t watch_time = 50 * CRYO_NSEC_PER_MSEC;
static const uint64_t revival_memory = 500 * CRYO_NSEC_PER_MSEC;
static const uint64_t usual_pass = CRYO_NSEC_PER_SEC;
static const long pause_ns = 300000;

static void freezer_clear(struct cryo_freezer *freezer)
{
	cryo_roster_clear(&freezer->roster);
	cryo_outputs_clear(&freezer->outputs);
	cryo_cgroup_names_clear(&freezer->chosen);
	cryo_cgroup_names_clear(&freezer->spared);
	cryo_journal_close(freezer->journal);
	cryo_journal_state_clear(&freezer->old);
	cryo_cgroups_close(&freezer->cgroups);
	cryo_subjects_clear(&freezer->subjects);
	cryo_cleanup_close(&freezer->procfs);
}

static int open_procfs(struct cryo_freezer *freezer)
{
	freezer->procfs = cryo_procfs_open_private();
	freezer->is_private = freezer->procfs >= 0;
	if (!freezer->is_private)
		freezer->procfs = cryo_procfs_open("/proc");
	return freezer->procfs;
}

/* Everything that we write to or run from: the journal, stdout and stderr, our own executable. */
static int find_outputs(struct cryo_freezer *freezer)
{
	static const char *const own[] = {
		"/proc/self/exe", "/proc/self/cwd", "/proc/self/fd/1", "/proc/self/fd/2"};
	const struct cryo_freeze_request *request = freezer->request;
	_cleanup_free_ char *usual = request->journal ? NULL : cryo_journal_default_path();
	const char *journal = request->journal ? request->journal : usual;
	int r = 0;

	if (journal)
		r = cryo_outputs_add(
			freezer->procfs, journal, CRYO_SPARE_OUTPUT, &freezer->outputs);
	for (size_t i = 0; i < request->n_outputs && r == 0; i++)
		r = cryo_outputs_add(
			freezer->procfs, request->outputs[i], CRYO_SPARE_OUTPUT, &freezer->outputs);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) /* a closed stdout is no obstacle */
		cryo_outputs_add(freezer->procfs, own[i], CRYO_SPARE_OUTPUT, &freezer->outputs);
	return r;
}

static int make_roster(struct cryo_freezer *freezer)
{
	const struct cryo_freeze_request *request = freezer->request;
	_cleanup_census_ struct cryo_census census = {0};
	int r = cryo_census_take(freezer->procfs, &census);

	freezer->roster_request = (struct cryo_roster_request){
		.self = getpid(),
		.guard = freezer->old.guard,
		.spare = request->spare,
		.n_spare = request->n_spare,
		.spare_cgroups = &freezer->spared,
		.outputs = &freezer->outputs,
	};
	if (r < 0)
		return r;
	return cryo_roster_make(
		freezer->procfs, &census, &freezer->roster_request, &freezer->roster);
}

/* A dry run reads the journal if there is one, and makes none. */
static int open_journal(struct cryo_freezer *freezer)
{
	const struct cryo_freeze_request *request = freezer->request;
	int r = cryo_journal_open(request->journal, &freezer->world, !request->dry_run,
		JOURNAL_WAIT_MS, &freezer->journal, &freezer->old);

	if (request->dry_run && (r == -ENOENT || r == -ESTALE))
		return 0;
	return r;
}

static int start_guard(struct cryo_freezer *freezer)
{
	struct cryo_row row;
	pid_t pid;
	int r;

	if (!freezer->request->thaw_after_s || freezer->request->dry_run)
		return 0;
	pid = cryo_freezer_start_guard(
		cryo_journal_path(freezer->journal), freezer->request->thaw_after_s);
	if (pid < 0)
		return pid;
	freezer->roster_request.guard = pid;
	r = cryo_row_read(freezer->procfs, pid, &row);
	if (r == 0)
		r = cryo_journal_add_guard(freezer->journal, pid, row.start_time);
	if (r == 0)
		r = cryo_journal_commit(freezer->journal);
	if (r < 0)
		kill(pid, SIGKILL);
	else if (freezer->old.guard) /* the new one takes its place */
		cryo_send_signal(
			freezer->procfs, freezer->old.guard, freezer->old.guard_start, SIGTERM);
	return r;
}

/* What does not exist was mistyped: that is said before anything is touched. */
static int find_cgroups(struct cryo_freezer *freezer)
{
	const struct cryo_freeze_request *request = freezer->request;
	int r = cryo_cgroup_names_make(freezer->procfs, request->select.cgroups,
		request->select.n_cgroups, &freezer->chosen);

	return r < 0 ? r
		     : cryo_cgroup_names_make(
			       freezer->procfs, request->spare, request->n_spare, &freezer->spared);
}

static int prepare(struct cryo_freezer *freezer)
{
	int r = cryo_world_read(freezer->procfs, &freezer->world);

	if (r == 0)
		r = find_cgroups(freezer);
	if (r == 0)
		r = cryo_cgroups_open(freezer->procfs, &freezer->cgroups);
	if (r == 0)
		r = find_outputs(freezer);
	if (r == 0)
		r = open_journal(freezer);
	if (r == 0)
		r = make_roster(freezer);
	return r < 0 ? r : start_guard(freezer);
}

/* Whether pids were given out since the last look that nobody spared uses; then they are chased. */
static int follow_pids(struct cryo_freezer *freezer, size_t *empty_chases, bool *ret_moved)
{
	pid_t before = freezer->last_pid, now = cryo_procfs_last_pid(freezer->procfs);
	size_t hits;
	int r;

	freezer->last_pid = now;
	*ret_moved = false;
	if (!freezer->request->select.all || freezer->request->dry_run || now == before ||
		cryo_pids_are_explained(freezer, before, now))
		return 0;
	r = cryo_freezer_chase(freezer, &hits);
	*empty_chases = hits ? 0 : *empty_chases + 1;
	*ret_moved = *empty_chases < EMPTY_CHASES;
	freezer->last_pid = cryo_procfs_last_pid(freezer->procfs);
	return r;
}

static size_t count_blocked(const struct cryo_freezer *freezer)
{
	size_t count = 0;

	for (size_t i = 0; i < freezer->subjects.count; i++)
		count += freezer->subjects.array[i].fate == CRYO_FATE_STOPPED &&
			 freezer->subjects.array[i].trouble == CRYO_TROUBLE_BLOCKED;
	return count;
}

/*
 * Whether it is worth to wait: for one that may still stop, and to see whether somebody who is not
 * frozen continues what is, which takes until he gets a processor.
 */
static bool is_unsettled(const struct cryo_freezer *freezer)
{
	uint64_t since = cryo_now() - freezer->signalled_at;

	return freezer->unsettled || since < watch_time ||
	       (count_blocked(freezer) && since < blocked_patience);
}

/* Who stood still himself (stopped, or with the whole machine) gets that time back, once: a pass
 * may take long for other reasons. */
static void give_back_time(struct cryo_freezer *freezer, uint64_t *last)
{
	uint64_t missed = cryo_clock_missed(last, usual_pass);

	if (missed && !freezer->is_late) {
		freezer->deadline += usual_pass + missed;
		freezer->is_late = true;
	}
}

/* Passes until all is quiet, or the deadline, or a cancellation. 0 or -errno. */
static int run_passes(struct cryo_freezer *freezer, bool *ret_quiet)
{
	const struct timespec pause = {.tv_nsec = pause_ns};
	size_t quiet = 0, empty_chases = 0;
	uint64_t last = cryo_now();
	int r = 0;

	freezer->last_pid = cryo_procfs_last_pid(freezer->procfs);
	while (r == 0 && quiet < QUIET_PASSES && cryo_now() < freezer->deadline &&
		!cryo_freezer_is_cancelled(freezer)) {
		bool moved = false;

		r = cryo_freezer_pass(freezer);
		if (r == 0)
			r = follow_pids(freezer, &empty_chases, &moved);
		if (freezer->request->dry_run)
			quiet = QUIET_PASSES;
		else if (freezer->active || moved || is_unsettled(freezer))
			quiet = 0;
		else
			quiet++;
		if (is_unsettled(freezer))
			nanosleep(&pause, NULL);
		give_back_time(freezer, &last);
	}
	*ret_quiet = quiet >= QUIET_PASSES;
	return r;
}

/* Whether a subject stands still for good. One that was revived until the end only seems to. */
static bool is_settled(
	const struct cryo_freezer *freezer, const struct cryo_subject *subject, bool quiet)
{
	const struct cryo_row *row = &subject->row;

	if (quiet || !subject->revived || cryo_now() - subject->revived_at > revival_memory)
		return subject->confirmed ||
		       cryo_rest_is_still(cryo_rest_of(freezer->procfs, row->pid, row->start_time));
	return false;
}

/* What was not seen to stand still in time is a failure; a tracer is the reason if there is one. */
static void settle_fates(struct cryo_freezer *freezer, bool quiet)
{
	for (size_t i = 0; i < freezer->subjects.count; i++) {
		struct cryo_subject *subject = &freezer->subjects.array[i];

		if (subject->fate != CRYO_FATE_STOPPED || is_settled(freezer, subject, quiet) ||
			freezer->request->dry_run)
			continue;
		subject->fate = CRYO_FATE_FAILED;
		if (subject->trouble == CRYO_TROUBLE_BLOCKED)
			continue;
		cryo_row_complete(freezer->procfs, &subject->row);
		subject->trouble = subject->row.tracer ? CRYO_TROUBLE_TRACED
				   : subject->revived  ? CRYO_TROUBLE_REVIVED
						       : CRYO_TROUBLE_RUNNING;
	}
}

/*
 * The chase is over when every process it hit has a record. One of an earlier freeze that was cut
 * off is not: this one may look at others only, or spare some of those, or have been interrupted.
 */
static int end_chase(struct cryo_freezer *freezer)
{
	int r;

	if (!freezer->chase_ticks || freezer->old.chase_open)
		return 0;
	r = cryo_journal_add_chase(freezer->journal, false, cryo_ticks_now());
	return r < 0 ? r : cryo_journal_commit(freezer->journal);
}

/* Give back what this call stopped. The journal must be free for it. */
static bool undo(struct cryo_freezer *freezer, const char *journal)
{
	_cleanup_free_ pid_t *pids = calloc(freezer->subjects.count + 1, sizeof(pid_t));
	struct cryo_thaw_request request = {.journal = journal, .wait_ms = JOURNAL_WAIT_MS};
	_cleanup_thaw_report_ struct cryo_thaw_report report = {0};

	cryo_journal_close(freezer->journal);
	freezer->journal = NULL;
	if (freezer->old.n_processes && pids) {
		for (size_t i = 0; i < freezer->subjects.count; i++)
			if (freezer->subjects.array[i].sequence)
				pids[request.n_pids++] = freezer->subjects.array[i].row.pid;
		request.pids = pids;
		if (!request.n_pids)
			return true;
	}
	return cryo_thaw(&request, &report) == 0 && report.left == 0;
}

static int freeze(struct cryo_freezer *freezer, struct cryo_freeze_report *report)
{
	const struct cryo_freeze_request *request = freezer->request;
	int r = run_passes(freezer, &report->quiet);

	if (r == 0 && freezer->is_chased) /* the time was over, or we were interrupted */
		r = cryo_freezer_pass(freezer);
	settle_fates(freezer, report->quiet);
	if (r == 0 && request->select.all && report->quiet)
		r = cryo_freezer_find_hidden(freezer);
	report->cancelled = cryo_freezer_is_cancelled(freezer);
	if (r == 0 && !request->dry_run)
		r = end_chase(freezer);
	if (r == 0 && request->then_signal && !report->cancelled && !request->dry_run)
		cryo_freezer_then(freezer);
	if (freezer->journal && !request->dry_run) {
		report->journal = strdup(cryo_journal_path(freezer->journal));
		if (!report->journal)
			r = -ENOMEM;
	}
	if (report->journal && ((report->cancelled && !request->keep_frozen) || r < 0))
		report->thawed = undo(freezer, report->journal);
	return r;
}

static void fill_report(struct cryo_freezer *freezer, struct cryo_freeze_report *report)
{
	report->subjects = freezer->subjects;
	freezer->subjects = (struct cryo_subjects){0};
	report->added = cryo_journal_is_open(&freezer->old);
	report->damaged = freezer->old.damaged;
	report->passes = freezer->passes;
	report->chases = freezer->chases;
	report->guard = freezer->roster_request.guard;
}

static bool makes_sense(const struct cryo_freeze_request *request)
{
	static const int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
	const struct cryo_selection *select = &request->select;

	if (request->then_signal == SIGCONT) /* it would take back what was done */
		return false;

	for (size_t i = 0; i < ARRAY_SIZE(stops); i++)
		if (request->stop_signal == stops[i])
			return select->all || select->n_pids || select->n_trees ||
			       select->n_cgroups;
	return false;
}

int cryo_freeze(const struct cryo_freeze_request *request, struct cryo_freeze_report *ret_report)
{
	struct cryo_freeze_request copy = *request;
	_cleanup_(freezer_clear) struct cryo_freezer freezer = {
		.request = &copy, .procfs = -1, .cgroups = {.root = -1}};
	_cleanup_freeze_report_ struct cryo_freeze_report report = {0};
	uint64_t begin = cryo_now();
	int r;

	if (!copy.stop_signal)
		copy.stop_signal = SIGSTOP;
	if (!makes_sense(&copy))
		return -EINVAL;
	r = open_procfs(&freezer);
	if (r >= 0)
		r = cryo_io_check_room(DESCRIPTORS);
	if (r < 0)
		return r;
	freezer.begin_ticks = cryo_ticks_now();
	r = prepare(&freezer);
	freezer.deadline =
		cryo_now() + (request->timeout_ns ? request->timeout_ns : default_timeout);
	if (r == 0)
		r = freeze(&freezer, &report);
	if (r < 0 && (!report.journal || report.thawed))
		return r;
	report.quiet = report.quiet && r == 0; /* what could not be given back has to be told */
	fill_report(&freezer, &report);
	report.duration_ns = cryo_now() - begin;
	*ret_report = report;
	report = (struct cryo_freeze_report){0};
	return 0;
}
