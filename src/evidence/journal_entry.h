// SPDX-License-Identifier: MIT
/*
 * An entry of systemd's journal about a core, as systemd-coredump would have written it
 * (systemd.journal-fields(7)), in the journal export format.
 */
#pragma once

#include "elf/core.h"

/**
 * cryo_journal_entry - make it.
 * @path: absolute
 * @time_ns: CLOCK_REALTIME, of the core
 * @host: name of the machine
 *
 * Appends to @text. 0, -EBADMSG (notes that are damaged), -ENOMEM or -errno of pread(2).
 */
int cryo_journal_entry(const struct cryo_core *core, const char *path, uint64_t time_ns,
	const char *host, struct cryo_buffer *text);
