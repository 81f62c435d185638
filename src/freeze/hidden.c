// SPDX-License-Identifier: MIT
/*
 * Theory: a mount over /proc/PID or a preloaded library does not hide from a freeze, which looks
 * through a procfs of its own and by system call; but that somebody hides is worth more than any
 * other fact about him. So when all stands still, the views are compared. What no procfs shows can
 * be neither identified nor given back, and is reported only.
 */
#include <errno.h>

#include "base/array.h"
#include "freeze/enumerate.h"
#include "freeze/freezer.h"
#include "proc/procfs.h"

static int add_unseen(struct cryo_freezer *freezer, const struct cryo_sighting *sighting)
{
	struct cryo_subjects *subjects = &freezer->subjects;
	struct cryo_subject *added = cryo_array_add(subjects->array, subjects->count);

	if (!added)
		return -ENOMEM;
	*added = (struct cryo_subject){
		.row = {.pid = sighting->pid, .state = '?'},
		.fate = CRYO_FATE_FAILED,
		.trouble = CRYO_TROUBLE_HIDDEN,
		.found = CRYO_REST_RUNS,
		.hidden = sighting->hidden,
	};
	cryo_subjects_sort(subjects);
	return 0;
}

static int note_sighting(struct cryo_freezer *freezer, const struct cryo_sighting *sighting)
{
	struct cryo_subject *subject;
	struct cryo_row row;

	if (cryo_row_read(freezer->procfs, sighting->pid, &row) < 0)
		return add_unseen(freezer, sighting);
	subject = cryo_subjects_find(&freezer->subjects, row.pid, row.start_time);
	if (subject)
		subject->hidden = sighting->hidden;
	return 0;
}

int cryo_freezer_find_hidden(struct cryo_freezer *freezer)
{
	_cleanup_close_ int public_proc = cryo_procfs_open("/proc");
	_cleanup_free_ struct cryo_sighting *sightings = NULL;
	size_t count = 0;
	int r = public_proc;

	if (r >= 0)
		r = cryo_enumerate(public_proc, freezer->is_private ? freezer->procfs : -1,
			&sightings, &count);
	for (size_t i = 0; i < count && r == 0; i++)
		if (sightings[i].hidden)
			r = note_sighting(freezer, &sightings[i]);
	return r;
}
