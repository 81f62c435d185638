// SPDX-License-Identifier: MIT
#include "capture/gather_crew.h"

#include <unistd.h>

enum {
	DEFAULT_MAX_JOBS = 8,
};

/* Put something else at a place where `old` is: hands, or none. */
static void replace_hands(
	struct cryo_gather *gather, const struct cryo_hands *old, struct cryo_hands *new)
{
	size_t i = 0;

	pthread_mutex_lock(&gather->callbacks);
	while (i < CRYO_CREW_MAX && gather->hands[i] != old)
		i++;
	if (i < CRYO_CREW_MAX)
		gather->hands[i] = new;
	pthread_mutex_unlock(&gather->callbacks);
}

static void *work(void *user)
{
	struct cryo_crew *crew = user;
	struct cryo_targets *targets = &crew->gather->targets;
	struct cryo_hands hands = {CRYO_WORKER_NONE, CRYO_SESSION(crew->gather->procfs)};
	size_t i;

	replace_hands(crew->gather, NULL, &hands);
	while (!crew->gather->left && (i = atomic_fetch_add(&crew->next, 1)) < targets->count) {
		crew->stage(crew->gather, &targets->array[i], &hands);
		targets->array[i].n_made = cryo_dossier_made(&targets->array[i].dossier);
	}
	replace_hands(crew->gather, &hands, NULL);
	cryo_worker_end(&hands.worker);
	cryo_session_end(&hands.session);
	return NULL;
}

static size_t job_count(const struct cryo_gather *gather)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t jobs = gather->options->jobs;

	if (gather->tar)
		return 1; /* a stream takes one core after the other */
	if (!jobs)
		jobs = processors < 1 ? 1 : (size_t)processors;
	if (!gather->options->jobs && jobs > DEFAULT_MAX_JOBS)
		jobs = DEFAULT_MAX_JOBS;
	return jobs < CRYO_CREW_MAX ? jobs : CRYO_CREW_MAX;
}

/* A thread that cannot be had is done without. */
void cryo_crew_begin(struct cryo_gather *gather, cryo_stage *stage, struct cryo_crew *crew)
{
	size_t jobs = job_count(gather);

	*crew = (struct cryo_crew){.gather = gather, .stage = stage};
	while (crew->n_threads + 1 < jobs && crew->n_threads < gather->targets.count &&
		pthread_create(&crew->threads[crew->n_threads], NULL, work, crew) == 0)
		crew->n_threads++;
}

void cryo_crew_end(struct cryo_crew *crew)
{
	work(crew);
	while (crew->n_threads)
		pthread_join(crew->threads[--crew->n_threads], NULL);
}

void cryo_crew_run(struct cryo_gather *gather, cryo_stage *stage)
{
	struct cryo_crew crew;

	cryo_crew_begin(gather, stage, &crew);
	cryo_crew_end(&crew);
}
