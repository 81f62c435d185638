// SPDX-License-Identifier: MIT
/*
 * Only what this collection stopped is given back by it: what an earlier freeze holds, it holds on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/gather_state.h"
#include "capture/gather_watch.h"
#include "capture/result.h"
#include "evidence/manifest.h"

static struct cryo_selection selection_of(const struct cryocore_gather_options *options)
{
	bool limited = options->n_pids || options->n_trees || options->n_cgroups;

	return (struct cryo_selection){
		.all = options->all && !limited,
		.pids = options->pids,
		.n_pids = options->n_pids,
		.trees = options->trees,
		.n_trees = options->n_trees,
		.cgroups = options->cgroups,
		.n_cgroups = options->n_cgroups,
	};
}

static bool is_ours(const struct cryo_subject *subject)
{
	return subject->fate == CRYO_FATE_STOPPED && subject->sequence;
}

/* All of this is written when the freeze, or the thaw, has ended: each line says when it was. */
static void log_at(struct cryo_gather *gather, pid_t pid, const char *what, uint64_t at)
{
	char time[CRYO_UTC_SIZE];

	cryo_utc_format(at, time);
	cryo_evidence_log(gather->evidence, pid, "%s at %s", what, time);
}

static void log_stop(struct cryo_gather *gather, const struct cryo_subject *subject)
{
	if (subject->asked_at)
		log_at(gather, subject->row.pid, "stopped", subject->asked_at);
	else
		cryo_evidence_log(gather->evidence, subject->row.pid, "stopped as it was chased");
	if (subject->row.tracer)
		cryo_evidence_log(gather->evidence, subject->row.pid,
			"its tracer may see the stop signal when it is thawed");
}

static void log_subject(struct cryo_gather *gather, const struct cryo_subject *subject)
{
	pid_t pid = subject->row.pid;

	if (subject->fate == CRYO_FATE_STOPPED)
		log_stop(gather, subject);
	else if (subject->fate == CRYO_FATE_BEFORE)
		cryo_evidence_log(gather->evidence, pid, "stood still before");
	else if (subject->fate == CRYO_FATE_SPARED)
		cryo_evidence_log(
			gather->evidence, pid, "spared: %s", cryo_spare_text(subject->spare));
	else if (subject->fate == CRYO_FATE_FAILED)
		cryo_evidence_log(gather->evidence, pid, "could not be stopped: %s",
			cryo_trouble_text(subject->trouble));
	if (subject->revived)
		cryo_evidence_log(gather->evidence, pid,
			"another process continued it %u times: an attack", subject->revived);
}

static void count_frozen(struct cryo_gather *gather)
{
	const struct cryo_subjects *subjects = &gather->frozen->subjects;

	for (size_t i = 0; i < subjects->count; i++) {
		gather->result->frozen += is_ours(&subjects->array[i]);
		gather->result->not_frozen += subjects->array[i].fate == CRYO_FATE_FAILED;
	}
}

static void tell_freeze(struct cryo_gather *gather)
{
	const struct cryo_subjects *subjects = &gather->frozen->subjects;

	if (gather->result->not_frozen)
		cryo_gather_say(gather, CRYOCORE_WARNING, 0,
			"%zu processes could not be frozen: the log says which, and why",
			gather->result->not_frozen);
	if (!gather->frozen->quiet)
		cryo_gather_say(gather, CRYOCORE_WARNING, ETIMEDOUT,
			"not everything stood still when the time for freezing was over");
	for (size_t i = 0; i < subjects->count; i++)
		log_subject(gather, &subjects->array[i]);
}

/* Why freezing could not begin, and what can be done. */
static const char *explain(int error)
{
	switch (error) {
	case -EBUSY:
		return "another freeze or thaw is at work";
	case -EXDEV:
		return "the journal below /run/cryocore is that of another pid or time namespace: "
		       "run "
		       "'cryocore thaw' there, or mount a tmpfs on /run in this one";
	case -EBADMSG:
		return "the journal below /run/cryocore is none of cryocore: move it away";
	case -EPERM:
		return "the journal below /run/cryocore is not a plain file of yours that nobody "
		       "else may write: move it away";
	case -ENOSPC:
	case -EDQUOT:
		return "no room for the journal below /run/cryocore";
	case -ENOENT:
		return geteuid() == 0 ? "no place for the journal: make /run"
				      : "no place for the journal: set XDG_RUNTIME_DIR to a "
					"directory of yours";
	default:
		return strerror(-error);
	}
}

static int freeze(struct cryo_gather *gather)
{
	const struct cryocore_gather_options *options = gather->options;
	struct cryo_freeze_request request = {
		.select = selection_of(options),
		.spare = options->spare,
		.n_spare = options->n_spare,
		.outputs = &options->directory,
		.n_outputs = 1,
		.keep_frozen = options->keep_frozen,
		.cancel = gather->stop,
	};
	int r = cryo_freeze(&request, &gather->report);

	if (r < 0)
		return r;
	gather->frozen = &gather->report;
	count_frozen(gather);
	return 0;
}

int cryo_gather_freeze(struct cryo_gather *gather)
{
	int r;

	cryo_evidence_log(gather->evidence, 0, "freeze begins");
	if (!cryo_gather_enter(gather))
		return -ETIMEDOUT;
	r = freeze(gather);
	cryo_gather_leave(gather);
	if (r < 0) {
		cryo_gather_say(gather, CRYOCORE_ERROR, -r, "freezing: %s: nothing was stopped",
			explain(r));
		return r;
	}
	tell_freeze(gather);
	cryo_evidence_log(gather->evidence, 0, "freeze ends: %zu stopped, %zu not",
		gather->result->frozen, gather->result->not_frozen);
	return 0;
}

/* One that did not stop in time may have done so since, or still be about to. */
static bool was_asked(const struct cryo_subject *subject)
{
	return is_ours(subject) || (subject->fate == CRYO_FATE_FAILED && subject->sequence);
}

static size_t pids_to_thaw(const struct cryo_subjects *subjects, pid_t *pids)
{
	size_t count = 0;

	for (size_t i = 0; i < subjects->count; i++)
		if (was_asked(&subjects->array[i]))
			pids[count++] = subjects->array[i].row.pid;
	return count;
}

static int thaw_ours(struct cryo_gather *gather, struct cryo_thaw_report *report)
{
	const struct cryo_subjects *subjects = &gather->frozen->subjects;
	_cleanup_free_ pid_t *pids = malloc((subjects->count + 1) * sizeof(*pids));
	struct cryo_thaw_request request = {
		.pids = pids, .journal = gather->frozen->journal, .wait_ms = CRYO_GATHER_STALL_MS};

	if (!pids)
		return -ENOMEM;
	request.n_pids = pids_to_thaw(subjects, pids);
	return request.n_pids ? cryo_thaw(&request, report) : 0;
}

static void log_thaw(struct cryo_gather *gather, const struct cryo_thaw_subject *subject)
{
	static const char *const words[] = {
		[CRYO_THAW_DONE] = "given back",
		[CRYO_THAW_RUNNING] = "found running",
		[CRYO_THAW_GONE] = "found to have ended",
		[CRYO_THAW_FAILED] = "could not be given back",
	};

	log_at(gather, subject->pid, words[subject->fate], subject->at);
}

/* Whether something was given back, which is in the report then. */
static bool thaw(struct cryo_gather *gather, struct cryo_thaw_report *report)
{
	int r;

	if (!gather->frozen || gather->frozen->thawed || atomic_exchange(&gather->thaws, true))
		return false;
	gather->result->left_frozen = gather->result->frozen;
	if (gather->options->keep_frozen)
		return false;
	r = thaw_ours(gather, report);
	if (r < 0) {
		cryo_result_say(&gather->words, CRYOCORE_ERROR, -r,
			"thawing: %s: run 'cryocore thaw --all'", strerror(-r));
		return false;
	}
	gather->result->left_frozen = 0;
	for (size_t i = 0; i < report->count; i++)
		gather->result->left_frozen += report->subjects[i].fate == CRYO_THAW_FAILED;
	if (gather->result->left_frozen)
		cryo_result_say(&gather->words, CRYOCORE_ERROR, 0,
			"%zu processes could not be thawed: run 'cryocore thaw --all'",
			gather->result->left_frozen);
	if (report->journal_error)
		cryo_result_say(&gather->words, CRYOCORE_WARNING, report->journal_error,
			"thawed, but the journal could not be written or removed: %s",
			strerror(report->journal_error));
	return true;
}

void cryo_gather_thaw(struct cryo_gather *gather)
{
	_cleanup_thaw_report_ struct cryo_thaw_report report = {0};
	size_t failed;
	bool any;

	if (!cryo_gather_enter(gather))
		return;
	any = thaw(gather, &report);
	failed = gather->result->left_frozen;
	cryo_gather_leave(gather);
	for (size_t i = 0; i < report.count; i++)
		log_thaw(gather, &report.subjects[i]);
	if (any)
		cryo_evidence_log(gather->evidence, 0, "thawed: %zu of %zu",
			gather->result->frozen - failed, gather->result->frozen);
}

void cryo_gather_thaw_left(struct cryo_gather *gather)
{
	_cleanup_thaw_report_ struct cryo_thaw_report report = {0};

	thaw(gather, &report);
}
