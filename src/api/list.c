// SPDX-License-Identifier: MIT
/*
 * The list: what several views of the machine have together, with what a private procfs and the
 * journal say about each process.
 */
#include <cryocore/cryocore.h>
#include <cryocore/freeze.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "freeze/enumerate.h"
#include "freeze/freeze.h"
#include "proc/procfs.h"

/* What the rows are made from. */
struct sources {
	int public_proc, private_proc;
	struct cryo_journal_state journal;
	struct cryo_sighting *sightings;
	size_t count;
};

static void sources_clear(struct sources *sources)
{
	cryo_cleanup_close(&sources->public_proc);
	cryo_cleanup_close(&sources->private_proc);
	cryo_journal_state_clear(&sources->journal);
	free(sources->sightings);
}

/* The best procfs there is. */
static int best_procfs(const struct sources *sources)
{
	return sources->private_proc >= 0 ? sources->private_proc : sources->public_proc;
}

/* A journal that cannot be read leaves the rest of the list as good as it is. */
static int read_journal(struct sources *sources, const char *path)
{
	struct cryo_world world;
	int r = cryo_world_read(best_procfs(sources), &world);

	if (r == 0)
		r = cryo_journal_peek(path, &world, &sources->journal);
	return r == -ENOENT || r == -ESTALE ? 0 : -r;
}

static enum cryocore_list_hold hold_of(const struct sources *sources, const struct cryo_row *row)
{
	const struct cryo_journal_process *known =
		cryo_journal_find(&sources->journal, row->pid, row->start_time);
	enum cryo_rest rest = cryo_rest_of(best_procfs(sources), row->pid, row->start_time);

	if (known && !known->thawed && rest != CRYO_REST_RUNS && rest != CRYO_REST_DEAD)
		return CRYOCORE_HOLD_OURS;
	switch (rest) {
	case CRYO_REST_STOPPED:
		return CRYOCORE_HOLD_STOPPED;
	case CRYO_REST_TRACED:
		return CRYOCORE_HOLD_TRACER;
	case CRYO_REST_FROZEN:
		return CRYOCORE_HOLD_FREEZER;
	case CRYO_REST_DUMPED:
		return CRYOCORE_HOLD_DUMP;
	default:
		return CRYOCORE_HOLD_NONE;
	}
}

static int hex_text(const char *comm, const char **ret_text)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = 0;

	for (; *comm && r == 0; comm++)
		r = cryo_buffer_printf(&text, "%02x", (unsigned char)*comm);
	if (r < 0)
		return r;
	*ret_text = (char *)steal_ptr(text.data);
	return 0;
}

static int name_text(const char *comm, const char **ret_text)
{
	char *text;
	int r = cryocore_escape(comm, strlen(comm), &text);

	if (r == 0)
		*ret_text = text;
	return r;
}

static int fill_names(
	const struct sources *sources, const struct cryo_row *row, struct cryocore_listed *listed)
{
	struct cryo_row tracer = {0};
	int r;

	if (row->tracer)
		cryo_row_read(best_procfs(sources), row->tracer, &tracer);
	r = name_text(row->comm, &listed->comm);
	if (r == 0)
		r = name_text(tracer.comm, &listed->tracer_comm);
	if (r == 0 && strcmp(listed->comm, row->comm) != 0)
		r = hex_text(row->comm, &listed->comm_hex);
	return r;
}

static int fill_row(const struct sources *sources, const struct cryo_sighting *sighting,
	struct cryocore_listed *listed)
{
	struct cryo_row row = {.pid = sighting->pid, .state = '?', .uid = (uid_t)-1};
	char *hidden;
	int r;

	if (cryo_row_read(best_procfs(sources), sighting->pid, &row) == 0)
		cryo_row_complete(best_procfs(sources), &row);
	*listed = (struct cryocore_listed){
		.pid = row.pid,
		.ppid = row.ppid,
		.start_time = row.start_time,
		.state = row.state,
		.n_threads = row.n_threads,
		.uid = row.uid,
		.tracer = row.tracer,
		.hold = hold_of(sources, &row),
		.is_kernel = cryo_row_is_kthread(&row),
	};
	r = cryo_views_text(sighting->hidden, &hidden);
	listed->hidden = r < 0 ? NULL : hidden;
	return r < 0 ? r : fill_names(sources, &row, listed);
}

/* Hidden ones first. */
static int fill(const struct sources *sources, struct cryocore_list_result *result)
{
	struct cryocore_listed *rows = calloc(sources->count + 1, sizeof(*rows));
	int r = rows ? 0 : -ENOMEM;

	result->processes = rows;
	for (int hidden = 1; hidden >= 0; hidden--)
		for (size_t i = 0; i < sources->count && r == 0; i++) {
			const struct cryo_sighting *sighting = &sources->sightings[i];

			if ((sighting->hidden != 0) != hidden)
				continue;
			r = fill_row(sources, sighting, &rows[result->n_processes++]);
			result->n_hidden += (size_t)hidden;
		}
	return r;
}

static int gather(struct sources *sources, const char *journal, int *ret_journal_error)
{
	sources->private_proc = cryo_procfs_open_private();
	sources->public_proc = cryo_procfs_open("/proc");
	if (sources->public_proc < 0)
		return sources->public_proc;
	*ret_journal_error = read_journal(sources, journal);
	return cryo_enumerate(
		sources->public_proc, sources->private_proc, &sources->sightings, &sources->count);
}

int cryocore_list(const char *journal, struct cryocore_list_result **ret_result)
{
	_cleanup_(sources_clear) struct sources sources = {.public_proc = -1, .private_proc = -1};
	struct cryocore_list_result *result = calloc(1, sizeof(*result));
	int r = result ? gather(&sources, journal, &result->journal_error) : -ENOMEM;

	if (r == 0)
		r = fill(&sources, result);
	if (r < 0) {
		cryocore_list_result_free(result);
		return r;
	}
	*ret_result = result;
	return 0;
}

void cryocore_list_result_free(struct cryocore_list_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->n_processes; i++) {
		const struct cryocore_listed *listed = &result->processes[i];

		free((char *)listed->comm);
		free((char *)listed->comm_hex);
		free((char *)listed->tracer_comm);
		free((char *)listed->hidden);
	}
	free((struct cryocore_listed *)result->processes);
	free(result);
}
