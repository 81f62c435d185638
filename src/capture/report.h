// SPDX-License-Identifier: MIT
/*
 * What the reader found, on its way to the supervisor: a file (a memfd) of records, so that what
 * was written before the reader was killed is still there.
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/plan.h"
#include "capture/result.h"
#include "capture/write.h"

enum cryo_report_kind {
	CRYO_REPORT_COMM,      /* text */
	CRYO_REPORT_CORE,      /* text: path of the core */
	CRYO_REPORT_EXE,       /* text: path of the copy of the executable */
	CRYO_REPORT_NUMBERS,   /* struct cryo_report_numbers */
	CRYO_REPORT_GAP,       /* struct cryo_gap */
	CRYO_REPORT_MAPPING,   /* struct cryo_report_mapping and the name */
	CRYO_REPORT_UNSTOPPED, /* struct cryo_report_unstopped and the names of unknown registers */
	CRYO_REPORT_SNAPSHOT,  /* struct cryo_report_snapshot */
	CRYO_REPORT_MAPPED,    /* struct cryo_mapped and the name, as it is */
};

struct cryo_report_numbers {
	uint64_t core_size, data_bytes, n_threads, n_registers, n_gaps, gap_bytes;
};

struct cryo_report_snapshot {
	uint64_t pause_ns, pauses_ns, n_stops;
	uint32_t way; /* enum cryocore_snapshot */
	uint32_t unused;
};

struct cryo_report_mapping {
	uint64_t start, end, file_size, present;
	uint32_t reason;
	char permissions[5];
};

/* A thread that was not stopped. */
struct cryo_report_unstopped {
	int32_t tid;
	uint32_t source;
	uint64_t unknown;
};

/* Append one record: a head of any size and text behind it. 0 or -errno. */
int cryo_report_add(int report, enum cryo_report_kind kind, const void *head, size_t head_size,
	const char *text);

/* Append what was written. 0 or -errno. */
int cryo_report_add_written(int report, const struct cryo_process *process, uint64_t core_size,
	const struct cryo_written *written);

/* Append a mapping of a plan. 0 or -errno. */
int cryo_report_add_mapping(int report, const struct cryo_vma *vma, uint64_t file_size,
	uint64_t present, enum cryo_dump_reason reason);

/* Append the files that a process has mapped. 0 or -errno. */
int cryo_report_add_mapped(int report, const struct cryo_process *process);

/**
 * cryo_report_read - fill a result from the records.
 * @result: of cryo_result_new(); what it refers to is malloc'ed and belongs to it
 *
 * Returns 0, -EBADMSG (the rest is torn) or -ENOMEM.
 */
int cryo_report_read(int report, struct cryocore_result *result);
