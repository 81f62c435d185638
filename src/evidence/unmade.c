// SPDX-License-Identifier: MIT
/*
 * A collection that ends before its time (a full disk, an interrupt, no time left) must not look
 * like one of processes that had no more.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "evidence/evidence.h"
#include "evidence/item.h"

static bool has_record(const struct cryo_dossier *dossier, const char *name)
{
	for (size_t i = 0; i < dossier->n_records; i++)
		if (strcmp(dossier->records[i].name, name) == 0)
			return true;
	return false;
}

static bool is_expected(
	const struct cryo_dossier *dossier, const struct cryo_item *item, bool with_stacks)
{
	if (item->stage == CRYO_ITEM_STACKS)
		return with_stacks && dossier->core_record.made;
	return item->of_kernel_thread || !cryo_dossier_is_kernel_thread(dossier);
}

static int add(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, const char *name, int error)
{
	struct cryo_record record = {.error = -error, .time = cryo_clock_ns(CLOCK_REALTIME)};

	if (has_record(dossier, name))
		return 0;
	strcpy(record.name, name);
	dossier->n_unmade++;
	return cryo_evidence_add_item(evidence, dossier, &record);
}

int cryo_evidence_unmade(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, bool with_stacks, int error)
{
	int r = 0;

	if (error == 0 || dossier->gone)
		return 0;
	for (size_t i = 0; i < cryo_items_count && r == 0; i++)
		if (is_expected(dossier, &cryo_items[i], with_stacks))
			r = add(evidence, dossier, cryo_items[i].name, error);
	if (r == 0 && !cryo_dossier_is_kernel_thread(dossier))
		r = add(evidence, dossier, "exe", error);
	return r;
}
