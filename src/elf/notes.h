// SPDX-License-Identifier: MIT
/*
 * The notes of a core: fs/binfmt_elf.c fill_note_info() and write_note_info(), from outside.
 *
 * CORE PRSTATUS, PRPSINFO, SIGINFO, AUXV, FILE and the regsets of the first thread; CORE PRSTATUS
 * and regsets of every other; LINUX X86_XSAVE_LAYOUT last, on x86 only. Padded to 4 bytes each.
 */
#pragma once

#include "base/buffer.h"
#include "model/process.h"

/**
 * cryo_notes_build - all notes of a process, encoded as its architecture wants them.
 * @notes: appended to
 *
 * NT_AUXV is left out if the auxiliary vector is not known (auxv_size 0).
 * Returns 0, -ENOMEM, -EINVAL (no thread, no arch row, no page size, a first regset that is not the
 * general one of the row's size), or -E2BIG (over 4 GiB).
 */
int cryo_notes_build(const struct cryo_process *process, struct cryo_buffer *notes);

/* Append one note: owner (NUL added and counted), type, desc; padded.
 * 0, -ENOMEM or -E2BIG. */
int cryo_note_add(struct cryo_buffer *notes, const struct cryo_arch *arch, const char *owner,
	uint32_t type, const void *desc, size_t desc_size);
