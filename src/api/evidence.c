// SPDX-License-Identifier: MIT
/*
 * The public functions of evidence.h.
 */
#include <cryocore/evidence.h>
#include <errno.h>
#include <string.h>

#include "api/options.h"
#include "api/stacks_item.h"
#include "base/packer.h"
#include "capture/gather.h"
#include "evidence/bundle.h"
#include "freeze/outputs.h"

static const uint64_t default_max_copy = 1ULL << 30;

void cryocore_gather_options_init(struct cryocore_gather_options *options)
{
	*options = (struct cryocore_gather_options){.size = sizeof(*options),
		.tar_fd = -1,
		.max_copy = default_max_copy,
		.bundle_max = default_max_copy};
}

static bool selects_something(const struct cryocore_gather_options *options)
{
	return options->all || options->n_pids || options->n_trees || options->n_cgroups;
}

int cryocore_gather(
	const struct cryocore_gather_options *options, struct cryocore_gather_result **ret_result)
{
	struct cryocore_gather_options complete;
	enum cryo_bundle_mode mode;
	struct cryo_policy policy;
	int r;

	cryocore_gather_options_init(&complete);
	if (!cryo_options_read(options, &complete, sizeof(complete)) || complete.zstd_level < 0 ||
		complete.zstd_level > CRYO_PACKER_LEVEL_MAX)
		return -EINVAL;
	if ((!complete.directory && complete.tar_fd < 0) || !selects_something(&complete))
		return -EINVAL;
	if (!complete.bundle)
		complete.bundle = "elf";
	r = cryo_bundle_mode_parse(complete.bundle, &mode);
	if (r == 0)
		r = cryo_policy_parse(
			complete.content ? complete.content : "evidence", &policy, NULL);
	return r < 0 ? r
		     : cryo_gather(&complete, &policy, complete.no_stacks ? NULL : cryo_stacks_item,
			       ret_result);
}

bool cryocore_is_served(const char *path)
{
	return cryo_outputs_may_be_served(path);
}

void cryocore_gather_result_free(struct cryocore_gather_result *result)
{
	cryo_gather_result_free(result);
}
