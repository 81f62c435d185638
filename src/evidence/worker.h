// SPDX-License-Identifier: MIT
/*
 * A process that collects the files about one process after another (evidence/collect.h), for one
 * thread of its owner. Where it hangs it is killed, the item at which it stood is recorded as timed
 * out, and another goes on behind it.
 */
#pragma once

#include "evidence/collect.h"

/* A network namespace, and the sockets in it. */
struct cryo_net_space {
	ino_t inode;
	struct cryo_sockets sockets;
};

/**
 * struct cryo_worker_setup - what the workers of one collection have in common; borrowed.
 * @sink: must survive a kill (struct cryo_sink_ops)
 * @procfs: descriptor
 * @stall_ms: a worker is killed after so long without any sign of life
 * @sink_error: not 0: a worker that hangs is not followed by another; or NULL
 * @deleted_files, @max_copy, @holders, @copies: see struct cryo_collector
 * @own_net: a network namespace that need not be read again; @inode 0: none
 * @stacks: makes the text of stacks, or NULL
 */
struct cryo_worker_setup {
	struct cryo_sink *sink;
	int procfs;
	unsigned int stall_ms;
	const _Atomic int *sink_error;
	bool deleted_files;
	uint64_t max_copy;
	const struct cryo_holders *holders;
	const struct cryo_net_space *own_net;
	const struct cryo_copies *copies;
	cryo_stacks_maker *stacks;
};

/**
 * struct cryo_task - what a worker is asked for.
 * @pid, @start_time: which process
 * @is_kernel_thread: only the items that such a thing has
 * @core: for CRYO_ITEM_STACKS, a descriptor of the core; else -1
 * @core_has_path: the core is the one below proc/PID, and not something that was kept of it
 */
struct cryo_task {
	pid_t pid;
	uint64_t start_time;
	bool is_kernel_thread;
	enum cryo_item_stage stage;
	int core;
	bool core_has_path;
};

/**
 * struct cryo_answer - how it went.
 * @gone: the process had ended, or its number belongs to another one
 * @refused: negative: it could not even be opened, and there are no records
 * @error: negative: the sink or the worker failed, and nothing that follows can be had either
 */
struct cryo_answer {
	bool gone;
	int refused, error;
};

/* A worker, perhaps not yet started. @orders: a socket to it. */
struct cryo_worker {
	pid_t child;
	int pidfd, orders;
	struct cryo_records records;
};

#define CRYO_WORKER_NONE ((struct cryo_worker){0, -1, -1, CRYO_RECORDS_NONE})

/**
 * cryo_worker_run - collect the items of a stage of one process.
 *
 * The calling thread must live until cryo_worker_end(): its end would be that of the worker
 * (PR_SET_PDEATHSIG). Every item has a record then, also those that could not be had; one at which
 * the worker hung has ETIMEDOUT. A worker that cannot be killed is left behind.
 */
struct cryo_answer cryo_worker_run(const struct cryo_worker_setup *setup,
	struct cryo_worker *worker, const struct cryo_task *task);

/* Dismiss it. */
void cryo_worker_end(struct cryo_worker *worker);
