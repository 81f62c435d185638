// SPDX-License-Identifier: MIT
/*
 * The public functions of freeze.h that freeze and thaw: options in, results out. A result owns
 * its strings, and its names are escaped here once, so that nobody who shows them has to think of
 * it.
 */
#include <cryocore/cryocore.h>
#include <cryocore/freeze.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/options.h"
#include "base/array.h"
#include "base/clock.h"
#include "freeze/enumerate.h"
#include "freeze/freeze.h"
#include "freeze/who.h"

enum {
	THAW_WAIT_MS = 5000
};

void cryocore_freeze_options_init(struct cryocore_freeze_options *options)
{
	*options = (struct cryocore_freeze_options){.size = sizeof(*options), .signal = SIGSTOP};
}

void cryocore_thaw_options_init(struct cryocore_thaw_options *options)
{
	*options = (struct cryocore_thaw_options){.size = sizeof(*options), .signal = SIGCONT};
}

static struct cryo_freeze_request make_request(const struct cryocore_freeze_options *options)
{
	return (struct cryo_freeze_request){
		.select = {options->all, options->pids, options->n_pids, options->trees,
			options->n_trees, options->cgroups, options->n_cgroups},
		.spare = options->spare,
		.n_spare = options->n_spare,
		.outputs = options->outputs,
		.n_outputs = options->n_outputs,
		.stop_signal = options->signal,
		.then_signal = options->then_signal,
		.method = (enum cryo_method)options->method,
		.thaw_after_s = options->thaw_after_s,
		.journal = options->journal,
		.dry_run = options->dry_run,
		.keep_frozen = options->keep_frozen,
		.timeout_ns = cryo_ns_of_ms(options->timeout_ms),
		.cancel = options->cancel,
	};
}

static const char *reason_of(const struct cryo_subject *subject)
{
	if (subject->fate == CRYO_FATE_SPARED)
		return cryo_spare_text(subject->spare);
	return subject->fate == CRYO_FATE_FAILED ? cryo_trouble_text(subject->trouble) : "";
}

static bool traces_somebody(const struct cryo_subjects *subjects, pid_t pid)
{
	for (size_t i = 0; i < subjects->count; i++)
		if (subjects->array[i].row.tracer == pid)
			return true;
	return false;
}

static int fill_process(
	const struct cryo_subjects *subjects, size_t index, struct cryocore_frozen *process)
{
	const struct cryo_subject *subject = &subjects->array[index];
	bool held = subject->fate == CRYO_FATE_STOPPED || subject->fate == CRYO_FATE_FAILED;
	char *comm, *hidden;
	int r = cryo_views_text(subject->hidden, &hidden);

	if (r < 0)
		return r;
	r = cryocore_escape(subject->row.comm, strlen(subject->row.comm), &comm);
	if (r < 0) {
		free(hidden);
		return r;
	}
	*process = (struct cryocore_frozen){
		.pid = subject->row.pid,
		.start_time = subject->row.start_time,
		.ppid = subject->row.ppid,
		.tracer = subject->row.tracer,
		.comm = comm,
		.fate = (enum cryocore_freeze_fate)subject->fate,
		.found = subject->found,
		.method = held ? (char)subject->engine : 0,
		.order = subject->sequence,
		.revived = subject->revived,
		.then_sent = subject->then_sent,
		.is_kernel = cryo_row_is_kthread(&subject->row),
		.session_leader = subject->row.session == subject->row.pid,
		.is_tracer = subject->fate == CRYO_FATE_FAILED &&
			     traces_somebody(subjects, subject->row.pid),
		.hidden = hidden,
		.reason = reason_of(subject),
		.error = subject->error,
	};
	return 0;
}

static void count_process(
	const struct cryocore_frozen *process, struct cryocore_freeze_result *result)
{
	size_t *const counts[] = {
		[CRYOCORE_FROZEN] = &result->n_frozen,
		[CRYOCORE_FROZEN_BEFORE] = &result->n_before,
		[CRYOCORE_SPARED] = &result->n_spared,
		[CRYOCORE_DEAD] = &result->n_dead,
		[CRYOCORE_GONE] = &result->n_gone,
		[CRYOCORE_NOT_FROZEN] = &result->n_failed,
	};

	++*counts[process->fate];
	result->n_revived += process->revived > 0;
	if (process->fate == CRYOCORE_FROZEN) {
		result->n_signal += process->method == CRYO_ENGINE_SIGNAL;
		result->n_cgroup += process->method != CRYO_ENGINE_SIGNAL;
	}
}

static int fill_processes(
	const struct cryo_freeze_report *report, struct cryocore_freeze_result *result)
{
	struct cryocore_frozen *processes = calloc(report->subjects.count + 1, sizeof(*processes));
	int r = processes ? 0 : -ENOMEM;

	result->processes = processes;
	for (size_t i = 0; i < report->subjects.count && r == 0; i++) {
		r = fill_process(&report->subjects, i, &processes[i]);
		if (r == 0) {
			result->n_processes++;
			count_process(&processes[i], result);
		}
	}
	return r;
}

static int make_result(
	struct cryo_freeze_report *report, struct cryocore_freeze_result **ret_result)
{
	struct cryocore_freeze_result *result = calloc(1, sizeof(*result));
	int r;

	if (!result)
		return -ENOMEM;
	result->quiet = report->quiet;
	result->cancelled = report->cancelled;
	result->thawed = report->thawed;
	result->added = report->added;
	result->passes = report->passes;
	result->chases = report->chases;
	result->guard = report->guard;
	result->journal = steal_ptr(report->journal);
	result->damaged = report->damaged;
	result->duration_ns = report->duration_ns;
	r = fill_processes(report, result);
	if (r < 0) {
		cryocore_freeze_result_free(result);
		return r;
	}
	*ret_result = result;
	return 0;
}

int cryocore_freeze(
	const struct cryocore_freeze_options *options, struct cryocore_freeze_result **ret_result)
{
	_cleanup_freeze_report_ struct cryo_freeze_report report = {0};
	struct cryocore_freeze_options complete;
	struct cryo_freeze_request request;
	int r;

	cryocore_freeze_options_init(&complete);
	if (!cryo_options_read(options, &complete, sizeof(complete)) ||
		complete.method > CRYOCORE_FREEZE_CGROUP)
		return -EINVAL;
	request = make_request(&complete);
	r = cryo_freeze(&request, &report);
	return r < 0 ? r : make_result(&report, ret_result);
}

void cryocore_freeze_result_free(struct cryocore_freeze_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->n_processes; i++) {
		free((char *)result->processes[i].comm);
		free((char *)result->processes[i].hidden);
	}
	free((struct cryocore_frozen *)result->processes);
	free((char *)result->journal);
	free(result);
}

int cryocore_count_processes(const char *who, size_t *ret_count)
{
	return cryo_who_count(who, ret_count);
}

static void count_thawed(const struct cryocore_thawed *process, struct cryocore_thaw_result *result)
{
	size_t *const counts[] = {
		[CRYOCORE_THAWED] = &result->n_thawed,
		[CRYOCORE_THAW_RUNNING] = &result->n_running,
		[CRYOCORE_THAW_GONE] = &result->n_gone,
		[CRYOCORE_NOT_THAWED] = &result->n_failed,
	};

	++*counts[process->fate];
}

static int fill_thawed(const struct cryo_thaw_report *report, struct cryocore_thaw_result *result)
{
	struct cryocore_thawed *processes = calloc(report->count + 1, sizeof(*processes));
	int r = processes ? 0 : -ENOMEM;

	result->processes = processes;
	for (size_t i = 0; i < report->count && r == 0; i++) {
		const struct cryo_thaw_subject *subject = &report->subjects[i];
		char *comm = NULL;

		r = cryocore_escape(subject->comm, strlen(subject->comm), &comm);
		processes[i] = (struct cryocore_thawed){subject->pid, subject->start_time, comm,
			(enum cryocore_thaw_fate)subject->fate, subject->error};
		result->n_processes++;
		count_thawed(&processes[i], result);
	}
	return r;
}

int cryocore_thaw(
	const struct cryocore_thaw_options *options, struct cryocore_thaw_result **ret_result)
{
	_cleanup_thaw_report_ struct cryo_thaw_report report = {0};
	struct cryocore_thaw_options complete;
	struct cryo_thaw_request request;
	struct cryocore_thaw_result *result;
	int r;

	cryocore_thaw_options_init(&complete);
	if (!cryo_options_read(options, &complete, sizeof(complete)))
		return -EINVAL;
	request = (struct cryo_thaw_request){
		complete.pids, complete.n_pids, complete.signal, complete.journal, THAW_WAIT_MS};
	r = cryo_thaw(&request, &report);
	if (r < 0)
		return r;
	result = calloc(1, sizeof(*result));
	if (!result)
		return -ENOMEM;
	result->nothing = report.nothing;
	result->stale = report.stale;
	result->n_left = report.left;
	result->damaged = report.damaged;
	result->journal_error = report.journal_error;
	result->journal = steal_ptr(report.journal);
	r = fill_thawed(&report, result);
	if (r < 0) {
		cryocore_thaw_result_free(result);
		return r;
	}
	*ret_result = result;
	return 0;
}

void cryocore_thaw_result_free(struct cryocore_thaw_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->n_processes; i++)
		free((char *)result->processes[i].comm);
	free((struct cryocore_thawed *)result->processes);
	free((char *)result->journal);
	free(result);
}

int cryocore_parse_signal(const char *text, int *ret_signal)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	char number[16];

	for (int signal_number = 1; signal_number < NSIG; signal_number++) {
		const char *known = sigabbrev_np(signal_number);

		snprintf(number, sizeof(number), "%d", signal_number);
		if ((known && strcasecmp(name, known) == 0) || strcmp(text, number) == 0) {
			*ret_signal = signal_number;
			return 0;
		}
	}
	return -EINVAL;
}
