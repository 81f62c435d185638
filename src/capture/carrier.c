// SPDX-License-Identifier: MIT
#include "capture/carrier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "freeze/census.h"
#include "freeze/outputs.h"
#include "freeze/roster.h"

/* How long those who carry an output are taken to be the same; a target is asked each time. */
#define CURRENT_NS (10 * CRYO_NSEC_PER_SEC)

/* @device, @inode: of a stream; @made: when it was searched */
struct cryo_carriers {
	char *path;
	dev_t device;
	ino_t inode;
	uint64_t made;
	struct cryo_outputs outputs;
	struct cryo_roster_request request;
	struct cryo_roster roster;
};

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

/* Whether the same was searched for, and not too long ago. */
static bool is_current(
	const struct cryo_carriers *carriers, const char *path, const struct stat *stream)
{
	return carriers && strcmp(carriers->path, path) == 0 &&
	       carriers->device == stream->st_dev && carriers->inode == stream->st_ino &&
	       cryo_now() < carriers->made + CURRENT_NS;
}

void cryo_carriers_free(struct cryo_carriers *carriers)
{
	if (!carriers)
		return;
	cryo_outputs_clear(&carriers->outputs);
	cryo_roster_clear(&carriers->roster);
	free(carriers->path);
	free(carriers);
}

static int search(
	const struct cryo_request *request, const char *path, struct cryo_carriers *carriers)
{
	_cleanup_census_ struct cryo_census census = {0};
	int r = cryo_census_take(request->procfs, &census);

	if (r == 0)
		r = cryo_outputs_add(request->procfs, path, CRYO_SPARE_OUTPUT, &carriers->outputs);
	carriers->request = (struct cryo_roster_request){.self = getpid(),
		.outputs = &carriers->outputs,
		.only_output = true,
		.stream_fd = request->stream_fd};
	return r < 0 ? r
		     : cryo_roster_make(
			       request->procfs, &census, &carriers->request, &carriers->roster);
}

static struct cryo_carriers *find(
	const struct cryo_request *request, const char *path, const struct stat *stream)
{
	struct cryo_carriers *carriers = calloc(1, sizeof(*carriers));

	if (!carriers)
		return NULL;
	carriers->path = strdup(path);
	carriers->device = stream->st_dev;
	carriers->inode = stream->st_ino;
	carriers->made = cryo_now();
	if (carriers->path && search(request, path, carriers) == 0)
		return carriers;
	cryo_carriers_free(carriers);
	return NULL;
}

bool cryo_carrier_is_target(const struct cryo_request *request, struct cryo_carriers **carriers)
{
	const char *path = request->prefix;
	struct stat found = {0};
	char stream[32];

	if (request->stream_fd >= 0) {
		snprintf(stream, sizeof(stream), "/proc/self/fd/%d", request->stream_fd);
		path = stream;
		fstat(request->stream_fd, &found);
	}
	if (!may_be_carried(request, path))
		return false;
	if (!is_current(*carriers, path, &found)) {
		cryo_carriers_free(*carriers);
		*carriers = find(request, path, &found);
	}
	return *carriers &&
	       cryo_roster_is_carrier(request->procfs, &(*carriers)->roster, request->identity.pid);
}
