// SPDX-License-Identifier: MIT
/*
 * NAME.partial is there from before the stop until it becomes NAME, in one rename(2). So whoever
 * finds NAME and no NAME.partial has a whole core, unless there never was a .partial: the caller
 * has to know from the report that the writing had come so far.
 *
 * A file system that a process or the network serves is not looked at: it may be what the reader
 * was waiting for when its time was over, and nobody ends us.
 */
#include "capture/leftover.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "capture/result.h"
#include "freeze/outputs.h"

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

	if (path && cryo_outputs_may_be_served(request->prefix))
		cryo_result_say(result, CRYOCORE_ERROR, 0,
			"what was written so far, if anything, is in %s", path);
	else if (exists(path))
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

static bool is_empty(const char *path)
{
	struct stat found;

	return lstat(path, &found) == 0 && S_ISREG(found.st_mode) && found.st_size == 0;
}

/*
 * Of one that was being made it is known that nothing had its name just before. Should somebody
 * else have made it since, what he has written stays.
 */
static void remove_one(const struct cryo_request *request, const char *suffix, bool is_made)
{
	_cleanup_free_ char *path = output_path(request, suffix, ".partial");

	if (path && (is_made || is_empty(path)))
		unlink(path);
}

void cryo_leftover_remove(const struct cryo_request *request, const struct cryo_shared *shared)
{
	const char *const suffixes[] = {cryo_request_suffix(request), ".exe"};

	for (uint32_t i = 0; i < shared->n_begun && i < ARRAY_SIZE(suffixes); i++)
		remove_one(request, suffixes[i], i < shared->n_outputs);
}

bool cryo_leftover_has_core(const struct cryo_request *request)
{
	const char *suffix = cryo_request_suffix(request);
	_cleanup_free_ char *core = output_path(request, suffix, ""),
			    *partial = output_path(request, suffix, ".partial");

	return request->stream_fd < 0 && !cryo_outputs_may_be_served(request->prefix) &&
	       exists(core) && !exists(partial);
}
