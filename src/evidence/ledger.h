// SPDX-License-Identifier: MIT
/*
 * The three files that vouch for all others: log, SHA256SUMS and manifest.json.
 *
 * The functions may be called by several threads at the same time.
 */
#pragma once

#include <pthread.h>
#include <stdarg.h>

#include "evidence/evidence.h"
#include "evidence/manifest.h"

/**
 * struct cryo_ledger - the files while they are written.
 * @lock: of all the others
 * @files, @bytes: added so far
 * @loose: those that belong to no process
 * @is_full: what comes waits in memory; @is_ending: there is no room but what is left
 * @error: the first error of the sink that room set aside did not cure; 0: none
 */
struct cryo_ledger {
	struct cryo_sink *sink;
	const struct cryo_evidence_options *options;
	pthread_mutex_t lock;
	struct cryo_deposit log, sums, manifest;
	bool any_process, is_full, is_ending;
	uint64_t files, bytes;
	struct cryo_manifest_file *loose;
	size_t n_loose;
	int error;
};

/* Begin all three. @procfs tells the boot id. 0 or -errno of the sink. */
int cryo_ledger_begin(struct cryo_sink *sink, int procfs,
	const struct cryo_evidence_options *options, struct cryo_ledger *ledger);

/* Set room aside for what has to be said about so many processes. */
void cryo_ledger_expect(struct cryo_ledger *ledger, size_t n_processes);

/* A line of the log. */
void cryo_ledger_log(struct cryo_ledger *ledger, pid_t pid, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* A file is whole: a line of SHA256SUMS. 0 or -errno. */
int cryo_ledger_add_file(
	struct cryo_ledger *ledger, const char *path, const struct cryo_deposit_sum *sum);

/* The files among the items of a process are whole: their lines, at once. 0 or -errno. */
int cryo_ledger_add_items(
	struct cryo_ledger *ledger, pid_t pid, const struct cryo_record *records, size_t count);
/* A file that belongs to no process is whole: that, and an object of the manifest. 0 or -errno. */
int cryo_ledger_add_loose(struct cryo_ledger *ledger, const char *path,
	const struct cryo_deposit_sum *sum, uint64_t time, bool changed);

/* The object of a process in the manifest, for cryo_ledger_add_process(). 0 or -ENOMEM. */
int cryo_ledger_describe(const struct cryo_dossier *dossier, struct cryo_buffer *text);

/* A process is done: its object goes into the manifest. 0 or -errno. */
int cryo_ledger_add_process(struct cryo_ledger *ledger, const struct cryo_buffer *text);

/**
 * cryo_ledger_end - end all three.
 * @sum: of the processes; the ledger adds what it knows, at last the digest of the manifest
 *
 * 0 or -errno of the sink.
 */
int cryo_ledger_end(struct cryo_ledger *ledger, struct cryo_evidence_sum *sum);
