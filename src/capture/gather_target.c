// SPDX-License-Identifier: MIT
/*
 * Who is there is asked in several ways (freeze/enumerate.h), so that a process which hides from
 * one of them is seen, and captured first: who hides may also notice us.
 */
#include "capture/gather_target.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "capture/result.h"
#include "freeze/census.h"
#include "freeze/enumerate.h"
#include "proc/procfs.h"
#include "proc/status.h"

struct finder {
	int procfs;
	const struct cryocore_gather_options *options;
	const struct cryo_freeze_report *report;
	struct cryo_census census;
	struct cryo_outputs outputs;
	struct cryo_roster_request roster_request;
	struct cryo_roster roster;
	pid_t own_tracer;
	struct cryo_targets targets;
	const struct cryo_named_cgroups *named;
};

static void finder_clear(struct finder *finder)
{
	cryo_census_clear(&finder->census);
	cryo_roster_clear(&finder->roster);
	cryo_outputs_clear(&finder->outputs);
	cryo_targets_clear(&finder->targets);
}

void cryo_targets_clear(struct cryo_targets *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		cryo_dossier_clear(&targets->array[i].dossier);
		cryo_result_free(targets->array[i].core);
		cryo_core_keep_clear(&targets->array[i].keep);
		free(targets->array[i].hidden);
	}
	free(targets->array);
	*targets = (struct cryo_targets){0};
}

/* ---- selection ---- */

static bool is_in_list(pid_t pid, const pid_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == pid)
			return true;
	return false;
}

/* Whether it or an ancestor of it is the root of a tree. A loop of parents cannot hold us. */
static bool is_in_tree(const struct finder *finder, const struct cryo_row *row)
{
	const struct cryocore_gather_options *options = finder->options;
	size_t steps = finder->census.count + 1;

	for (; row && steps; steps--, row = cryo_census_find(&finder->census, row->ppid))
		if (is_in_list(row->pid, options->trees, options->n_trees))
			return true;
	return false;
}

static const struct cryo_subject *subject_of(
	const struct finder *finder, const struct cryo_row *row)
{
	if (!finder->report)
		return NULL;
	return cryo_subjects_find(&finder->report->subjects, row->pid, row->start_time);
}

static bool is_selected(const struct finder *finder, const struct cryo_row *row)
{
	const struct cryocore_gather_options *options = finder->options;
	const struct cryo_subject *subject = subject_of(finder, row);

	if (!options->n_pids && !options->n_trees && !options->n_cgroups)
		return options->all;
	return (subject && subject->fate == CRYO_FATE_STOPPED) ||
	       is_in_list(row->pid, options->pids, options->n_pids) || is_in_tree(finder, row) ||
	       cryo_cgroup_names_cover(finder->procfs, &finder->named->chosen, row->pid);
}

/* ---- targets ---- */

/* "open of /proc/PID, readdir of /proc": the views that lack it. NULL if there are none. */
static char *hidden_text(unsigned int hidden)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};

	for (unsigned int i = 0; i < CRYO_VIEW_COUNT; i++)
		if (hidden & 1U << i && cryo_buffer_printf(&text, "%s%s", text.size ? ", " : "",
						cryo_view_text(1U << i)) < 0)
			return NULL;
	return (char *)steal_ptr(text.data);
}

/*
 * We must not stop who traces us or those whom we need, who serves our output, or whom the user
 * spares; nor who carries the stream into which its core goes.
 */
static bool must_not_stop(enum cryo_spare spare, const struct finder *finder, pid_t pid)
{
	bool carries = spare == CRYO_SPARE_STDIO || spare == CRYO_SPARE_NETWORK ||
		       (spare == CRYO_SPARE_ANCESTOR && finder->options->tar_fd >= 0 &&
			       cryo_roster_is_carrier(finder->procfs, &finder->roster, pid));

	return spare == CRYO_SPARE_USER || spare == CRYO_SPARE_OUTPUT ||
	       spare == CRYO_SPARE_TRACER || pid == finder->own_tracer ||
	       (carries && finder->options->tar_fd >= 0);
}

/* 0, also if it is gone, or -errno. */
static int read_stat(const struct finder *finder, struct cryo_target *target)
{
	struct cryo_dossier *dossier = &target->dossier;
	struct cryo_stat stat;
	_cleanup_close_ int dir =
		cryo_identity_find(finder->procfs, dossier->pid, dossier->start_time, &stat);

	dossier->gone = dir < 0;
	if (dossier->gone)
		return cryo_procfs_is_short(dir) ? dir : 0;
	dossier->stat = stat;
	if (dossier->stat.rss > 0)
		target->resident = (uint64_t)dossier->stat.rss * (uint64_t)getpagesize();
	return 0;
}

static int add_target(struct finder *finder, const struct cryo_row *row, enum cryo_spare spare,
	unsigned int hidden)
{
	struct cryo_target *target = cryo_array_add(finder->targets.array, finder->targets.count);
	const struct cryo_subject *subject = subject_of(finder, row);

	if (!target)
		return -ENOMEM;
	*target = (struct cryo_target){
		.dossier = {.pid = row->pid, .start_time = row->start_time},
		.no_stop = must_not_stop(spare, finder, row->pid),
		.hidden = hidden_text(hidden),
		.keep = CRYO_CORE_KEEP_NONE,
	};
	target->dossier.hidden = target->hidden;
	target->dossier.frozen = subject && cryo_subject_is_evidence(subject);
	return read_stat(finder, target);
}

static int consider(struct finder *finder, const struct cryo_sighting *sighting)
{
	const struct cryo_row *known = cryo_census_find(&finder->census, sighting->pid);
	struct cryo_row row = {.pid = sighting->pid};
	enum cryo_spare spare;
	int r = 0;

	if (known)
		row = *known;
	else
		r = cryo_row_read(finder->procfs, sighting->pid, &row);
	if (cryo_procfs_is_short(r))
		return r;
	spare = cryo_roster_judge(finder->procfs, &finder->roster, &row);
	if (spare == CRYO_SPARE_SELF || spare == CRYO_SPARE_GUARD || !is_selected(finder, &row))
		return 0;
	return add_target(finder, &row, spare, sighting->hidden);
}

static int compare_targets(const void *a, const void *b)
{
	const struct cryo_target *left = a, *right = b;

	if (!left->hidden != !right->hidden)
		return left->hidden ? -1 : 1;
	return (left->dossier.pid > right->dossier.pid) - (left->dossier.pid < right->dossier.pid);
}

/* Who is there, asked by a thread. */
struct search {
	int procfs, result;
	struct cryo_sighting *sightings;
	size_t count;
};

static void *enumerate(void *user)
{
	struct search *search = user;
	_cleanup_close_ int public_proc = cryo_procfs_open("/proc");

	search->result = cryo_enumerate(public_proc >= 0 ? public_proc : search->procfs,
		search->procfs, &search->sightings, &search->count);
	return NULL;
}

static bool needs_enumeration(const struct finder *finder)
{
	const struct cryocore_gather_options *options = finder->options;

	return finder->report || options->n_trees || options->n_cgroups || !options->n_pids;
}

/* A process that was named twice is one target. */
static void sort_targets(struct cryo_targets *targets)
{
	size_t kept = 0;

	if (targets->count)
		qsort(targets->array, targets->count, sizeof(*targets->array), compare_targets);
	for (size_t i = 0; i < targets->count; i++)
		if (kept && targets->array[i].dossier.pid == targets->array[kept - 1].dossier.pid)
			free(targets->array[i].hidden);
		else
			targets->array[kept++] = targets->array[i];
	targets->count = kept;
}

static int make_roster(struct finder *finder)
{
	const struct cryocore_gather_options *options = finder->options;
	int r = cryo_census_take(finder->procfs, &finder->census);

	if (r == 0)
		r = cryo_outputs_add(
			finder->procfs, options->directory, CRYO_SPARE_OUTPUT, &finder->outputs);
	finder->roster_request = (struct cryo_roster_request){
		.self = getpid(),
		.guard = finder->report ? finder->report->guard : 0,
		.spare = options->spare,
		.n_spare = options->n_spare,
		.spare_cgroups = &finder->named->spared,
		.outputs = &finder->outputs,
	};
	if (r == 0)
		r = cryo_roster_make(
			finder->procfs, &finder->census, &finder->roster_request, &finder->roster);
	return r;
}

static pid_t tracer_of_ourselves(int procfs)
{
	struct cryo_row self = {.pid = getpid()};

	cryo_row_complete(procfs, &self);
	return self.tracer;
}

/* When every process is named there is nobody to look for. */
static int consider_named(struct finder *finder)
{
	int r = make_roster(finder);

	for (size_t i = 0; r == 0 && i < finder->options->n_pids; i++) {
		struct cryo_sighting sighting = {.pid = finder->options->pids[i]};

		r = consider(finder, &sighting);
	}
	return r;
}

/* Who is there, and who is to be spared, are found out at the same time. */
static int consider_all(struct finder *finder)
{
	struct search search = {.procfs = finder->procfs};
	pthread_t thread;
	bool started = pthread_create(&thread, NULL, enumerate, &search) == 0;
	int r = make_roster(finder);

	if (started)
		pthread_join(thread, NULL);
	else
		enumerate(&search);
	if (r == 0)
		r = search.result;
	for (size_t i = 0; r == 0 && i < search.count; i++)
		r = consider(finder, &search.sightings[i]);
	free(search.sightings);
	return r;
}

int cryo_named_cgroups_make(int procfs, const struct cryocore_gather_options *options,
	struct cryo_named_cgroups *ret_named)
{
	int r = cryo_cgroup_names_make(
		procfs, options->cgroups, options->n_cgroups, &ret_named->chosen);

	return r < 0 ? r
		     : cryo_cgroup_names_make(
			       procfs, options->spare, options->n_spare, &ret_named->spared);
}

void cryo_named_cgroups_clear(struct cryo_named_cgroups *named)
{
	cryo_cgroup_names_clear(&named->chosen);
	cryo_cgroup_names_clear(&named->spared);
}

int cryo_targets_find(int procfs, const struct cryocore_gather_options *options,
	const struct cryo_named_cgroups *named, const struct cryo_freeze_report *report,
	struct cryo_targets *ret_targets)
{
	_cleanup_(finder_clear) struct finder finder = {
		.procfs = procfs,
		.options = options,
		.named = named,
		.report = report,
		.own_tracer = tracer_of_ourselves(procfs),
	};
	int r = needs_enumeration(&finder) ? consider_all(&finder) : consider_named(&finder);
	if (r < 0)
		return r;
	sort_targets(&finder.targets);
	*ret_targets = finder.targets;
	finder.targets = (struct cryo_targets){0};
	return 0;
}
