// SPDX-License-Identifier: MIT
/*
 * The mappings of a large process, read before it is stopped, and proof in the stop that they have
 * not changed since.
 *
 * maps would not prove it: it does not show MADV_DONTDUMP. But no mapping and none of its flags can
 * change unless the mmap_lock is held for writing, and the kernel counts that (trace/bpf.h). What
 * can change without the lock is asked again: whether a mapping that had no page of its own has one
 * now, and the names of files.
 */
#pragma once

#include "model/process.h"
#include "trace/bpf.h"

struct cryo_inspector;

/**
 * struct cryo_early - what is known before the stop; all of it zero or closed for a small process.
 * @bpf: open for a large one, where it may be
 * @vmas: as smaps shows them; owned
 * @generation: of @vmas
 */
struct cryo_early {
	struct cryo_bpf bpf;
	struct cryo_vma *vmas;
	size_t n_vmas;
	struct cryo_bpf_generation generation;
};

#define CRYO_EARLY_NONE                                                                            \
	{                                                                                          \
		.bpf = CRYO_BPF_NONE                                                               \
	}

/* Before the stop; it may block. What does not work is as if it were not there. */
void cryo_early_read(struct cryo_inspector *inspector);

/* In the stop: the mappings, if nothing has changed. Whether they have been handed over. */
bool cryo_early_take(
	struct cryo_inspector *inspector, struct cryo_vma **ret_vmas, size_t *ret_count);

void cryo_early_clear(struct cryo_early *early);
