// SPDX-License-Identifier: MIT
/*
 * Where a thread of the reader may be given up: it says so beforehand, wherever what it does may
 * block for ever. Others look whether it has got stuck there, and go on without it. One that was
 * given up touches nothing any more, should what it waited for come after all: it keeps its guard
 * at hand meanwhile, since where it found it there is that of whoever goes on in its place.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a thread is at. */
enum cryo_place {
	CRYO_PLACE_SAFE,      /* nothing that could block for ever, or nothing that could be left */
	CRYO_PLACE_EXE,       /* the executable */
	CRYO_PLACE_EARLY,     /* the list of mappings, before the stop */
	CRYO_PLACE_SITE,      /* the files in which code for a snapshot is looked for */
	CRYO_PLACE_LIST,      /* the list of mappings */
	CRYO_PLACE_TEXT,      /* the same without the lock of the address space */
	CRYO_PLACE_FILES,     /* what the mapped files are */
	CRYO_PLACE_ARGUMENTS, /* the arguments, in memory */
	CRYO_PLACE_LAYOUT,    /* the page tables, before anything is written */
	CRYO_PLACE_ALIVE,     /* whether the memory is still there, when all of it was read */
	CRYO_PLACE_WALK,      /* the page tables, and the files behind them */
	CRYO_PLACE_READ,      /* memory */
	CRYO_PLACE_GIVEN_UP,
};

/* How long a thread may stand still before it is given up. */
#define CRYO_GUARD_PATIENCE_NS (5ULL * 1000 * 1000 * 1000)

/**
 * struct cryo_guard - one thread.
 * @place: enum cryo_place
 * @used, @since: of who looks: processor time that it had used, and since when
 */
struct cryo_guard {
	_Atomic uint32_t place;
	pthread_t thread;
	pid_t tid;
	uint64_t used, since;
};

/* A guard of the calling thread. NULL when memory is short. */
struct cryo_guard *cryo_guard_new(void);

/* Come to another place. Never returns if the thread was given up. */
void cryo_guard_at(struct cryo_guard *guard, enum cryo_place place);

/* Never returns if the thread was given up. */
void cryo_guard_check(const struct cryo_guard *guard);

/**
 * cryo_guard_give_up - give a thread up if it is stuck where it may be. To be called now and then.
 *
 * One that has used processor time since the last call, or waits for its turn on a processor, is
 * not stuck, however long it takes. Returns the place at which it was given up, or CRYO_PLACE_SAFE.
 */
enum cryo_place cryo_guard_give_up(struct cryo_guard *guard, uint64_t patience);
