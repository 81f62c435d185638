// SPDX-License-Identifier: MIT
/*
 * The mappings of a large process, read before it is stopped, and proof in the stop that they have
 * not changed since.
 *
 * maps would not prove it: it does not show MADV_DONTDUMP. But no mapping and none of its flags can
 * change unless the mmap_lock is held for writing, and the kernel counts that (trace/bpf.h). What
 * can change without the lock is asked again: whether a mapping that had no page of its own has one
 * now, and the names of files.
 *
 * The mappings of a small process are read in the stop; only their files are looked at before. For
 * a snapshot, which may be of a process with much memory, see early_flags.h.
 */
#pragma once

#include "model/process.h"
#include "trace/bpf.h"
#include "trace/bpf_words.h"

struct cryo_inspector;

/**
 * struct cryo_early - what is known before the stop.
 * @bpf: open for a large process, where it may be
 * @vmas: of a large process, as smaps shows them; owned
 * @without_sizes: of those that were read last it is only known whether they have pages of their
 * own
 * @very_many: so many that smaps takes too long; a mapping of theirs counts as used from its first
 *	page on, as for the kernel, and else as long as it has one, as smaps tells
 * @generation: of @vmas
 * @words: shows which of @vmas have got pages since; none if the page tables are to be asked
 * @flags: program of early_flags.h, for those and for when @vmas are not so any more; or -1
 * @files: of a small one: its private mappings that begin a file, with what
 * cryo_mapped_file_inspect() found; owned
 */
struct cryo_early {
	struct cryo_bpf bpf;
	struct cryo_vma *vmas;
	size_t n_vmas;
	bool without_sizes, very_many;
	struct cryo_bpf_generation generation;
	struct cryo_bpf_words words;
	int flags;
	struct cryo_vma *files;
	size_t n_files;
};

#define CRYO_EARLY_NONE                                                                            \
	{                                                                                          \
		.bpf = CRYO_BPF_NONE, .words = CRYO_BPF_WORDS_NONE, .flags = -1                    \
	}

/* Before the stop; it may block (CRYO_PLACE_EARLY). What does not work is as if it were not there.
 */
void cryo_early_read(struct cryo_inspector *inspector);

/* In the stop: the mappings, if nothing has changed. Whether they have been handed over. */
bool cryo_early_take(
	struct cryo_inspector *inspector, struct cryo_vma **ret_vmas, size_t *ret_count);

/* Once more before the stop, for a process of any size, whose mappings have changed since. */
void cryo_early_read_again(struct cryo_inspector *inspector);

/* Leave what is known to a thread that was given up: it may be at it still. BPF is for both. */
void cryo_early_leave(struct cryo_early *early);

/* Another program runs there now. */
void cryo_early_forget_files(struct cryo_early *early);

void cryo_early_clear(struct cryo_early *early);
