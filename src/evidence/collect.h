// SPDX-License-Identifier: MIT
/*
 * The files about one process, collected into a sink.
 *
 * cryo_collect() may hang where the target wants it to (environ, cmdline and smaps wait for the
 * target's mmap_lock; a file may lie on a server that does not answer). evidence/worker.h runs it
 * in a process that is killed when it hangs, and goes on behind the item that hung.
 */
#pragma once

#include "evidence/record.h"
#include "evidence/sink.h"
#include "proc/holders.h"
#include "proc/socket.h"
#include "proc/stat.h"

/*
 * Order of volatility (RFC 3227): what the kernel says about the process now, files that stay where
 * they are, and what is made of the core, which can wait until the process runs again.
 */
enum cryo_item_stage {
	CRYO_ITEM_VOLATILE,
	CRYO_ITEM_COPY,
	CRYO_ITEM_STACKS,
};

struct cryo_stacks_source;

/* Appends the text of stacks; called in a process of its own, that may be killed. 0 or -errno. */
typedef int cryo_stacks_maker(const struct cryo_stacks_source *source, struct cryo_buffer *text);

/**
 * struct cryo_stacks_source - what the stacks of a process are made from.
 * @core: descriptor of the core
 * @path: of the core, so that what lies beside it is found; NULL if it has none
 * @task: directory of the process in procfs, for the files that it has mapped; -1 if it is gone
 * @memory: what the maker keeps from one call to the next; NULL in it at first
 */
struct cryo_stacks_source {
	cryo_stacks_maker *make;
	int core;
	const char *path;
	int task;
	void **memory;
};

/* A file whose copy is in the sink already, and may be linked instead of copied again. */
struct cryo_copy {
	struct cryo_file_id file;
	char path[CRYO_SINK_PATH_MAX];
	struct cryo_deposit_sum sum;
};

/*
 * All of them, in memory that forks share: one process adds, others look. When it is full, what
 * comes later is copied again.
 */
struct cryo_copies;

/* NULL if there is no memory: then everything is copied. */
struct cryo_copies *cryo_copies_create(void);
void cryo_copies_destroy(struct cryo_copies *copies);
void cryo_copies_add(struct cryo_copies *copies, const struct cryo_copy *copy);
const struct cryo_copy *cryo_copies_find(
	const struct cryo_copies *copies, const struct cryo_file_id *file);

/**
 * struct cryo_collector - what to collect, and with what knowledge.
 * @pid: of the process, in the pid namespace of the procfs
 * @process: descriptor of its directory in procfs
 * @live: descriptor of the directory of a task that still has memory and files: @process itself,
 *	or /proc/TID of another thread where the leader has exited
 * @sink: the whole evidence, in which copies are linked
 * @place: the same at proc/PID: a sink of cryo_sink_open_below()
 * @is_kernel_thread: only the items that such a thing has
 * @deleted_files: copy open files that have no name any more
 * @max_copy: most bytes of one copied file
 * @holders: holders of pipes and sockets, or NULL
 * @sockets: of the network namespace of the process, or NULL
 * @copies: or NULL
 * @stacks: for CRYO_ITEM_STACKS alone
 */
struct cryo_collector {
	pid_t pid;
	int process, live;
	struct cryo_sink *sink, *place;
	struct cryo_records *records;
	bool is_kernel_thread;
	bool deleted_files;
	uint64_t max_copy;
	const struct cryo_holders *holders;
	const struct cryo_sockets *sockets;
	const struct cryo_copies *copies;
	const struct cryo_stacks_source *stacks;
};

/**
 * cryo_collect - collect the items of a stage.
 * @after: name of the item behind which to begin; NULL or "": all
 *
 * Every item gets a record, also those that could not be had. Returns 0, or -errno when the sink
 * or the records fail (-ENOSPC and the like): then nothing that follows can be had either.
 */
int cryo_collect(
	const struct cryo_collector *collector, enum cryo_item_stage stage, const char *after);

/* "proc/PID/NAME". */
void cryo_item_path(pid_t pid, const char *name, char ret_path[CRYO_SINK_PATH_MAX]);

/* Open what cryo_collector.live wants: a descriptor of our own, or -errno. @stat: of the process */
int cryo_collect_open_live(int process, const struct cryo_stat *stat);
