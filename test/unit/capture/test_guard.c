// SPDX-License-Identifier: MIT
/* Threads that are stuck, that work, and that go on after they were given up. */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/guard.h"

/* Short, since nothing but the order of events depends on it. */
#define PATIENCE (20 * CRYO_NSEC_PER_MSEC)

struct setting {
	enum cryo_place place;
	bool works;
	int ends[2];
	_Atomic(struct cryo_guard *) guard;
	_Atomic bool passed;
};

static void *act(void *argument)
{
	struct setting *setting = argument;
	struct cryo_guard *guard = cryo_guard_new();
	char byte;

	cryo_guard_at(guard, setting->place);
	setting->guard = guard;
	while (setting->works)
		;
	if (read(setting->ends[0], &byte, 1) == 1)
		cryo_guard_at(guard, CRYO_PLACE_SAFE);
	setting->passed = true;
	return NULL;
}

static struct cryo_guard *begin(struct setting *setting)
{
	pthread_t thread;

	cr_assert_eq(pipe(setting->ends), 0);
	cr_assert_eq(pthread_create(&thread, NULL, act, setting), 0);
	pthread_detach(thread);
	while (!setting->guard)
		usleep(100);
	return setting->guard;
}

static enum cryo_place look(struct cryo_guard *guard, int times)
{
	enum cryo_place place = CRYO_PLACE_SAFE;

	for (int i = 0; i < times && place == CRYO_PLACE_SAFE; i++) {
		place = cryo_guard_give_up(guard, PATIENCE);
		usleep(1000);
	}
	return place;
}

Test(guard, who_is_stuck_is_given_up, .timeout = 30)
{
	static struct setting setting = {.place = CRYO_PLACE_READ};
	struct cryo_guard *guard = begin(&setting);

	cr_assert_eq(look(guard, 10000), CRYO_PLACE_READ);
	cr_assert_eq(look(guard, 100), CRYO_PLACE_SAFE, "only once");
	cr_assert_eq(write(setting.ends[1], "", 1), 1);
	for (int i = 0; i < 100; i++)
		usleep(1000);
	cr_assert_not(setting.passed, "it goes on no more");
}

Test(guard, who_is_safe_is_not_given_up, .timeout = 30)
{
	static struct setting setting = {.place = CRYO_PLACE_SAFE};
	struct cryo_guard *guard = begin(&setting);

	cr_assert_eq(look(guard, 100), CRYO_PLACE_SAFE);
	cr_assert_eq(write(setting.ends[1], "", 1), 1);
	while (!setting.passed)
		usleep(1000);
}

Test(guard, who_works_is_not_given_up, .timeout = 30)
{
	static struct setting setting = {.place = CRYO_PLACE_READ, .works = true};
	struct cryo_guard *guard = begin(&setting);

	cr_assert_eq(look(guard, 200), CRYO_PLACE_SAFE);
}
