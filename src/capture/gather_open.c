// SPDX-License-Identifier: MIT
/*
 * All of it can be made again from the manifest, so a full disk that leaves no room for it is no
 * reason to end anything.
 */
#include "capture/gather_open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "evidence/open_with.h"

static const struct {
	const char *name;
	int (*make)(pid_t pid, bool has_exe, bool has_root, struct cryo_buffer *text);
} kinds[] = {
	{"gdbinit", cryo_open_with_gdb},
	{"lldbinit", cryo_open_with_lldb},
};

static bool has_exe(const struct cryo_dossier *dossier)
{
	for (size_t i = 0; i < dossier->n_records; i++)
		if (strcmp(dossier->records[i].name, "exe") == 0)
			return dossier->records[i].made;
	return false;
}

static bool has_root(const struct cryo_dossier *dossier)
{
	for (size_t i = 0; dossier->bundled && i < dossier->mapped->count; i++)
		if (dossier->bundled[i].n_roots)
			return true;
	return false;
}

static int make(struct cryo_gather *gather, struct cryo_dossier *dossier, size_t kind)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_record record = {.time = cryo_clock_ns(CLOCK_REALTIME)};
	char path[CRYO_SINK_PATH_MAX];
	int r = kinds[kind].make(dossier->pid, has_exe(dossier), has_root(dossier), &text);

	if (r < 0)
		return r;
	strcpy(record.name, kinds[kind].name);
	cryo_item_path(dossier->pid, record.name, path);
	r = cryo_open_with_store(gather->sink, path, &text, &record.sum);
	record.made = r == 0;
	record.error = -r;
	return cryo_evidence_add_item(gather->evidence, dossier, &record);
}

int cryo_gather_open_with(struct cryo_gather *gather, struct cryo_target *target)
{
	int r = 0;

	if (!target->dossier.core_record.made || gather->sink_error)
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && r == 0; i++)
		r = make(gather, &target->dossier, i);
	return r;
}

static size_t list(const struct cryo_gather *gather, struct cryo_open_with_row *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < gather->targets.count; i++) {
		const struct cryo_dossier *dossier = &gather->targets.array[i].dossier;

		if (dossier->core_record.made)
			rows[count++] =
				(struct cryo_open_with_row){dossier->pid, dossier->stat.comm};
	}
	return count;
}

int cryo_gather_readme(struct cryo_gather *gather)
{
	_cleanup_free_ struct cryo_open_with_row *rows =
		calloc(gather->targets.count + 1, sizeof(*rows));
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_deposit_sum sum;
	int r = rows ? cryo_open_with_readme(rows, list(gather, rows), &text) : -ENOMEM;

	/* everything else is written: what was set aside on a full disk may be used */
	cryo_sink_reserve(gather->sink, 0);
	if (r == 0 && cryo_open_with_store(gather->sink, "README", &text, &sum) == 0)
		r = cryo_evidence_add_file(gather->evidence, "README", &sum, 0, false);
	return r;
}
