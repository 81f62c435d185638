// SPDX-License-Identifier: MIT
/*
 * Theory: a tree is defined by parents, and a parent that ends hands its children to somebody
 * else. So who belonged to the selection once belongs to it, and so does a process that began
 * since and shares the process group of one that did; a cgroup has no such hole.
 */
#include <errno.h>
#include <string.h>

#include "freeze/freezer.h"

static bool is_named(const struct cryo_freezer *freezer, const struct cryo_row *row)
{
	const struct cryo_selection *select = &freezer->request->select;

	for (size_t i = 0; i < select->n_pids; i++)
		if (select->pids[i] == row->pid)
			return true;
	for (size_t i = 0; i < select->n_trees; i++)
		if (select->trees[i] == row->pid)
			return true;
	return cryo_cgroup_names_cover(freezer->procfs, &freezer->chosen, row->pid);
}

static bool is_in_group_of_subject(const struct cryo_freezer *freezer, const struct cryo_row *row)
{
	if (row->start_time < freezer->begin_ticks)
		return false;
	for (size_t i = 0; i < freezer->subjects.count; i++)
		if (freezer->subjects.array[i].row.pgrp == row->pgrp &&
			freezer->subjects.array[i].fate == CRYO_FATE_GONE)
			return true;
	return false;
}

static bool is_root(const struct cryo_selection *select, const struct cryo_row *row)
{
	for (size_t i = 0; i < select->n_trees; i++)
		if (select->trees[i] == row->pid)
			return true;
	return false;
}

/* Spread the trees: whoever has a parent in one is in it. */
static void grow_trees(
	const struct cryo_freezer *freezer, const struct cryo_census *census, bool *in_tree)
{
	bool grown = true;

	while (grown) {
		grown = false;
		for (size_t i = 0; i < census->count; i++) {
			const struct cryo_row *parent =
				cryo_census_find(census, census->rows[i].ppid);

			if (in_tree[i] || !parent || !in_tree[parent - census->rows])
				continue;
			in_tree[i] = grown = true;
		}
	}
	for (size_t i = 0; i < census->count; i++)
		in_tree[i] = in_tree[i] || is_in_group_of_subject(freezer, &census->rows[i]);
}

static int select_trees(
	const struct cryo_freezer *freezer, const struct cryo_census *census, bool *selected)
{
	const struct cryo_selection *select = &freezer->request->select;
	_cleanup_free_ bool *in_tree = calloc(census->count + 1, sizeof(bool));

	if (!in_tree)
		return -ENOMEM;
	for (size_t i = 0; i < census->count; i++) {
		const struct cryo_row *row = &census->rows[i];

		in_tree[i] = is_root(select, row) || (selected[i] && !is_named(freezer, row));
	}
	grow_trees(freezer, census, in_tree);
	for (size_t i = 0; i < census->count; i++)
		selected[i] = selected[i] || in_tree[i];
	return 0;
}

int cryo_freezer_select(
	const struct cryo_freezer *freezer, const struct cryo_census *census, bool **ret_selected)
{
	const struct cryo_selection *select = &freezer->request->select;
	_cleanup_free_ bool *selected = calloc(census->count + 1, sizeof(bool));
	int r = 0;

	if (!selected)
		return -ENOMEM;
	for (size_t i = 0; i < census->count; i++) {
		const struct cryo_row *row = &census->rows[i];

		selected[i] = select->all ||
			      cryo_subjects_find(&freezer->subjects, row->pid, row->start_time) ||
			      is_named(freezer, row);
	}
	if (select->n_trees)
		r = select_trees(freezer, census, selected);
	if (r < 0)
		return r;
	*ret_selected = steal_ptr(selected);
	return 0;
}
