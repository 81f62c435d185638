// SPDX-License-Identifier: MIT
/*
 * In a stream the copies lie in memory until they are shipped, so a step of the bundle ends early
 * there.
 */
#include "capture/gather_bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "capture/gather_tar.h"
#include "capture/result.h"

enum {
	BATCH = 64 << 20
};

/* What was done, for the log and the result; @linked: subjects with names in the stream. */
struct account {
	struct cryo_gather *gather;
	uint64_t files, bytes;
	size_t linked;
};

static int add_file(void *user, const char *path, const struct cryo_bundle_file *file)
{
	struct account *account = user;

	account->files++;
	account->bytes += file->sum.size;
	return cryo_evidence_add_file(
		account->gather->evidence, path, &file->sum, file->time, file->changed);
}

/* The names of a process follow its files in the stream. */
static void link_into_stream(const struct cryo_bundle *bundle,
	const struct cryo_bundle_subject *subjects, struct account *account)
{
	for (; account->linked < cryo_bundle_done(bundle); account->linked++) {
		const struct cryo_bundle_subject *subject = &subjects[account->linked];

		cryo_bundle_link_roots(account->gather->tar, subject->pid, subject->bundled,
			subject->mapped->count);
	}
}

static int step(struct cryo_gather *gather, struct cryo_bundle *bundle,
	const struct cryo_bundle_subject *subjects, struct account *account)
{
	int more = cryo_bundle_step(bundle), r = 0;

	if (gather->tar)
		r = cryo_gather_tar_ship_files(gather);
	if (r == 0)
		r = cryo_bundle_link(bundle, add_file, account);
	if (r == 0 && gather->tar)
		link_into_stream(bundle, subjects, account);
	return r < 0 ? r : more;
}

static int run(struct cryo_gather *gather, const struct cryo_bundle_options *options,
	struct cryo_bundle_subject *subjects, size_t n_subjects)
{
	struct account account = {.gather = gather};
	struct cryo_bundle *bundle;
	int r = cryo_bundle_new(options, subjects, n_subjects, &bundle);

	if (r < 0)
		return r;
	do
		r = step(gather, bundle, subjects, &account);
	while (r > 0);
	cryo_bundle_free(bundle);
	cryo_evidence_log(gather->evidence, 0,
		"mapped files: %" PRIu64 " copied, %" PRIu64 " bytes", account.files,
		account.bytes);
	return r == -ECANCELED ? 0 : r;
}

/* What a process has mapped, as its core says. */
static bool find_mapped(struct cryo_target *target)
{
	if (!target->core || cryo_result_mapped(target->core)->count == 0)
		return false;
	target->dossier.mapped = cryo_result_mapped(target->core);
	return true;
}

/* Every process of which that is known. */
static size_t choose(struct cryo_gather *gather, struct cryo_bundle_subject *subjects)
{
	size_t count = 0;

	for (size_t i = 0; i < gather->targets.count; i++) {
		struct cryo_target *target = &gather->targets.array[i];
		const struct cryo_dossier *dossier = &target->dossier;

		if (!find_mapped(target))
			continue;
		subjects[count++] = (struct cryo_bundle_subject){
			dossier->pid, dossier->start_time, dossier->mapped, NULL};
	}
	return count;
}

static void hand_over(struct cryo_gather *gather, const struct cryo_bundle_subject *subjects)
{
	size_t count = 0;

	for (size_t i = 0; i < gather->targets.count; i++) {
		struct cryo_dossier *dossier = &gather->targets.array[i].dossier;

		if (dossier->mapped)
			dossier->bundled = subjects[count++].bundled;
	}
}

int cryo_gather_bundle(struct cryo_gather *gather)
{
	struct cryo_bundle_options options = {
		.sink = gather->sink,
		.links = gather->tar ? gather->tar : gather->sink,
		.procfs = gather->procfs,
		.copies = cryo_evidence_get_copies(gather->evidence),
		.max_file = gather->options->bundle_max,
		.batch = gather->tar ? BATCH : 0,
		.stall_ms = CRYO_GATHER_STALL_MS,
		.cancel = gather->stop,
	};
	struct cryo_bundle_subject *subjects = calloc(gather->targets.count + 1, sizeof(*subjects));
	size_t count;
	int r;

	if (!subjects)
		return -ENOMEM;
	cryo_bundle_mode_parse(gather->options->bundle, &options.mode);
	count = choose(gather, subjects);
	r = count ? run(gather, &options, subjects, count) : 0;
	hand_over(gather, subjects);
	free(subjects);
	return r;
}

int cryo_gather_bundle_untried(
	const struct cryo_gather *gather, struct cryo_target *target, int error)
{
	struct cryo_dossier *dossier = &target->dossier;
	enum cryo_bundle_mode mode;

	if (error == 0 || dossier->bundled || !find_mapped(target))
		return 0;
	cryo_bundle_mode_parse(gather->options->bundle, &mode);
	dossier->bundled = cryo_bundled_untried(mode, dossier->mapped->count, error);
	return dossier->bundled ? 0 : -ENOMEM;
}

void cryo_gather_bundle_names(struct cryo_gather *gather, struct cryo_target *target)
{
	const struct cryo_dossier *dossier = &target->dossier;

	if (!gather->tar && dossier->bundled)
		cryo_bundle_link_roots(
			gather->sink, dossier->pid, dossier->bundled, dossier->mapped->count);
}
