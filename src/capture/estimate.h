// SPDX-License-Identifier: MIT
/*
 * How long a target would stand still if it were captured the ordinary way.
 */
#pragma once

#include <stdint.h>

#include "capture/inspect.h"
#include "capture/output.h"

/* Nanoseconds, from what is in its memory and how fast we read and write just now: a few MiB are
 * read from ourselves and, if @output is a file, written to it and taken out again. */
uint64_t cryo_estimate_pause(const struct cryo_inspector *inspector, struct cryo_output *output);

/* The same as arithmetic. @bytes: of memory; @read_ns, @write_ns: what @sample bytes took. */
uint64_t cryo_estimate_from(
	uint64_t bytes, uint64_t n_threads, uint64_t sample, uint64_t read_ns, uint64_t write_ns);
