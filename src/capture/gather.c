// SPDX-License-Identifier: MIT
/*
 * Order of volatility: memory and registers of all processes, with what the kernel says about each
 * right behind; then copies of files; and only when everything runs again the digests of what was
 * written.
 *
 * Each stage goes over all targets, several at a time. Captures are done (session.h), and items are
 * collected (evidence/worker.h), by processes for each thread: the threads here only wait for them
 * and for the disk.
 */
#include "capture/gather.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/capture.h"
#include "capture/gather_begin.h"
#include "capture/gather_bundle.h"
#include "capture/gather_close.h"
#include "capture/gather_crew.h"
#include "capture/gather_end.h"
#include "capture/gather_open.h"
#include "capture/gather_stacks.h"
#include "capture/gather_state.h"
#include "capture/gather_tar.h"
#include "capture/gather_time.h"
#include "capture/gather_watch.h"
#include "capture/result.h"
#include "proc/procfs.h"

/* ---- stages, each for one target ---- */

static void show_progress(struct cryo_gather *gather, const struct cryo_target *target)
{
	pthread_mutex_lock(&gather->callbacks);
	gather->progress.processes_done++;
	gather->progress.bytes_done += target->resident;
	gather->progress.elapsed_ns = cryo_now() - gather->begin;
	if (gather->options->on_progress && !gather->left)
		gather->options->on_progress(&gather->progress, gather->options->user);
	pthread_mutex_unlock(&gather->callbacks);
}

/* The plan of a core is a table as large as its mappings; nobody here wants it any more. */
static void drop_mappings(struct cryocore_result *result)
{
	for (size_t i = 0; i < result->n_mappings; i++)
		free((char *)result->mappings[i].name);
	free((void *)result->mappings);
	result->mappings = NULL;
	result->n_mappings = 0;
}

/* A capture says what the core is called while it is made, and here it is renamed: PREFIX.PID, with
 * the number for nothing, to PREFIX. */
static void rename_in_messages(struct cryocore_result *core, const char *prefix)
{
	char number[16];
	size_t length = strlen(prefix);
	size_t digits = (size_t)snprintf(number, sizeof(number), ".%d", core->pid);

	for (size_t i = 0; i < core->n_messages; i++) {
		char *at = (char *)core->messages[i].text;

		while ((at = strstr(at, prefix))) {
			at += length;
			if (strncmp(at, number, digits) == 0)
				memmove(at, at + digits, strlen(at + digits) + 1);
		}
	}
}

static void log_capture(struct cryo_gather *gather, const struct cryo_target *target)
{
	static const char *const outcomes[] = {"complete", "partial", "failed"};
	const struct cryocore_result *core = target->core;
	pid_t pid = target->dossier.pid;

	for (size_t i = 0; i < core->n_messages; i++)
		cryo_evidence_log(gather->evidence, pid, "%s", core->messages[i].text);
	cryo_evidence_log(gather->evidence, pid,
		"capture ends: %s, paused for %" PRIu64 " us, %" PRIu64 " bytes of memory",
		outcomes[core->outcome], core->pause_ns / 1000, core->data_bytes);
}

static int capture(struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands)
{
	const struct cryocore_gather_options *options = gather->options;
	struct cryo_dossier *dossier = &target->dossier;
	_cleanup_free_ char *prefix = NULL;
	char name[32];
	struct cryocore_options one = {.size = sizeof(one), .stream_fd = -1, .no_exe = true};
	int r;

	if (asprintf(&prefix, "%s/proc/%d/core", gather->directory, dossier->pid) < 0)
		return -ENOMEM;
	one.prefix = prefix;
	one.no_stop = target->no_stop || options->no_stop;
	one.require_registers = options->require_registers;
	one.no_syscall_restart = options->no_syscall_restart;
	one.snapshot = options->snapshot;
	one.max_pause_ms = options->max_pause_ms;
	one.timeout_ms = cryo_gather_capture_ms(gather);
	one.cancel = gather->stop;
	cryo_evidence_log(gather->evidence, dossier->pid, "capture begins");
	r = gather->tar ? cryo_gather_tar_core(gather, target, &one, &hands->session)
			: cryo_gather_capture(gather, target, &one, &hands->session);
	if (r < 0)
		return r;
	drop_mappings(target->core);
	rename_in_messages(target->core, prefix);
	dossier->core = target->core;
	target->is_captured = true;
	log_capture(gather, target);
	if (gather->tar)
		return cryo_gather_stacks_passed(gather, target, &hands->worker);
	snprintf(name, sizeof(name), "core.%d", dossier->pid);
	return cryo_evidence_add_core(gather->evidence, dossier, name);
}

/* There will be no core of it: say why. */
static void skip_core(struct cryo_target *target, int error)
{
	target->dossier.core_record = (struct cryo_record){
		.name = "core", .error = -error, .time = cryo_clock_ns(CLOCK_REALTIME)};
}

static bool is_full(const struct cryo_target *target)
{
	return target->dossier.core_record.error == ENOSPC ||
	       target->dossier.core_record.error == EDQUOT;
}

static int capture_core(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands)
{
	int r = cryo_evidence_core_directory(gather->evidence, target->dossier.pid);

	if (r < 0)
		return r;
	close(r);
	r = capture(gather, target, hands);
	target->has_core = target->dossier.core_record.made;
	if (r == 0 && is_full(target))
		r = -target->dossier.core_record.error;
	return r;
}

/* What a stage has left in memory goes into the stream, if there is one. */
static int ship(struct cryo_gather *gather, const struct cryo_target *target)
{
	return gather->tar ? cryo_gather_tar_ship(gather, target->dossier.pid) : 0;
}

static void stage_capture(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands)
{
	int r = cryo_gather_is_over(gather);

	if (r == 0)
		r = gather->sink_error;

	if (!cryo_evidence_is_current(gather->evidence, &target->dossier))
		target->dossier.gone = true;
	if (r == 0 && cryo_dossier_wants_core(&target->dossier) && !target->dossier.gone) {
		r = capture_core(gather, target, hands);
		cryo_gather_note_error(gather, r);
	} else if (cryo_dossier_wants_core(&target->dossier)) {
		skip_core(target, r ? r : -ESRCH);
	}
	if (r == 0)
		r = cryo_evidence_volatile(gather->evidence, &hands->worker, &target->dossier);
	if (r == 0)
		r = ship(gather, target);
	if (r != -ECANCELED && r != -ETIME)
		cryo_gather_note_error(gather, r);
	show_progress(gather, target);
}

static void stage_copy(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands)
{
	if (cryo_gather_is_over(gather) || gather->sink_error)
		return;
	cryo_gather_note_error(
		gather, cryo_evidence_copies(gather->evidence, &hands->worker, &target->dossier));
	cryo_gather_note_error(gather, ship(gather, target));
}

static void stage_names(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands)
{
	(void)hands;
	cryo_gather_bundle_names(gather, target);
}

static void stage_stacks(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands)
{
	if (cryo_gather_is_over(gather) || gather->sink_error)
		return;
	cryo_gather_note_error(gather, cryo_gather_stacks(gather, target, &hands->worker));
	cryo_gather_note_error(gather, ship(gather, target));
}

/*
 * All names come before the first stack: each is a link, which changes the ctime of the file that
 * the processes share, and what has been learned of a file is kept as long as that stays.
 */
static void make_stacks(struct cryo_gather *gather)
{
	cryo_crew_run(gather, stage_names);
	cryo_crew_run(gather, stage_stacks);
}

static void bundle(struct cryo_gather *gather)
{
	if (!cryo_gather_is_over(gather) && !gather->sink_error)
		cryo_gather_note_error(gather, cryo_gather_bundle(gather));
}

/* The core of a stream was hashed as it went by. */
static void stage_hash(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands)
{
	(void)hands;
	if (!gather->tar)
		cryo_gather_note_error(
			gather, cryo_evidence_hash_core(gather->evidence, &target->dossier));
}

/* ---- the whole ---- */

static void *look_around(void *user)
{
	const struct cryo_gather *gather = user;

	cryo_evidence_look_around(gather->evidence);
	return NULL;
}

/* Who holds what does not depend on who is wanted: both are found out at the same time. */
static int look(struct cryo_gather *gather)
{
	pthread_t thread;
	bool started = pthread_create(&thread, NULL, look_around, gather) == 0;
	int r = cryo_targets_find(
		gather->procfs, gather->options, &gather->named, gather->frozen, &gather->targets);

	if (started)
		pthread_join(thread, NULL);
	else
		look_around(gather);
	return r;
}

static int find_targets(struct cryo_gather *gather)
{
	int r = -ETIMEDOUT;

	if (cryo_gather_enter(gather)) {
		r = look(gather);
		cryo_gather_leave(gather);
	}

	if (r < 0)
		cryo_gather_say(gather, CRYOCORE_ERROR, -r, "the processes could not be listed: %s",
			strerror(-r));
	else if (gather->targets.count == 0)
		cryo_gather_say(
			gather, CRYOCORE_ERROR, ESRCH, "no process fits what was asked for");
	if (r < 0)
		return r;
	cryo_evidence_expect(gather->evidence, gather->targets.count);
	gather->progress.processes = gather->targets.count;
	for (size_t i = 0; i < gather->targets.count; i++)
		gather->progress.bytes_expected += gather->targets.array[i].resident;
	for (size_t i = 0; i < gather->targets.count && gather->targets.array[i].hidden; i++)
		cryo_evidence_log(gather->evidence, gather->targets.array[i].dossier.pid,
			"hidden from: %s", gather->targets.array[i].hidden);
	return 0;
}

/*
 * Nobody is to stand still for the digests; where nobody does, they are made while one process, for
 * which the others would have to wait, copies what is mapped.
 */
static int run(struct cryo_gather *gather)
{
	struct cryo_crew hash;
	int r = gather->options->freeze ? cryo_gather_freeze(gather) : 0;

	if (r == 0)
		r = find_targets(gather);
	if (r == 0) {
		cryo_crew_run(gather, stage_capture);
		cryo_crew_run(gather, stage_copy);
		if (!gather->frozen)
			cryo_crew_begin(gather, stage_hash, &hash);
		bundle(gather);
	}
	cryo_gather_thaw(gather);
	if (r == 0 && gather->frozen)
		cryo_crew_begin(gather, stage_hash, &hash);
	if (r == 0) {
		cryo_crew_end(&hash);
		make_stacks(gather);
	}
	if (gather->left)
		return r;
	cryo_gather_close_procfs(gather);
	cryo_crew_run(gather, cryo_gather_close);
	cryo_gather_note_error(gather, cryo_gather_readme(gather));
	return r;
}

static void *collect(void *user)
{
	struct cryo_gather *gather = user;

	if (cryo_gather_begin(gather) < 0)
		return NULL;
	gather->result->outcome = CRYOCORE_COMPLETE;
	run(gather);
	if (!gather->left)
		cryo_gather_end(gather);
	return NULL;
}

static void gather_free(struct cryo_gather *gather)
{
	cryo_targets_clear(&gather->targets);
	cryo_named_cgroups_clear(&gather->named);
	cryo_freeze_report_clear(&gather->report);
	cryo_sink_close(gather->sink);
	cryo_gather_tar_close(gather);
	if (gather->is_closing)
		pthread_join(gather->closer, NULL);
	else if (gather->procfs >= 0)
		close(gather->procfs);
	pthread_cond_destroy(&gather->closed);
	pthread_mutex_destroy(&gather->callbacks);
	free(gather->result);
	free(gather);
}

/* Whoever serves the file system that the stream goes to is spared like that of a directory. */
static int set_up(struct cryo_gather *gather)
{
	gather->options = &gather->own;
	gather->directory = gather->own.directory;
	gather->stop = gather->own.cancel;
	if (gather->own.tar_fd >= 0) {
		snprintf(gather->stream_path, sizeof(gather->stream_path), "/proc/self/fd/%d",
			gather->own.tar_fd);
		gather->own.directory = gather->stream_path;
	}
	if (gather->procfs < 0)
		return gather->procfs;
	gather->result = calloc(1, sizeof(*gather->result));
	if (!gather->result)
		return -ENOMEM;
	gather->result->outcome = CRYOCORE_FAILED;
	return cryo_named_cgroups_make(gather->procfs, gather->options, &gather->named);
}

int cryo_gather(const struct cryocore_gather_options *options, const struct cryo_policy *policy,
	cryo_stacks_maker *stacks, struct cryocore_gather_result **ret_result)
{
	struct cryo_gather *gather = malloc(sizeof(*gather));
	int r;

	if (!gather)
		return -ENOMEM;
	*gather = (struct cryo_gather){.own = *options,
		.policy = policy,
		.stacks = stacks,
		.spool = -1,
		.procfs = cryo_procfs_open_best(),
		.callbacks = PTHREAD_MUTEX_INITIALIZER,
		.closed = PTHREAD_COND_INITIALIZER,
		.begin = cryo_now()};
	r = set_up(gather);
	if (r < 0) {
		gather_free(gather);
		return r;
	}
	if (!cryo_outputs_may_be_served(gather->own.directory))
		collect(gather);
	else if (!cryo_gather_watch(gather, collect))
		cryo_gather_abandon(gather);
	cryo_gather_hand_over(gather);
	*ret_result = steal_ptr(gather->result);
	if (!gather->left)
		gather_free(gather);
	return 0;
}

void cryo_gather_result_free(struct cryocore_gather_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->n_messages; i++)
		free((char *)result->messages[i].text);
	free((void *)result->messages);
	free(result);
}
