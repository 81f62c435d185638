// SPDX-License-Identifier: MIT
#include "capture/carrier.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "freeze/census.h"
#include "freeze/outputs.h"
#include "freeze/roster.h"

static bool may_be_carried(const struct cryo_request *request, const char *path)
{
	struct stat info;

	if (request->dry_run || request->no_stop)
		return false;
	if (request->stream_fd >= 0 && fstat(request->stream_fd, &info) == 0 &&
		!S_ISREG(info.st_mode))
		return true;
	return cryo_outputs_may_be_served(path);
}

bool cryo_carrier_is_target(const struct cryo_request *request)
{
	_cleanup_census_ struct cryo_census census = {0};
	_cleanup_outputs_ struct cryo_outputs outputs = {0};
	_cleanup_roster_ struct cryo_roster roster = {0};
	const struct cryo_roster_request wanted = {.self = getpid(),
		.outputs = &outputs,
		.only_output = true,
		.stream_fd = request->stream_fd};

	const char *path = request->prefix;
	char stream[32];

	if (request->stream_fd >= 0) {
		snprintf(stream, sizeof(stream), "/proc/self/fd/%d", request->stream_fd);
		path = stream;
	}
	if (!may_be_carried(request, path) || cryo_census_take(request->procfs, &census) < 0 ||
		cryo_outputs_add(request->procfs, path, CRYO_SPARE_OUTPUT, &outputs) < 0 ||
		cryo_roster_make(request->procfs, &census, &wanted, &roster) < 0)
		return false;
	return cryo_roster_is_carrier(request->procfs, &roster, request->identity.pid);
}
