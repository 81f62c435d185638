// SPDX-License-Identifier: MIT
/*
 * The builders of single notes, for notes.c alone. Each appends to a buffer and returns 0, -ENOMEM,
 * or what stands beside it.
 */
#pragma once

#include "base/buffer.h"
#include "model/process.h"

/* NT_PRSTATUS. -EINVAL if the first regset is not the general one, of the size of the row. */
int cryo_note_prstatus(const struct cryo_process *process, const struct cryo_thread *thread,
	struct cryo_buffer *notes);

/* NT_PRPSINFO. */
int cryo_note_prpsinfo(const struct cryo_process *process, struct cryo_buffer *notes);

/* NT_FILE. -E2BIG over 4 GiB. */
int cryo_note_file(const struct cryo_process *process, struct cryo_buffer *notes);
