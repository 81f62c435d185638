// SPDX-License-Identifier: MIT
/*
 * The files behind mappings: their names as the process sees them, their link counts and modes, and
 * their bytes, without going through the process's memory.
 */
#pragma once

#include "capture/inspect.h"

/**
 * cryo_mapped_file_inspect - complete the mappings with what maps and smaps do not tell.
 * @vmas: name, mode, n_links, elf_magic and remote of those with a file are filled in
 *
 * What cannot be had without privilege stays unknown (0, ~0, false). What was noted before the stop
 * (inspector->early.files) is taken for a private mapping without a page of its own: its bytes are
 * those of the file, and who writes to that, or changes its mode, needs no process to run that we
 * have stopped. 0 or -ENOMEM.
 */
int cryo_mapped_file_inspect(
	const struct cryo_inspector *inspector, struct cryo_vma *vmas, size_t count);

/* Of mappings that were inspected: leave those that are worth being noted, and begin with bytes of
 * their file. The others are freed. */
void cryo_mapped_file_keep_private(
	const struct cryo_inspector *inspector, struct cryo_vma *vmas, size_t *count);

/* Only the `remote` of those with a file, which needs nothing of the process. */
void cryo_mapped_file_mark_remote(
	const struct cryo_inspector *inspector, struct cryo_vma *vmas, size_t count);
