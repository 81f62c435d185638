// SPDX-License-Identifier: MIT
/*
 * The order of things for each process. What several threads share (other ends, sockets by
 * namespace, copies made so far) lies under one lock, which is held only to read or extend it.
 */
#include "evidence/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/clock.h"
#include "evidence/ledger.h"

struct cryo_evidence {
	struct cryo_sink *sink;
	int procfs;
	const struct cryo_evidence_options *options;
	struct cryo_ledger ledger;
	pthread_mutex_t lock; /* of all that follows */
	struct cryo_copies copies;
	struct cryo_holders holders;
	struct net_space {
		ino_t inode;
		struct cryo_sockets sockets;
	} * namespaces;
	size_t n_namespaces;
	struct cryo_evidence_sum sum;
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
	for (size_t i = 0; i < evidence->n_namespaces; i++)
		cryo_sockets_clear(&evidence->namespaces[i].sockets);
	free(evidence->namespaces);
	free(evidence->copies.array);
	cryo_holders_clear(&evidence->holders);
	pthread_mutex_destroy(&evidence->lock);
	free(evidence);
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
	pthread_mutex_init(&evidence->lock, NULL);
	r = cryo_ledger_begin(sink, procfs, options, &evidence->ledger);
	if (r < 0)
		evidence_free(evidence);
	else
		*ret_evidence = evidence;
	return r;
}

void cryo_evidence_expect(struct cryo_evidence *evidence, size_t n_processes)
{
	cryo_ledger_expect(&evidence->ledger, n_processes);
	pthread_mutex_lock(&evidence->lock);
	cryo_holders_clear(&evidence->holders);
	if (cryo_holders_load(evidence->procfs, &evidence->holders) < 0)
		evidence->holders.truncated = true;
	pthread_mutex_unlock(&evidence->lock);
}

/* ---- a process ---- */

void cryo_dossier_clear(struct cryo_dossier *dossier)
{
	free(dossier->records);
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

size_t cryo_dossier_missing(const struct cryo_dossier *dossier)
{
	size_t missing = 0;

	if (dossier->stat.state == 'Z')
		return 0; /* little is left of it, and all of that is here */
	for (size_t i = 0; i < dossier->n_records; i++)
		missing += cryo_record_is_missing(&dossier->records[i]);
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

static int take_name(int directory, const char *from, const char *to)
{
	return renameat2(directory, from, directory, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
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
	if (dossier->core->core_path && take_name(directory, name, "core") == 0) {
		record->made = true;
		record->error = 0;
		return 0;
	}
	r = take_name(directory, partial, "core.partial");
	record->partial = r == 0;
	if (!record->error)
		record->error = r == -ENOENT ? EIO : -r;
	return 0;
}

/* The sockets of the namespace of a process, read when the first process of it comes. */
static const struct cryo_sockets *sockets_of(struct cryo_evidence *evidence, int live)
{
	struct net_space *namespace = evidence->namespaces;
	struct stat status;

	if (fstatat(live, "ns/net", &status, 0) < 0)
		return NULL;
	for (size_t i = 0; i < evidence->n_namespaces; i++)
		if (namespace[i].inode == status.st_ino)
			return &namespace[i].sockets;
	namespace = cryo_array_add(evidence->namespaces, evidence->n_namespaces);
	if (!namespace)
		return NULL;
	*namespace = (struct net_space){.inode = status.st_ino};
	cryo_sockets_load(live, &namespace->sockets);
	return &namespace->sockets;
}

/* What the collector of one process holds. */
struct hands {
	struct cryo_identity identity;
	int live, records;
	struct cryo_copies copies;
};

static void hands_clear(struct hands *hands)
{
	cryo_identity_close(&hands->identity);
	if (hands->live >= 0)
		close(hands->live);
	if (hands->records >= 0)
		close(hands->records);
	free(hands->copies.array);
}

bool cryo_evidence_is_current(
	const struct cryo_evidence *evidence, const struct cryo_dossier *dossier)
{
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;

	return cryo_identity_open(evidence->procfs, dossier->pid, &identity) == 0 &&
	       identity.start_time == dossier->start_time;
}

/* 0; 1 if the process is gone; -errno. */
static int take_hands(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, struct hands *hands)
{
	int r = cryo_identity_open(evidence->procfs, dossier->pid, &hands->identity);

	if (r == -ENOENT || r == -ESRCH ||
		(r == 0 && hands->identity.start_time != dossier->start_time)) {
		dossier->gone = true;
		return 1;
	}
	if (r < 0)
		return r;
	hands->live = cryo_collect_open_live(hands->identity.dir);
	hands->records = cryo_records_create();
	return hands->records < 0 ? hands->records : hands->live < 0 ? hands->live : 0;
}

static int copy_copies(const struct cryo_copies *copies, struct cryo_copies *ret_copies)
{
	ret_copies->array = malloc((copies->count + 1) * sizeof(*copies->array));
	if (!ret_copies->array)
		return -ENOMEM;
	if (copies->count)
		memcpy(ret_copies->array, copies->array, copies->count * sizeof(*copies->array));
	ret_copies->count = copies->count;
	return 0;
}

/*
 * The collector is a child: it sees the sockets and holders as they are at its birth, so only the
 * array that other threads may move is copied.
 */
static int collect(struct cryo_evidence *evidence, struct cryo_dossier *dossier,
	struct hands *hands, enum cryo_item_stage stage)
{
	struct cryo_collector collector = {
		.pid = dossier->pid,
		.process = hands->identity.dir,
		.live = hands->live,
		.sink = evidence->sink,
		.records = hands->records,
		.is_kernel_thread = cryo_dossier_is_kernel_thread(dossier),
		.deleted_files = evidence->options->deleted_files,
		.max_copy = evidence->options->max_copy,
		.holders = &evidence->holders,
		.copies = &hands->copies,
	};
	struct cryo_sockets sockets = {0};
	int r = 0;

	pthread_mutex_lock(&evidence->lock);
	if (stage == CRYO_ITEM_COPY)
		r = copy_copies(&evidence->copies, &hands->copies);
	else if (!collector.is_kernel_thread) {
		const struct cryo_sockets *found = sockets_of(evidence, hands->live);

		if (found)
			sockets = *found;
		collector.sockets = &sockets;
	}
	pthread_mutex_unlock(&evidence->lock);
	return r < 0 ? r : cryo_collect_guarded(&collector, stage, evidence->options->stall_ms);
}

static void remember_copy(
	struct cryo_evidence *evidence, const char *path, const struct cryo_record *record)
{
	struct cryo_copy *copy;

	if (!record->file.inode || !record->made || record->cut)
		return;
	copy = cryo_array_add(evidence->copies.array, evidence->copies.count);
	if (!copy)
		return;
	*copy = (struct cryo_copy){.file = record->file, .sum = record->sum};
	strcpy(copy->path, path);
}

/* The record of an item goes into the dossier, its file into SHA256SUMS. */
static int take_record(struct cryo_evidence *evidence, struct cryo_dossier *dossier,
	const struct cryo_record *record)
{
	struct cryo_record *added = cryo_array_add(dossier->records, dossier->n_records);
	char path[CRYO_SINK_PATH_MAX];
	int r = 0;

	if (!added)
		return -ENOMEM;
	*added = *record;
	cryo_item_path(dossier->pid, record->name, path);
	if (record->made)
		r = cryo_ledger_add_file(&evidence->ledger, path, &record->sum);
	pthread_mutex_lock(&evidence->lock);
	remember_copy(evidence, path, record);
	pthread_mutex_unlock(&evidence->lock);
	return r;
}

/* What cannot even be begun concerns only its process: a record says why. */
static int record_refusal(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, const char *name, int error)
{
	struct cryo_record record = {.error = -error, .time = cryo_clock_ns(CLOCK_REALTIME)};

	strcpy(record.name, name);

	return take_record(evidence, dossier, &record);
}

/* Every record goes into the dossier; then the error of the collector, if it had one. */
static int take_records(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, int records, int error)
{
	struct cryo_record record;
	int r = 0;

	for (size_t i = 0; r == 0 && cryo_records_get(records, i, &record) > 0; i++)
		r = take_record(evidence, dossier, &record);
	return error < 0 ? error : r;
}

static int run_stage(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, enum cryo_item_stage stage)
{
	_cleanup_(hands_clear) struct hands hands = {CRYO_IDENTITY_NONE, -1, -1, {0}};
	int r = take_hands(evidence, dossier, &hands);

	if (r > 0)
		return 0;
	if (r < 0)
		return record_refusal(evidence, dossier, "status", r);
	r = collect(evidence, dossier, &hands, stage);
	return take_records(evidence, dossier, hands.records, r);
}

int cryo_evidence_volatile(struct cryo_evidence *evidence, struct cryo_dossier *dossier)
{
	return run_stage(evidence, dossier, CRYO_ITEM_VOLATILE);
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

/* Whether the number of the process is still its own, and then what of it lives. */
static int open_task(struct cryo_evidence *evidence, const struct cryo_dossier *dossier)
{
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;

	if (cryo_identity_open(evidence->procfs, dossier->pid, &identity) < 0 ||
		identity.start_time != dossier->start_time)
		return -ESRCH;
	return cryo_collect_open_live(identity.dir);
}

static int make_stacks(
	struct cryo_evidence *evidence, struct cryo_dossier *dossier, int core, const char *path)
{
	_cleanup_close_ int task = open_task(evidence, dossier), records = cryo_records_create();
	struct cryo_stacks_source source = {
		evidence->options->stacks, core, path, task < 0 ? -1 : task};
	struct cryo_collector collector = {.pid = dossier->pid,
		.process = task,
		.live = task,
		.sink = evidence->sink,
		.records = records,
		.stacks = &source};
	int r;

	if (records < 0)
		return records;
	r = cryo_collect_guarded(&collector, CRYO_ITEM_STACKS, evidence->options->stall_ms);
	return take_records(evidence, dossier, records, r);
}

int cryo_evidence_stacks(struct cryo_evidence *evidence, struct cryo_dossier *dossier,
	const struct cryo_core_keep *keep)
{
	const struct cryo_record *core = &dossier->core_record;
	char path[CRYO_SINK_PATH_MAX];
	_cleanup_close_ int fd = -1;

	if (keep && keep->error)
		return record_refusal(evidence, dossier, "stacks", keep->error);
	if (keep)
		return keep->fd < 0 ? 0 : make_stacks(evidence, dossier, keep->fd, NULL);
	if (!core->made && !core->partial)
		return 0;
	fd = open_core(evidence, dossier);
	if (fd < 0)
		return record_refusal(evidence, dossier, "stacks", fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/proc/%d/core",
		cryo_sink_directory_fd(evidence->sink), dossier->pid);
	return make_stacks(evidence, dossier, fd, path);
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
	if (error < 0)
		return 0;
	record->made = true;
	record->sum = *sum;
	cryo_item_path(dossier->pid, record->name, path);
	return cryo_ledger_add_file(&evidence->ledger, path, &record->sum);
}

int cryo_evidence_copies(struct cryo_evidence *evidence, struct cryo_dossier *dossier)
{
	if (cryo_dossier_is_kernel_thread(dossier))
		return 0;
	return run_stage(evidence, dossier, CRYO_ITEM_COPY);
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

int cryo_evidence_close(struct cryo_evidence *evidence, const struct cryo_dossier *dossier)
{
	pthread_mutex_lock(&evidence->lock);
	count(&evidence->sum, dossier);
	pthread_mutex_unlock(&evidence->lock);
	return cryo_ledger_add_process(&evidence->ledger, dossier);
}

int cryo_evidence_end(struct cryo_evidence *evidence, struct cryo_evidence_sum *ret_sum)
{
	int r = cryo_ledger_end(&evidence->ledger, &evidence->sum);

	*ret_sum = evidence->sum;
	evidence_free(evidence);
	return r;
}
