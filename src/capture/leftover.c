// SPDX-License-Identifier: MIT
/*
 * NAME.partial is there from before the stop until it becomes NAME, in one rename(2). So whoever
 * finds NAME and no NAME.partial has a whole core, unless there never was a .partial: the caller
 * has to know from the report that the writing had come so far.
 */
#include "capture/leftover.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "capture/result.h"

static char *output_path(
	const struct cryo_request *request, const char *suffix, const char *partial)
{
	char *path;
	int n = asprintf(
		&path, "%s.%d%s%s", request->prefix, request->identity.pid, suffix, partial);

	return n < 0 ? NULL : path;
}

static bool exists(const char *path)
{
	return path && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void tell_one(
	const struct cryo_request *request, const char *suffix, struct cryocore_result *result)
{
	_cleanup_free_ char *path = output_path(request, suffix, ".partial");

	if (exists(path))
		cryo_result_say(
			result, CRYOCORE_ERROR, 0, "what was written so far is in %s", path);
}

void cryo_leftover_tell(const struct cryo_request *request, struct cryocore_result *result)
{
	if (request->stream_fd >= 0 || request->dry_run)
		return;
	tell_one(request, cryo_request_suffix(request), result);
	if (!request->no_exe)
		tell_one(request, ".exe", result);
}

static void remove_one(const struct cryo_request *request, const char *suffix)
{
	_cleanup_free_ char *path = output_path(request, suffix, ".partial");

	if (path)
		unlink(path);
}

void cryo_leftover_remove(const struct cryo_request *request, uint32_t n_outputs)
{
	if (n_outputs > 0)
		remove_one(request, cryo_request_suffix(request));
	if (n_outputs > 1)
		remove_one(request, ".exe");
}

bool cryo_leftover_has_core(const struct cryo_request *request)
{
	const char *suffix = cryo_request_suffix(request);
	_cleanup_free_ char *core = output_path(request, suffix, ""),
			    *partial = output_path(request, suffix, ".partial");

	return request->stream_fd < 0 && exists(core) && !exists(partial);
}
