// SPDX-License-Identifier: MIT
/*
 * The processes that a collection is about.
 */
#pragma once

#include <cryocore/evidence.h>
#include <stdatomic.h>

#include "elf/core_keep.h"
#include "evidence/evidence.h"
#include "freeze/freeze.h"

/**
 * struct cryo_target - one process.
 * @dossier: what is collected; its @core is @core
 * @core: of its capture; owned
 * @no_stop: it may not be stopped, not even for a moment: we depend on it, or the user spares it
 * @resident: bytes of its memory, for progress
 * @hidden: text of dossier.hidden; owned
 * @keep: what was kept of a core that went into a stream, for its stacks
 */
struct cryo_target {
	struct cryo_dossier dossier;
	struct cryocore_result *core;
	bool no_stop;
	uint64_t resident;
	char *hidden;
	struct cryo_core_keep keep;
	atomic_bool is_captured, has_core;
	atomic_size_t n_made;
};

struct cryo_targets {
	struct cryo_target *array;
	size_t count;
};

/* The cgroups that are named: those of the selection, and those among what is spared. */
struct cryo_named_cgroups {
	struct cryo_cgroup_names chosen, spared;
};

/* Find out what is meant, while nothing is stopped. 0, -ENXIO if one does not exist, or -ENOMEM. */
int cryo_named_cgroups_make(int procfs, const struct cryocore_gather_options *options,
	struct cryo_named_cgroups *ret_named);
void cryo_named_cgroups_clear(struct cryo_named_cgroups *named);

/**
 * cryo_targets_find - who is to be collected.
 * @procfs: best a private one
 * @report: of the freeze before; NULL: nothing was frozen
 *
 * We ourselves and our helpers are left out. Hidden processes come first, then the others by pid.
 * Returns 0 or -errno.
 */
int cryo_targets_find(int procfs, const struct cryocore_gather_options *options,
	const struct cryo_named_cgroups *named, const struct cryo_freeze_report *report,
	struct cryo_targets *ret_targets);

void cryo_targets_clear(struct cryo_targets *targets);
