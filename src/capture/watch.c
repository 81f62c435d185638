// SPDX-License-Identifier: MIT
/*
 * Taking over costs a thread that sleeps meanwhile, instead of two changes of threads for
 * everything that could block: those would be half of the pause of a small process.
 */
#include "capture/watch.h"

#include <errno.h>
#include <unistd.h>

#include "base/array.h"

enum {
	LOOK_USEC = 50000,
	STACK_SIZE = 1 << 20
};

/* Of whoever looks at the work, or changes it where nobody is to look. A reader is a process of its
 * own: there is one in it. */
static pthread_mutex_t looking = PTHREAD_MUTEX_INITIALIZER;

struct watch {
	struct cryo_work *work;
	void (*go_on)(struct cryo_work *work);
};

/* What need not be asked for again. */
static void note(struct cryo_work *work, enum cryo_place place)
{
	struct cryo_inspector *inspector = &work->inspector;
	int *const errors[] = {
		[CRYO_PLACE_EXE] = &inspector->exe_error,
		[CRYO_PLACE_EARLY] = &inspector->early_error,
		[CRYO_PLACE_SITE] = NULL, /* there is no snapshot then */
		[CRYO_PLACE_LIST] = &inspector->memory_error,
		[CRYO_PLACE_TEXT] = &inspector->text_error,
		[CRYO_PLACE_FILES] = &inspector->files_error,
		[CRYO_PLACE_ARGUMENTS] = &inspector->arguments_error,
		[CRYO_PLACE_LAYOUT] = &inspector->memory_error,
		[CRYO_PLACE_ALIVE] = NULL, /* not asked where anybody was given up */
	};

	inspector->n_given_up++;
	if (place == CRYO_PLACE_EARLY || place == CRYO_PLACE_LIST || place == CRYO_PLACE_FILES)
		cryo_early_leave(&inspector->early);
	if (place >= ARRAY_SIZE(errors))
		cryo_copy_replace(work->copy);
	else if (errors[place])
		*errors[place] = -ETIMEDOUT;
}

static enum cryo_place look(struct cryo_work *work)
{
	enum cryo_place place;

	pthread_mutex_lock(&looking);
	place = cryo_guard_give_up(work->guard, cryo_inspector_patience(&work->inspector));
	pthread_mutex_unlock(&looking);
	return place;
}

static void *run(void *argument)
{
	struct watch *watch = argument;
	struct cryo_work *work = watch->work;
	enum cryo_place place;

	do {
		usleep(LOOK_USEC);
		place = look(work);
	} while (place == CRYO_PLACE_SAFE);
	work->guard = work->inspector.guard = cryo_guard_new();
	if (!work->guard || cryo_watch_start(work, watch->go_on) < 0)
		_exit(1); /* the supervisor says that nothing more can be said */
	note(work, place);
	watch->go_on(work);
	return NULL;
}

int cryo_watch_start(struct cryo_work *work, void (*go_on)(struct cryo_work *work))
{
	struct watch *watch = malloc(sizeof(*watch));
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	if (!watch)
		return -ENOMEM;
	*watch = (struct watch){work, go_on};
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attributes, run, watch);
	pthread_attr_destroy(&attributes);
	if (error)
		free(watch);
	return -error;
}

void cryo_watch_pause(void)
{
	pthread_mutex_lock(&looking);
}

void cryo_watch_resume(void)
{
	pthread_mutex_unlock(&looking);
}
