// SPDX-License-Identifier: MIT
#include "capture/gather_end.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "capture/gather_begin.h"
#include "capture/gather_tar.h"
#include "capture/gather_time.h"

static void conclude(
	struct cryo_gather *gather, const struct cryo_evidence_sum *sum, bool has_manifest)
{
	struct cryocore_gather_result *result = gather->result;

	result->processes = sum->processes;
	result->kernel_threads = sum->kernel_threads;
	result->complete = sum->complete;
	result->partial = sum->partial;
	result->failed = sum->failed;
	result->files = sum->files;
	result->bytes = sum->bytes;
	result->items_missing = sum->missing;
	if (has_manifest)
		cryo_hash_hex(sum->manifest, result->manifest_sha256);
	if (result->processes == 0 || result->failed == result->processes)
		result->outcome = CRYOCORE_FAILED;
	else if (result->partial || result->failed || gather->sink_error)
		result->outcome = CRYOCORE_PARTIAL;
}

void cryo_gather_end(struct cryo_gather *gather)
{
	struct cryo_evidence_sum sum = {0};
	int r = cryo_evidence_end(gather->evidence, &sum);

	gather->evidence = NULL;
	if (r == 0 && gather->tar)
		r = gather->sink_error ? gather->sink_error : cryo_gather_tar_end(gather);
	cryo_gather_note_error(gather, r);
	if (cryo_gather_is_over(gather) == -ETIME)
		cryo_gather_say(gather, CRYOCORE_WARNING, ETIME,
			"the time for all has passed: the manifest says what is missing; give a "
			"longer --total-timeout");
	if (cryo_gather_is_cancelled(gather))
		cryo_gather_say(gather, CRYOCORE_WARNING, ECANCELED,
			"interrupted: the manifest says what is missing");
	if (gather->sink_error)
		cryo_gather_say(gather, CRYOCORE_ERROR, -gather->sink_error, "%s: %s",
			cryo_gather_sink_name(gather), strerror(-gather->sink_error));
	pthread_mutex_lock(&gather->callbacks);
	if (!gather->left)
		conclude(gather, &sum, r == 0);
	pthread_mutex_unlock(&gather->callbacks);
}

/* The messages, and the worst of them, belong to the result. */
void cryo_gather_hand_over(struct cryo_gather *gather)
{
	struct cryocore_gather_result *result = gather->result;

	result->messages = gather->words.messages;
	result->n_messages = gather->words.n_messages;
	for (size_t i = 0; i < result->n_messages; i++)
		if (result->messages[i].severity != CRYOCORE_INFO &&
			result->outcome == CRYOCORE_COMPLETE)
			result->outcome = CRYOCORE_PARTIAL;
	result->total_ns = cryo_now() - gather->begin;
}
