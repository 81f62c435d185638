// SPDX-License-Identifier: MIT
/*
 * The subjects lie in one sorted array: looked up for every process in every pass, added to in
 * batches.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/number.h"
#include "freeze/freezer.h"
#include "proc/procfs.h"

static const char *const troubles[CRYO_TROUBLE_COUNT] = {
	[CRYO_TROUBLE_NONE] = "no trouble",
	[CRYO_TROUBLE_BLOCKED] = "blocked in the kernel (D): it stops when it leaves",
	[CRYO_TROUBLE_TRACED] = "its tracer, which runs, decides when it stops",
	[CRYO_TROUBLE_REVIVED] = "another process continues it again and again",
	[CRYO_TROUBLE_REFUSED] = "the system refused",
	[CRYO_TROUBLE_RUNNING] = "it did not stop in time",
	[CRYO_TROUBLE_IGNORED] = "it ignores or handles the signal",
	[CRYO_TROUBLE_HIDDEN] = "hidden from procfs: it cannot be identified",
};

const char *cryo_trouble_text(enum cryo_trouble trouble)
{
	return trouble < CRYO_TROUBLE_COUNT ? troubles[trouble] : troubles[CRYO_TROUBLE_NONE];
}

static int compare(const struct cryo_subject *subject, pid_t pid, uint64_t start_time)
{
	if (subject->row.pid != pid)
		return subject->row.pid < pid ? -1 : 1;
	return (subject->row.start_time > start_time) - (subject->row.start_time < start_time);
}

static int compare_subjects(const void *a, const void *b)
{
	const struct cryo_subject *right = b;

	return compare(a, right->row.pid, right->row.start_time);
}

void cryo_subjects_sort(struct cryo_subjects *subjects)
{
	if (subjects->count)
		qsort(subjects->array, subjects->count, sizeof(*subjects->array), compare_subjects);
}

/* The place of the first that is not before these two. */
static size_t place_of(const struct cryo_subjects *subjects, pid_t pid, uint64_t start_time)
{
	size_t low = 0, high = subjects->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&subjects->array[middle], pid, start_time) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct cryo_subject *cryo_subjects_find(
	const struct cryo_subjects *subjects, pid_t pid, uint64_t start_time)
{
	size_t place = place_of(subjects, pid, start_time);

	if (place < subjects->count && compare(&subjects->array[place], pid, start_time) == 0)
		return &subjects->array[place];
	return NULL;
}

struct cryo_subject *cryo_subjects_find_living(const struct cryo_subjects *subjects, pid_t pid)
{
	for (size_t i = place_of(subjects, pid, 0);
		i < subjects->count && subjects->array[i].row.pid == pid; i++)
		if (subjects->array[i].fate != CRYO_FATE_GONE)
			return &subjects->array[i];
	return NULL;
}

void cryo_subjects_clear(struct cryo_subjects *subjects)
{
	for (size_t i = 0; i < subjects->count; i++)
		free(subjects->array[i].cgroup);
	free(subjects->array);
	*subjects = (struct cryo_subjects){0};
}

bool cryo_subject_is_evidence(const struct cryo_subject *subject)
{
	return subject->fate == CRYO_FATE_STOPPED || subject->fate == CRYO_FATE_BEFORE;
}

void cryo_freeze_report_clear(struct cryo_freeze_report *report)
{
	cryo_subjects_clear(&report->subjects);
	free(report->journal);
	*report = (struct cryo_freeze_report){0};
}

bool cryo_freezer_is_cancelled(const struct cryo_freezer *freezer)
{
	return freezer->request->cancel && *freezer->request->cancel;
}
