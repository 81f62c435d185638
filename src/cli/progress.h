// SPDX-License-Identifier: MIT
/*
 * The progress line: only on a terminal, only for what lasts longer than half a second.
 */
#pragma once

#include <cryocore/cryocore.h>
#include <cryocore/evidence.h>

/* The callback for cryocore_options.on_progress; NULL where stderr is no terminal or with -q. */
void (*cli_progress_callback(void))(const struct cryocore_progress *progress, void *user);

/* The same for cryocore_gather_options.on_progress. */
void (*cli_gather_progress_callback(void))(
	const struct cryocore_gather_progress *progress, void *user);

/* Erase the line, if there is one. */
void cli_progress_end(void);
