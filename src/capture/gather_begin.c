// SPDX-License-Identifier: MIT
#include "capture/gather_begin.h"

#include <errno.h>
#include <string.h>

#include "base/library.h"
#include "capture/answer.h"
#include "capture/gather_tar.h"

/* What the evidence goes to, in words. */
const char *cryo_gather_sink_name(const struct cryo_gather *gather)
{
	return gather->tar ? "the tar stream" : gather->directory;
}

int cryo_gather_begin(struct cryo_gather *gather)
{
	const struct cryocore_gather_options *options = gather->options;
	int r = cryo_evidence_ready();

	if (r < 0)
		cryo_gather_say(gather, CRYOCORE_ERROR, -r, "no evidence can be taken: %s",
			cryo_library_strerror(r));
	else if (options->tar_fd >= 0)
		r = cryo_gather_tar_open(gather);
	if (r < 0)
		return r;
	r = cryo_answer_is_given(gather->procfs, gather->directory)
		    ? cryo_sink_open_directory(gather->directory, &gather->sink)
		    : -ETIMEDOUT;
	if (r == -ENOTEMPTY)
		cryo_gather_say(gather, CRYOCORE_ERROR, ENOTEMPTY,
			"%s is not empty: give a new or an empty directory", options->directory);
	else if (r == -ETIMEDOUT)
		cryo_gather_say(gather, CRYOCORE_ERROR, ETIMEDOUT,
			"%s: its file server does not answer: give another directory",
			gather->directory);
	else if (r < 0)
		cryo_gather_say(gather, CRYOCORE_ERROR, -r, "%s: %s", cryo_gather_sink_name(gather),
			strerror(-r));
	if (r < 0)
		return r;
	gather->evidence_options = (struct cryo_evidence_options){
		.argc = options->argc,
		.argv = options->argv,
		.case_id = options->case_id,
		.examiner = options->examiner,
		.note = options->note,
		.deleted_files = options->deleted_files,
		.max_copy = options->max_copy,
		.stall_ms = CRYO_GATHER_STALL_MS,
		.sink_error = &gather->sink_error,
		.content = options->content ? options->content : "evidence",
		.stacks = gather->stacks,
		.bundle = options->bundle,
		.bundle_max = options->bundle_max,
	};
	r = cryo_evidence_begin(
		gather->sink, gather->procfs, &gather->evidence_options, &gather->evidence);
	if (r < 0)
		cryo_gather_say(gather, CRYOCORE_ERROR, -r, "%s: %s", cryo_gather_sink_name(gather),
			strerror(-r));
	return r;
}
