// SPDX-License-Identifier: MIT
/*
 * libcryocore: evidence of many processes, or of a whole machine, in one directory.
 *
 * Functions return 0 or a negative errno unless they say otherwise. Strings are UTF-8 with
 * everything dangerous escaped as \xNN. The library prints nothing.
 */
#ifndef CRYOCORE_EVIDENCE_H
#define CRYOCORE_EVIDENCE_H

#include <cryocore/cryocore.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * struct cryocore_gathered - what was collected about one process.
 * @pid, @start_time: its identity; the time in clock ticks since boot
 * @comm: its name
 * @outcome: of everything about it; CRYOCORE_FAILED: no core where there should be one
 * @kernel_thread, @zombie: it has no memory, so there is no core of it
 * @hidden: from which views it was hidden; NULL: from none
 * @gone: it ended before everything was read
 * @items: files that were made; @items_missing: that could not be
 * @capture: how the capture of its core went; NULL if there was none
 */
struct cryocore_gathered {
	pid_t pid;
	uint64_t start_time;
	const char *comm;
	enum cryocore_outcome outcome;
	bool kernel_thread, zombie, gone;
	const char *hidden;
	size_t items, items_missing;
	const struct cryocore_result *capture;
};

/* How far a collection is. */
struct cryocore_gather_progress {
	size_t processes_done, processes;
	uint64_t bytes_done, bytes_expected; /* of memory; an estimate */
	uint64_t elapsed_ns;
};

/**
 * struct cryocore_gather_options - what to collect; cryocore_gather_options_init() has defaults.
 * @size: sizeof(struct cryocore_gather_options), set by cryocore_gather_options_init()
 * @directory: made if need be; refused if there is anything in it
 * @tar_fd: if not -1, everything goes there as one tar stream (pax, sparse), strictly in order,
 *	manifest.json last; nothing is written anywhere else, and @directory is not used. Needs root
 * @zstd_level: the stream is compressed; 1 to 19, 0: it is not
 * @all: every process but ourselves; kernel threads are recorded
 * @pids, @trees, @cgroups: these processes, these with all descendants, all in or below these
 *	cgroups; they are united, and limit @all if that is set too
 * @freeze: stop all of them before the first is read, and give them back afterwards
 * @keep_frozen: ... but leave them stopped, also when cancelled
 * @spare: words, as cryocore_count_processes() takes them: these are not frozen, and are read
 *	without a stop
 * @content: which mappings, as --content has it; NULL stands for "evidence"
 * @deleted_files: copy open files that have no name any more
 * @max_copy: most bytes of one copied file
 * @bundle: of the files that processes have mapped copy "none", "elf" (ELF files, and all that have
 *	no name any more) or "all"; NULL stands for "elf"
 * @bundle_max: most bytes of data of one of these: a larger one is left out
 * @jobs: captures at the same time; 0: as many as processors, at most 8
 * @case_id, @examiner, @note: for the log and manifest, or NULL
 * @argc, @argv: the command line for the log and manifest
 * @snapshot, @max_pause_ms: of each capture; with tar_fd no snapshot is possible
 * @no_syscall_restart, @no_stop, @require_registers, @timeout_ms: of each capture, as struct
 *	cryocore_options has them
 * @total_timeout_ms: what all captures together may take; who has not had its turn by then has no
 * core, and nothing more is read of any process; 0: no limit
 * @cancel: if not NULL and not 0, the collection ends soon, with what there is
 * @on_process: called when a process is done; in one thread at a time
 * @on_progress: called after each capture; in one thread at a time
 * @no_stacks: make no backtraces of what was captured
 */
struct cryocore_gather_options {
	size_t size;
	const char *directory;
	int tar_fd;
	int zstd_level;
	bool all;
	const pid_t *pids;
	size_t n_pids;
	const pid_t *trees;
	size_t n_trees;
	const char *const *cgroups;
	size_t n_cgroups;
	bool freeze, keep_frozen;
	const char *const *spare;
	size_t n_spare;
	const char *content;
	bool deleted_files;
	uint64_t max_copy;
	unsigned int jobs;
	const char *case_id, *examiner, *note;
	int argc;
	const char *const *argv;
	bool no_syscall_restart, no_stop, require_registers;
	uint64_t timeout_ms, total_timeout_ms;
	const volatile int *cancel;
	void (*on_process)(const struct cryocore_gathered *process, void *user);
	void (*on_progress)(const struct cryocore_gather_progress *progress, void *user);
	void *user;
	bool no_stacks;
	const char *bundle;
	uint64_t bundle_max;
	enum cryocore_snapshot snapshot;
	uint64_t max_pause_ms;
};

/**
 * struct cryocore_gather_result - the collection as a whole; cryocore_gather_result_free().
 * @outcome: CRYOCORE_COMPLETE; CRYOCORE_PARTIAL: something is missing, or was not given back;
 *	CRYOCORE_FAILED: nothing was collected
 * @processes: all, of which @kernel_threads; @complete, @partial, @failed of them
 * @files, @bytes: in the directory
 * @items_missing: items that could not be had
 * @frozen, @not_frozen: processes that were stopped, and that should have been but could not
 * @left_frozen: that stand still now because of us
 * @manifest_sha256: hex digest of manifest.json, which vouches for everything; "" without one
 * @messages: about the collection, not about one process
 */
struct cryocore_gather_result {
	enum cryocore_outcome outcome;
	size_t processes, kernel_threads, complete, partial, failed;
	uint64_t files, bytes, items_missing;
	size_t frozen, not_frozen, left_frozen;
	uint64_t total_ns;
	char manifest_sha256[65];
	size_t n_messages;
	const struct cryocore_message *messages;
};

void cryocore_gather_options_init(struct cryocore_gather_options *options);

/* How long the server of a file system may be silent: 30 s. */
#define CRYOCORE_SERVER_SILENCE_MS 30000

/**
 * cryocore_gather - collect evidence.
 * @ret_result: what became of it; the caller's
 *
 * Returns 0 when there is a result (which may say CRYOCORE_FAILED, with a message), or -ENOMEM,
 * -EINVAL (an option that this version does not know, or nothing selected), -ENXIO (a cgroup of
 * @cgroups or @spare does not exist), and then no result, and nothing was stopped or made.
 *
 * A server of the file system on which the evidence goes (FUSE, NFS) that stops answering amid of
 * it ends the collection when it has been silent for CRYOCORE_SERVER_SILENCE_MS, or for @timeout_ms
 * if that is shorter: every process is given back, the result says what is there, and the call
 * returns. Its threads that wait for that server are left behind, and so is what they have
 * allocated; the process of the caller cannot end before the server answers or its connection does.
 * A caller who wants to end all the same calls this in a child (cryocore_is_served()).
 *
 * SIGXFSZ and, with @tar_fd, SIGPIPE end the caller where files may not grow or nobody reads the
 * stream, unless he ignores them.
 */
int cryocore_gather(
	const struct cryocore_gather_options *options, struct cryocore_gather_result **ret_result);

/* Whether somebody (FUSE, a network) serves the file system of a path, which need not exist yet:
 * who writes there may wait for ever. He is not asked. */
bool cryocore_is_served(const char *path);

void cryocore_gather_result_free(struct cryocore_gather_result *result);

/* One process, or the whole, as one line of JSON, malloc'ed. 0, -ELIBACC (json-c cannot be loaded)
 * or -ENOMEM. */
int cryocore_gathered_json(const struct cryocore_gathered *process, char **ret_json);
int cryocore_gather_result_json(const struct cryocore_gather_result *result, char **ret_json);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
