// SPDX-License-Identifier: MIT
/*
 * A stage of a collection, for all of its targets, several at a time.
 */
#pragma once

#include "capture/gather_state.h"

/* What is done for one target. @hands: of the thread */
typedef void cryo_stage(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands);

/**
 * struct cryo_crew - the threads that are at a stage. Not to be moved while they are.
 * @next: the target that nobody has taken yet
 */
struct cryo_crew {
	struct cryo_gather *gather;
	cryo_stage *stage;
	atomic_size_t next;
	pthread_t threads[CRYO_CREW_MAX];
	size_t n_threads;
};

/* Begin with one thread less than there may be jobs: the caller has something else to do. */
void cryo_crew_begin(struct cryo_gather *gather, cryo_stage *stage, struct cryo_crew *crew);

/* Take part in what is left, and wait for the others. */
void cryo_crew_end(struct cryo_crew *crew);

/* Both at once. */
void cryo_crew_run(struct cryo_gather *gather, cryo_stage *stage);
