// SPDX-License-Identifier: MIT
/*
 * How long a target would stand still if it were captured the ordinary way.
 */
#pragma once

#include <stdint.h>

#include "capture/inspect.h"
#include "capture/output.h"

/**
 * struct cryo_rates - how fast it is here just now.
 * @sample: bytes that each of these took
 * @read_ns: to be read from a process
 * @write_ns: to be written to the output; 0: a stream, of which nobody knows
 * @disk_ns: to be on the disk below it; 0: there is none, or it was not asked
 */
struct cryo_rates {
	uint64_t sample, read_ns, write_ns, disk_ns;
};

/* Nanoseconds, from what is in its memory and how fast we read and write just now: a few MiB are
 * read from ourselves and, if @output is a file, written to it and taken out again. If the core
 * will not fit into the share of the page cache that the kernel leaves to one writer, they are
 * written to the disk too. */
uint64_t cryo_estimate_pause(const struct cryo_inspector *inspector, struct cryo_output *output);

/* The same as arithmetic. @bytes: of memory; @beyond: of those, what has to wait for the disk. */
uint64_t cryo_estimate_from(
	uint64_t bytes, uint64_t beyond, uint64_t n_threads, const struct cryo_rates *rates);
