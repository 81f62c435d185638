// SPDX-License-Identifier: MIT
/*
 * The tracer process: the only one that ptraces, and it never reads the memory of the target.
 */
#pragma once

#include "capture/request.h"

/**
 * struct cryo_tracer - what the tracer process works with.
 * @procfs: of all captures
 * @request, @deadline: of the capture that it is at
 * @duplicate: pid of a copy of the target that is not waited for yet; 0: there is none. The
 *	supervisor knows it too, for another tracer, but not the reader, who could name anybody
 * @supervisor, @reader: its ends of the channels
 * @records: file for the registers
 * @sharer_index: of all captures
 * @sharers: of this one, once they have been looked for
 * @parent: pid of the supervisor, to notice that it died before we could ask to be told
 */
struct cryo_tracer {
	int procfs;
	const struct cryo_request *request;
	struct cryo_shared *shared;
	_Atomic int32_t *duplicate;
	int supervisor, reader;
	int records;
	struct cryo_sharer_index *sharer_index;
	struct cryo_sharers *sharers;
	pid_t parent;
	uint64_t deadline;
};

/* The whole life of the process, from behind fork() to its exit status. Never returns. When nobody
 * is there any more it ends a copy of the target that is left: of a tracer that died. */
void cryo_tracer_run(const struct cryo_tracer *tracer) __attribute__((noreturn));
