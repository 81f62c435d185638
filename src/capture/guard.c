// SPDX-License-Identifier: MIT
/*
 * A thread that is blocked uses no processor time, however busy the machine is, and one that works
 * does. What tells one that is blocked from one that has no turn is its state: the latter is R.
 */
#include "capture/guard.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/procfs.h"
#include "proc/stat.h"

struct cryo_guard *cryo_guard_new(void)
{
	struct cryo_guard *guard = calloc(1, sizeof(*guard));

	if (!guard)
		return NULL;
	guard->thread = pthread_self();
	guard->tid = gettid();
	return guard;
}

static _Noreturn void park(void)
{
	for (;;)
		pause();
}

void cryo_guard_at(struct cryo_guard *guard, enum cryo_place place)
{
	uint32_t before = guard->place;

	if (before == CRYO_PLACE_GIVEN_UP ||
		!atomic_compare_exchange_strong(&guard->place, &before, place))
		park();
}

void cryo_guard_check(const struct cryo_guard *guard)
{
	if (guard->place == CRYO_PLACE_GIVEN_UP)
		park();
}

static uint64_t used_time(const struct cryo_guard *guard)
{
	clockid_t clock;

	return pthread_getcpuclockid(guard->thread, &clock) == 0 ? cryo_clock_ns(clock) : 0;
}

static bool waits_for_turn(pid_t tid)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_close_ int task = cryo_procfs_open_task(procfs, getpid(), tid);
	struct cryo_stat stat;

	return task >= 0 && cryo_stat_read(task, &stat) == 0 && stat.state == 'R';
}

enum cryo_place cryo_guard_give_up(struct cryo_guard *guard, uint64_t patience)
{
	uint64_t used = used_time(guard), now = cryo_now();
	uint32_t place = guard->place;

	if (!guard->since || used != guard->used || place == CRYO_PLACE_SAFE) {
		guard->used = used;
		guard->since = now;
		return CRYO_PLACE_SAFE;
	}
	if (place == CRYO_PLACE_GIVEN_UP || now - guard->since < patience ||
		waits_for_turn(guard->tid) ||
		!atomic_compare_exchange_strong(&guard->place, &place, CRYO_PLACE_GIVEN_UP))
		return CRYO_PLACE_SAFE;
	return (enum cryo_place)place;
}
