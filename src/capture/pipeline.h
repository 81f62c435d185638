// SPDX-License-Identifier: MIT
/*
 * The reader process: inspect, plan, write, release (by asking for it), record.
 */
#pragma once

#include "capture/request.h"

/**
 * struct cryo_reader - what the reader process works with.
 * @supervisor, @tracer: its ends of the channels; @tracer is -1 for a dry run
 * @records: the tracer's file of registers
 * @report: file for what was found
 */
struct cryo_reader {
	const struct cryo_request *request;
	struct cryo_shared *shared;
	int supervisor, tracer;
	int records, report;
	pid_t parent;
	uint64_t deadline;
};

/* The whole life of the process, from behind fork() to its exit status. Never returns. */
void cryo_reader_run(const struct cryo_reader *reader) __attribute__((noreturn));
