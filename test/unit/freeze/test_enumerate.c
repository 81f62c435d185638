// SPDX-License-Identifier: MIT
/* Views of this very machine, and of one that lies. */
#include "freeze/enumerate.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "machine.h"
#include "proc/procfs.h"

static const struct cryo_sighting *find(
	const struct cryo_sighting *sightings, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (sightings[i].pid == pid)
			return &sightings[i];
	return NULL;
}

Test(enumerate, sees_us_in_every_view)
{
	_cleanup_close_ int public_proc = cryo_procfs_open("/proc");
	_cleanup_close_ int private_proc = cryo_procfs_open_private();
	_cleanup_free_ struct cryo_sighting *sightings = NULL;
	const struct cryo_sighting *self;
	size_t count;

	cr_assert_eq(cryo_enumerate(public_proc, private_proc, &sightings, &count), 0);
	self = find(sightings, count, getpid());
	cr_assert(self);
	cr_assert_eq(self->hidden, 0);
	cr_assert(self->seen & CRYO_VIEW_PIDFD && self->seen & CRYO_VIEW_SCHED &&
		  self->seen & CRYO_VIEW_OPEN && self->seen & CRYO_VIEW_LIBC);
	for (size_t i = 1; i < count; i++)
		cr_assert_lt(sightings[i - 1].pid, sightings[i].pid, "sorted, each once");
}

Test(enumerate, finds_who_is_left_out_of_proc)
{
	/* A procfs that shows nobody: everybody is hidden from it and seen by system calls. */
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_free_ struct cryo_sighting *sightings = NULL;
	const struct cryo_sighting *self;
	size_t count;

	cr_assert_eq(cryo_enumerate(machine.procfs, -1, &sightings, &count), 0);
	self = find(sightings, count, getpid());
	cr_assert(self);
	cr_assert_eq(self->hidden, CRYO_VIEW_LIBC | CRYO_VIEW_READDIR | CRYO_VIEW_OPEN);
}

Test(enumerate, puts_views_into_words)
{
	_cleanup_free_ char *none = NULL, *two = NULL;

	cr_assert_eq(cryo_views_text(0, &none), 0);
	cr_assert_str_eq(none, "");
	cr_assert_eq(cryo_views_text(CRYO_VIEW_LIBC | CRYO_VIEW_OPEN, &two), 0);
	cr_assert_str_eq(two, "readdir(3) of /proc, /proc/PID");
}
