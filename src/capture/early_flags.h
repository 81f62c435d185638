// SPDX-License-Identifier: MIT
/*
 * The mappings of a stopped process without smaps, which goes through every page of them (15 ms for
 * each GiB): what and where they are tells maps, their flags, and whether they have ever had a page
 * of their own, a BPF program.
 */
#pragma once

#include <stdbool.h>

#include "model/process.h"
#include "trace/bpf_vmas.h"
#include "trace/bpf_words.h"

struct cryo_inspector;

/* Load the program, and see by our own mappings that the flags of this kernel are those we know. A
 * descriptor, or -errno. */
int cryo_early_flags_open(void);

/**
 * cryo_early_flags_read - the mappings, but for how many of their pages are there.
 * @ret_words: where to see later which of them have got a first page of their own: a word for each
 *	mapping, 0 for one that had some already; NULL if nobody is going to ask. Nothing if there
 *is no room for them.
 *
 * Whether they are to be had; else *ret_vmas and *ret_count are as before.
 */
bool cryo_early_flags_read(const struct cryo_inspector *inspector, int program,
	struct cryo_vma **ret_vmas, size_t *ret_count, struct cryo_bpf_words *ret_words);

/* Give mappings of maps the flags. Whether each of them has some, and all are known. */
bool cryo_early_flags_set(
	struct cryo_vma *vmas, size_t count, const struct cryo_bpf_vma *flags, size_t n_flags);
