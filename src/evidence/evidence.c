// SPDX-License-Identifier: MIT
/*
 * The order of things for each process. What several threads share (copies made so far, the
 * sum) lies under one lock, which is held only to read or extend it.
 */
#include "evidence/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json_api.h"
#include "evidence/ledger.h"
#include "proc/procfs.h"

struct cryo_evidence {
	struct cryo_sink *sink;
	int procfs;
	const struct cryo_evidence_options *options;
	struct cryo_ledger ledger;
	pthread_mutex_t lock; /* of all that follows */
	struct cryo_copies *copies;
	struct cryo_evidence_sum sum;
	struct cryo_holders holders; /* not changed any more once there are workers */
	struct cryo_net_space own_net;
};

void cryo_evidence_log(struct cryo_evidence *evidence, pid_t pid, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	cryo_ledger_log(&evidence->ledger, pid, format, arguments);
	va_end(arguments);
}

static void evidence_free(struct cryo_evidence *evidence)
{
	cryo_copies_destroy(evidence->copies);
	cryo_holders_clear(&evidence->holders);
	cryo_sockets_clear(&evidence->own_net.sockets);
	pthread_mutex_destroy(&evidence->lock);
	free(evidence);
}

int cryo_evidence_ready(void)
{
	int r = cryo_hash_ready();

	return r < 0 ? r : cryo_json_ready();
}

int cryo_evidence_begin(struct cryo_sink *sink, int procfs,
	const struct cryo_evidence_options *options, struct cryo_evidence **ret_evidence)
{
	struct cryo_evidence *evidence = calloc(1, sizeof(*evidence));
	int r;

	if (!evidence)
		return -ENOMEM;
	evidence->sink = sink;
	evidence->procfs = procfs;
	evidence->options = options;
	evidence->copies = cryo_copies_create();
	pthread_mutex_init(&evidence->lock, NULL);
	r = cryo_ledger_begin(sink, procfs, options, &evidence->ledger);
	if (r < 0)
		evidence_free(evidence);
	else
		*ret_evidence = evidence;
	return r;
}

/* What is to be had is known to all workers, which need not read it again. */
static void load_own_sockets(struct cryo_evidence *evidence)
{
	_cleanup_close_ int self = cryo_procfs_open_process(evidence->procfs, getpid());
	struct stat status;

	if (self < 0 || fstatat(self, "ns/net", &status, 0) < 0)
		return;
	if (cryo_sockets_load(self, &evidence->own_net.sockets) == 0)
		evidence->own_net.inode = status.st_ino;
}

void cryo_evidence_look_around(struct cryo_evidence *evidence)
{
	if (cryo_holders_load(evidence->procfs, CRYO_HOLD_INODE, &evidence->holders) < 0)
		evidence->holders.truncated = true;
	load_own_sockets(evidence);
}

void cryo_evidence_expect(struct cryo_evidence *evidence, size_t n_processes)
{
	cryo_ledger_expect(&evidence->ledger, n_processes);
}

/* ---- a process ---- */

void cryo_dossier_clear(struct cryo_dossier *dossier)
{
	free(dossier->records);
	if (dossier->mapped)
		cryo_bundled_clear(dossier->bundled, dossier->mapped->count);
	*dossier = (struct cryo_dossier){0};
}

bool cryo_dossier_is_kernel_thread(const struct cryo_dossier *dossier)
{
	return dossier->stat.flags & CRYO_PF_KTHREAD;
}

bool cryo_dossier_wants_core(const struct cryo_dossier *dossier)
{
	return !cryo_dossier_is_kernel_thread(dossier) &&
	       (dossier->stat.state != 'Z' || dossier->stat.num_threads > 1);
}

size_t cryo_dossier_made(const struct cryo_dossier *dossier)
{
	size_t made = dossier->core_record.made;

	for (size_t i = 0; i < dossier->n_records; i++)
		made += dossier->records[i].made;
	return made;
}

size_t cryo_dossier_missing(const struct cryo_dossier *dossier)
{
	size_t missing = 0;

	if (dossier->stat.state == 'Z' && dossier->stat.num_threads <= 1)
		return dossier->n_unmade; /* little is left of it, and all of that is here */
	for (size_t i = 0; i < dossier->n_records; i++)
		missing += cryo_record_is_missing(&dossier->records[i]);
	for (size_t i = 0; dossier->bundled && i < dossier->mapped->count; i++)
		missing += cryo_bundle_is_missing(dossier->bundled[i].reason);
	return missing;
}

enum cryocore_outcome cryo_dossier_outcome(const struct cryo_dossier *dossier)
{
	enum cryocore_outcome outcome = CRYOCORE_COMPLETE;

	if (dossier->core)
		outcome = dossier->core->outcome;
	if (cryo_dossier_wants_core(dossier) && !dossier->core_record.made)
		return CRYOCORE_FAILED;
	if (outcome == CRYOCORE_COMPLETE && (dossier->gone || cryo_dossier_missing(dossier)))
		outcome = CRYOCORE_PARTIAL;
	return outcome;
}

int cryo_evidence_core_directory(struct cryo_evidence *evidence, pid_t pid)
{
	char path[CRYO_SINK_PATH_MAX];

	snprintf(path, sizeof(path), "proc/%d", pid);
	return cryo_sink_directory_enter(evidence->sink, path);
}

int cryo_evidence_add_core(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, const char *name)
{
	struct cryo_record *record = &dossier->core_record;
	_cleanup_close_ int directory = cryo_evidence_core_directory(evidence, dossier->pid);
	char partial[64];
	int r;

	if (directory < 0)
		return directory;
	*record = (struct cryo_record){.name = "core", .time = dossier->core->started_ns};
	snprintf(partial, sizeof(partial), "%s.partial", name);
	for (size_t i = 0; i < dossier->core->n_messages && !record->error; i++)
		if (dossier->core->messages[i].severity == CRYOCORE_ERROR)
			record->error = dossier->core->messages[i].error;
	if (dossier->core->core_path && cryo_io_rename_new(directory, name, "core") == 0) {
		record->made = true;
		record->error = 0;
		return 0;
	}
	r = cryo_io_rename_new(directory, partial, "core.partial");
	record->partial = r == 0;
	if (!record->error)
		record->error = r == -ENOENT ? EIO : -r;
	return 0;
}

bool cryo_evidence_is_current(
	const struct cryo_evidence *evidence, const struct cryo_dossier *dossier)
{
	struct cryo_stat stat;
	_cleanup_close_ int dir =
		cryo_identity_find(evidence->procfs, dossier->pid, dossier->start_time, &stat);

	return dir >= 0 || cryo_procfs_is_short(dir);
}

static void remember_copy(
	struct cryo_evidence *evidence, pid_t pid, const struct cryo_record *record)
{
	struct cryo_copy copy = {.file = record->file, .sum = record->sum};

	if (!record->file.inode || !record->made || record->cut)
		return;
	cryo_item_path(pid, record->name, copy.path);
	pthread_mutex_lock(&evidence->lock);
	cryo_copies_add(evidence->copies, &copy);
	pthread_mutex_unlock(&evidence->lock);
}

/* The record of an item goes into the dossier. */
static int take_record(struct cryo_evidence *evidence, struct cryo_dossier *dossier,
	const struct cryo_record *record)
{
	struct cryo_record *added = cryo_array_add(dossier->records, dossier->n_records);

	if (!added)
		return -ENOMEM;
	*added = *record;
	remember_copy(evidence, dossier->pid, record);
	return 0;
}

/* What cannot even be begun concerns only its process: a record says why. */
static int record_refusal(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, const char *name, int error)
{
	struct cryo_record record = {.error = -error, .time = cryo_clock_ns(CLOCK_REALTIME)};

	strcpy(record.name, name);

	return take_record(evidence, dossier, &record);
}

/* Everything that a worker has recorded; the files go into SHA256SUMS. */
static int take_records(struct cryo_evidence *evidence, const struct cryo_records *records,
	struct cryo_dossier *dossier)
{
	size_t first = dossier->n_records;
	struct cryo_record record;
	int r = 0;

	for (uint64_t i = 0; r == 0 && cryo_records_get(records, i, &record) > 0; i++)
		r = take_record(evidence, dossier, &record);
	if (r == 0)
		r = cryo_ledger_add_items(&evidence->ledger, dossier->pid, dossier->records + first,
			dossier->n_records - first);
	return r;
}

static int run_task(struct cryo_evidence *evidence, struct cryo_worker *worker,
	struct cryo_dossier *dossier, struct cryo_task *task)
{
	const struct cryo_worker_setup setup = {
		.sink = evidence->sink,
		.procfs = evidence->procfs,
		.stall_ms = evidence->options->stall_ms,
		.sink_error = evidence->options->sink_error,
		.deleted_files = evidence->options->deleted_files,
		.max_copy = evidence->options->max_copy,
		.holders = &evidence->holders,
		.own_net = &evidence->own_net,
		.copies = evidence->copies,
		.stacks = evidence->options->stacks,
	};
	struct cryo_answer answer;
	int r;

	task->pid = dossier->pid;
	task->start_time = dossier->start_time;
	task->is_kernel_thread = cryo_dossier_is_kernel_thread(dossier);
	answer = cryo_worker_run(&setup, worker, task);
	dossier->gone |= answer.gone;
	if (answer.refused)
		return record_refusal(evidence, dossier, "status", answer.refused);
	if (!worker->records.head)
		return answer.error;
	r = take_records(evidence, &worker->records, dossier);
	return answer.error < 0 ? answer.error : r;
}

static int run_stage(struct cryo_evidence *evidence, struct cryo_worker *worker,
	struct cryo_dossier *dossier, enum cryo_item_stage stage)
{
	struct cryo_task task = {.stage = stage, .core = -1};

	return run_task(evidence, worker, dossier, &task);
}

int cryo_evidence_volatile(
	struct cryo_evidence *evidence, struct cryo_worker *worker, struct cryo_dossier *dossier)
{
	return run_stage(evidence, worker, dossier, CRYO_ITEM_VOLATILE);
}

static int open_core(struct cryo_evidence *evidence, const struct cryo_dossier *dossier)
{
	_cleanup_close_ int directory = cryo_evidence_core_directory(evidence, dossier->pid);
	int fd = directory < 0
			 ? directory
			 : openat(directory, dossier->core_record.made ? "core" : "core.partial",
				   O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return directory >= 0 && fd < 0 ? -errno : fd;
}

int cryo_evidence_stacks(struct cryo_evidence *evidence, struct cryo_worker *worker,
	struct cryo_dossier *dossier, const struct cryo_core_keep *keep)
{
	const struct cryo_record *core = &dossier->core_record;
	struct cryo_task task = {.stage = CRYO_ITEM_STACKS, .core = -1};
	_cleanup_close_ int fd = -1;

	if (keep && keep->error)
		return record_refusal(evidence, dossier, "stacks", keep->error);
	if (keep ? keep->fd < 0 : !core->made && !core->partial)
		return 0;
	if (!keep)
		fd = open_core(evidence, dossier);
	if (!keep && fd < 0)
		return record_refusal(evidence, dossier, "stacks", fd);
	task.core = keep ? keep->fd : fd;
	task.core_has_path = !keep;
	return run_task(evidence, worker, dossier, &task);
}

int cryo_evidence_hash_core(struct cryo_evidence *evidence, struct cryo_dossier *dossier)
{
	struct cryo_record *record = &dossier->core_record;
	_cleanup_close_ int fd = -1;
	char path[CRYO_SINK_PATH_MAX];
	int r;

	if (!record->made && !record->partial)
		return 0;
	fd = open_core(evidence, dossier);
	if (fd < 0)
		return fd;
	r = cryo_hash_file(fd, record->sum.sha256, &record->sum.size, &record->sum.sparse);
	if (r < 0 || record->partial)
		return r;
	cryo_item_path(dossier->pid, record->name, path);
	return cryo_ledger_add_file(&evidence->ledger, path, &record->sum);
}

int cryo_evidence_add_streamed_core(struct cryo_evidence *evidence, struct cryo_dossier *dossier,
	int error, const struct cryo_deposit_sum *sum)
{
	struct cryo_record *record = &dossier->core_record;
	char path[CRYO_SINK_PATH_MAX];

	*record = (struct cryo_record){
		.name = "core", .time = dossier->core->started_ns, .error = -error};
	record->sum = *sum;
	record->partial = record->in_place = error < 0 && sum->size;
	if (error < 0)
		return 0;
	record->made = true;
	cryo_item_path(dossier->pid, record->name, path);
	return cryo_ledger_add_file(&evidence->ledger, path, &record->sum);
}

int cryo_evidence_copies(
	struct cryo_evidence *evidence, struct cryo_worker *worker, struct cryo_dossier *dossier)
{
	if (cryo_dossier_is_kernel_thread(dossier))
		return 0;
	return run_stage(evidence, worker, dossier, CRYO_ITEM_COPY);
}

const struct cryo_copies *cryo_evidence_get_copies(const struct cryo_evidence *evidence)
{
	return evidence->copies;
}

int cryo_evidence_add_file(struct cryo_evidence *evidence, const char *path,
	const struct cryo_deposit_sum *sum, uint64_t time, bool changed)
{
	return cryo_ledger_add_loose(&evidence->ledger, path, sum, time, changed);
}

int cryo_evidence_add_item(struct cryo_evidence *evidence, struct cryo_dossier *dossier,
	const struct cryo_record *record)
{
	return take_record(evidence, dossier, record);
}

static void count(struct cryo_evidence_sum *sum, const struct cryo_dossier *dossier)
{
	size_t *const counters[] = {
		[CRYOCORE_COMPLETE] = &sum->complete,
		[CRYOCORE_PARTIAL] = &sum->partial,
		[CRYOCORE_FAILED] = &sum->failed,
	};

	sum->processes++;
	sum->kernel_threads += cryo_dossier_is_kernel_thread(dossier);
	sum->missing += cryo_dossier_missing(dossier);
	++*counters[cryo_dossier_outcome(dossier)];
}

int cryo_evidence_describe(const struct cryo_dossier *dossier, struct cryo_buffer *text)
{
	return cryo_ledger_describe(dossier, text);
}

int cryo_evidence_close(struct cryo_evidence *evidence, const struct cryo_dossier *dossier,
	const struct cryo_buffer *text)
{
	pthread_mutex_lock(&evidence->lock);
	count(&evidence->sum, dossier);
	pthread_mutex_unlock(&evidence->lock);
	return cryo_ledger_add_process(&evidence->ledger, text);
}

int cryo_evidence_end(struct cryo_evidence *evidence, struct cryo_evidence_sum *ret_sum)
{
	int r = cryo_ledger_end(&evidence->ledger, &evidence->sum);

	*ret_sum = evidence->sum;
	evidence_free(evidence);
	return r;
}
