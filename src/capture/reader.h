// SPDX-License-Identifier: MIT
/*
 * The reader process: it reads /proc and memory and writes cores, one after the other.
 */
#pragma once

#include "capture/request.h"

/**
 * struct cryo_reader - what the reader process works with.
 * @procfs: of all captures
 * @request, @deadline: of the capture that it is at
 * @supervisor, @tracer: its ends of the channels; @tracer is -1 where nothing is stopped
 * @records: the tracer's file of registers
 * @report: file for what was found
 * @parent: pid of the supervisor, to notice that it died before we could ask to be told
 */
struct cryo_reader {
	int procfs;
	const struct cryo_request *request;
	struct cryo_shared *shared;
	int supervisor, tracer;
	int records, report;
	pid_t parent;
	uint64_t deadline;
};

/* The whole life of the process, from behind fork() to its exit status. Never returns. */
void cryo_reader_run(const struct cryo_reader *reader) __attribute__((noreturn));
