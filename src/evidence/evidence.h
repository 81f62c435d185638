// SPDX-License-Identifier: MIT
/*
 * A collection of evidence: the files about processes below one sink, and what vouches for them:
 * `log` (what was done, when), SHA256SUMS, and manifest.json, which is written last and names every
 * other file with its digest, so that its own digest stands for all.
 *
 *	begin → for each process: [core], volatile, then (all processes later) copies, close → end
 *
 * The functions may be called by several threads at the same time, for different processes; each
 * thread has a worker of its own (evidence/worker.h).
 */
#pragma once

#include <cryocore/cryocore.h>

#include "elf/core_keep.h"
#include "evidence/bundle.h"
#include "evidence/collect.h"
#include "evidence/worker.h"
#include "proc/identity.h"
#include "proc/stat.h"

struct cryo_evidence;

/**
 * struct cryo_evidence_options - what is recorded about the case and how much is copied.
 * @argc, @argv: the command line, as it was typed; may be empty
 * @case_id, @examiner, @note: of the user, or NULL
 * @deleted_files, @max_copy: see struct cryo_collector
 * @stall_ms: see struct cryo_worker_setup
 * @sink_error: not 0 once nothing more can be written, as somebody else has found; or NULL
 * @content: what was asked to be in cores, in words
 * @stacks: makes the text of stacks; NULL: there are to be none
 * @bundle, @bundle_max: what was asked to be copied of mapped files, in a word, and the bound
 */
struct cryo_evidence_options {
	int argc;
	const char *const *argv;
	const char *case_id, *examiner, *note;
	bool deleted_files;
	uint64_t max_copy;
	unsigned int stall_ms;
	const _Atomic int *sink_error;
	const char *content;
	cryo_stacks_maker *stacks;
	const char *bundle;
	uint64_t bundle_max;
};

/**
 * struct cryo_dossier - what was collected about one process. All zero is valid and empty.
 * @pid, @start_time: which process
 * @stat: as it was when it was first looked at
 * @hidden: from which views it was hidden; borrowed; NULL: from none
 * @frozen: it stood still the whole time, with others
 * @gone: it had ended, or its number belonged to another process, before something was read
 * @core: how its capture went; borrowed; NULL if none was tried
 * @core_record: the file of the core
 * @records: one for each item; owned
 * @mapped: the files that it has mapped; borrowed; NULL if they are not known
 * @bundled: what became of each of these; owned; NULL if nothing was tried
 * @n_unmade: items that the collection ended before
 */
struct cryo_dossier {
	pid_t pid;
	uint64_t start_time;
	struct cryo_stat stat;
	const char *hidden;
	bool frozen, gone;
	const struct cryocore_result *core;
	struct cryo_record core_record;
	struct cryo_record *records;
	size_t n_records, n_unmade;
	const struct cryo_mapped_list *mapped;
	struct cryo_bundled *bundled;
};

void cryo_dossier_clear(struct cryo_dossier *dossier);

/* Whether it is a kernel thread: recorded, never dumped. */
bool cryo_dossier_is_kernel_thread(const struct cryo_dossier *dossier);

/* Whether it has memory, and so should have a core. A zombie and a kernel thread have none. */
bool cryo_dossier_wants_core(const struct cryo_dossier *dossier);

/* How many files of it there are. */
size_t cryo_dossier_made(const struct cryo_dossier *dossier);

/* How many of its items are missing that should be there. */
size_t cryo_dossier_missing(const struct cryo_dossier *dossier);

/* What is missing: complete, partial, or failed if a core was wanted and there is none. */
enum cryocore_outcome cryo_dossier_outcome(const struct cryo_dossier *dossier);

/* To be asked before anything is begun: what a collection cannot be completed without is not to be
 * missed at its end. 0, or -ELIBACC: a library cannot be loaded. */
int cryo_evidence_ready(void);

/**
 * cryo_evidence_begin - begin a collection.
 * @sink: borrowed
 * @procfs: descriptor; borrowed; best a private one
 * @options: referred to until the end
 *
 * Returns 0 or -errno of the sink.
 */
int cryo_evidence_begin(struct cryo_sink *sink, int procfs,
	const struct cryo_evidence_options *options, struct cryo_evidence **ret_evidence);

/* Read who holds which pipe and socket, and the sockets of our own network namespace: before the
 * first process. Another thread may do it while nothing else is asked of the evidence. */
void cryo_evidence_look_around(struct cryo_evidence *evidence);

/* How many processes are to come: room is set aside for what has to be said about them. */
void cryo_evidence_expect(struct cryo_evidence *evidence, size_t n_processes);

/* A line of the log: time, pid (0: none), text. What is from a target is escaped by the caller. */
void cryo_evidence_log(struct cryo_evidence *evidence, pid_t pid, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether the number of a process still belongs to it. */
bool cryo_evidence_is_current(
	const struct cryo_evidence *evidence, const struct cryo_dossier *dossier);

/**
 * cryo_evidence_core_directory - where the core of a process goes.
 *
 * Returns a descriptor of proc/PID, or -errno of the sink.
 */
int cryo_evidence_core_directory(struct cryo_evidence *evidence, pid_t pid);

/**
 * cryo_evidence_add_core - take a core that a capture left in proc/PID into the evidence.
 * @dossier: with its @core
 * @name: of the file in that directory; it becomes "core", or "core.partial" if it is not whole
 *
 * Its digest is computed later, by cryo_evidence_hash_core(). 0 or -errno.
 */
int cryo_evidence_add_core(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, const char *name);

/* Collect the volatile items of a process, by the worker of this thread. 0 or -errno of the sink.
 */
int cryo_evidence_volatile(
	struct cryo_evidence *evidence, struct cryo_worker *worker, struct cryo_dossier *dossier);

/* Copy its files. 0 or -errno of the sink. */
int cryo_evidence_copies(
	struct cryo_evidence *evidence, struct cryo_worker *worker, struct cryo_dossier *dossier);

/**
 * cryo_evidence_add_streamed_core - take a core that went into a stream of its own.
 * @dossier: with its @core
 * @error: negative, why it is not whole; 0: it is
 * @sum: of what stands in the stream under its name; size 0: nothing does
 *
 * Returns 0 or -errno of the sink.
 */
int cryo_evidence_add_streamed_core(struct cryo_evidence *evidence, struct cryo_dossier *dossier,
	int error, const struct cryo_deposit_sum *sum);

/**
 * cryo_evidence_stacks - make the stacks of a process from its core, which is finished.
 * @keep: what was kept of a core that is elsewhere; NULL: it is in the sink, whole or partial
 *
 * Where there is no core there are no stacks.
 *
 * The process may be gone; if it lives, its mapped files are used. 0 or -errno of the sink.
 */
int cryo_evidence_stacks(struct cryo_evidence *evidence, struct cryo_worker *worker,
	struct cryo_dossier *dossier, const struct cryo_core_keep *keep);

/* Hash its core, if there is one. 0 or -errno. */
int cryo_evidence_hash_core(struct cryo_evidence *evidence, struct cryo_dossier *dossier);

/* The copies of files that there are. */
const struct cryo_copies *cryo_evidence_get_copies(const struct cryo_evidence *evidence);

/* A file that belongs to no process is in the sink. 0 or -errno of the sink. */
int cryo_evidence_add_file(struct cryo_evidence *evidence, const char *path,
	const struct cryo_deposit_sum *sum, uint64_t time, bool changed);

/* An item of a process was made by somebody else: it is taken as if it had been collected. 0 or
 * -errno of the sink. */
int cryo_evidence_add_item(struct cryo_evidence *evidence, struct cryo_dossier *dossier,
	const struct cryo_record *record);

/**
 * cryo_evidence_unmade - the collection has ended: each item that was not come to gets a record.
 * @with_stacks: there were to be stacks
 * @error: negative, why it has ended; 0: it has not, and nothing is done
 *
 * How many files without a name were open is not known, so these are not among them. 0 or -ENOMEM.
 */
int cryo_evidence_unmade(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, bool with_stacks, int error);

/* Nothing more comes: what the manifest is to say of it. 0 or -ENOMEM. */
int cryo_evidence_describe(const struct cryo_dossier *dossier, struct cryo_buffer *text);

/* Write that into the manifest, behind the processes that were closed before. 0 or -errno of the
 * sink. */
int cryo_evidence_close(struct cryo_evidence *evidence, const struct cryo_dossier *dossier,
	const struct cryo_buffer *text);

/**
 * struct cryo_evidence_sum - the collection as a whole.
 * @files, @bytes: that were made
 * @missing: items that could not be had
 * @error: the first error of the sink that is not made good; 0: none
 * @manifest: digest of manifest.json
 */
struct cryo_evidence_sum {
	size_t processes, kernel_threads, complete, partial, failed;
	uint64_t files, bytes, missing;
	int error;
	uint8_t manifest[CRYO_DIGEST_SIZE];
};

/* Write log, SHA256SUMS and manifest, and free everything. 0 or -errno of the sink. */
int cryo_evidence_end(struct cryo_evidence *evidence, struct cryo_evidence_sum *ret_sum);
