// SPDX-License-Identifier: MIT
/*
 * What is to be said of a process is put into words at the same time as that of others, and then
 * written in the order of the targets.
 */
#include "capture/gather_close.h"

#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "capture/gather_bundle.h"
#include "capture/gather_open.h"
#include "capture/gather_time.h"

/* What does not change any more once it is known who there is. */
static struct cryocore_gathered facts_of(const struct cryo_dossier *dossier)
{
	return (struct cryocore_gathered){
		.pid = dossier->pid,
		.start_time = dossier->start_time,
		.kernel_thread = cryo_dossier_is_kernel_thread(dossier),
		.zombie = dossier->stat.state == 'Z',
		.hidden = dossier->hidden,
	};
}

/* Called with the lock. */
static void call_user(struct cryo_gather *gather, const struct cryo_dossier *dossier,
	struct cryocore_gathered *gathered)
{
	_cleanup_buffer_ struct cryo_buffer comm = {0};

	if (cryo_escape(&comm, dossier->stat.comm, strlen(dossier->stat.comm)) < 0)
		return;
	gathered->comm = comm.data ? (const char *)comm.data : "";
	if (gather->options->on_process)
		gather->options->on_process(gathered, gather->options->user);
}

static void tell(struct cryo_gather *gather, const struct cryo_target *target)
{
	const struct cryo_dossier *dossier = &target->dossier;
	struct cryocore_gathered gathered = facts_of(dossier);

	gathered.outcome = cryo_dossier_outcome(dossier);
	gathered.gone = dossier->gone;
	gathered.items = cryo_dossier_made(dossier);
	gathered.items_missing = cryo_dossier_missing(dossier);
	gathered.capture = target->core;
	call_user(gather, dossier, &gathered);
}

void cryo_gather_tell_left(struct cryo_gather *gather, const struct cryo_target *target)
{
	struct cryocore_gathered gathered = facts_of(&target->dossier);

	gathered.outcome = target->has_core || !cryo_dossier_wants_core(&target->dossier)
				   ? CRYOCORE_PARTIAL
				   : CRYOCORE_FAILED;
	gathered.items = target->n_made;
	gathered.capture = target->is_captured ? target->core : NULL;
	pthread_mutex_lock(&gather->callbacks);
	call_user(gather, &target->dossier, &gathered);
	pthread_mutex_unlock(&gather->callbacks);
}

/* Hidden ones come first. */
static void await_turn(struct cryo_gather *gather, const struct cryo_target *target)
{
	pthread_mutex_lock(&gather->callbacks);
	while (&gather->targets.array[gather->n_closed] != target && !gather->left)
		pthread_cond_wait(&gather->closed, &gather->callbacks);
	pthread_mutex_unlock(&gather->callbacks);
}

static void end_turn(struct cryo_gather *gather, const struct cryo_target *target)
{
	pthread_mutex_lock(&gather->callbacks);
	if (!gather->left) {
		tell(gather, target);
		gather->n_closed++;
	}
	pthread_cond_broadcast(&gather->closed);
	pthread_mutex_unlock(&gather->callbacks);
}

void cryo_gather_close(
	struct cryo_gather *gather, struct cryo_target *target, struct cryo_hands *hands)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int over = cryo_gather_is_over(gather), r;

	(void)hands;
	over = gather->sink_error ? gather->sink_error : over;
	r = cryo_evidence_unmade(gather->evidence, &target->dossier, gather->stacks, over);
	cryo_gather_note_error(gather, r);
	cryo_gather_note_error(gather, cryo_gather_bundle_untried(gather, target, over));
	cryo_gather_note_error(gather, cryo_gather_open_with(gather, target));
	r = cryo_evidence_describe(&target->dossier, &text);
	await_turn(gather, target);
	if (r == 0)
		r = cryo_evidence_close(gather->evidence, &target->dossier, &text);
	cryo_gather_note_error(gather, r);
	end_turn(gather, target);
}

static void *close_procfs(void *user)
{
	const struct cryo_gather *gather = user;

	close(gather->procfs);
	return NULL;
}

/* With a private procfs go the thousands of names that were looked up in it, which takes a while,
 * and nothing is asked of it any more. */
void cryo_gather_close_procfs(struct cryo_gather *gather)
{
	gather->is_closing = pthread_create(&gather->closer, NULL, close_procfs, gather) == 0;
}
