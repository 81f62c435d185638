// SPDX-License-Identifier: MIT
/*
 * The table of items: every file about a process, in the order in which they are collected.
 */
#pragma once

#include "evidence/collect.h"

/**
 * struct cryo_item - one file about a process; raw copy of a file in procfs, or generated.
 * @name: of the file below proc/PID
 * @source: file below the task's directory that is copied as it is; NULL if @make makes it
 * @make: writes the item; 0 or -errno; what it wrote before an error is kept as partial
 * @limit: most bytes
 * @stage: when it is taken
 * @of_process: it is read from the directory of the process even if the leader has exited
 * @of_kernel_thread: a kernel thread has it too
 */
struct cryo_item {
	const char *name;
	const char *source;
	int (*make)(const struct cryo_collector *collector, struct cryo_deposit *deposit);
	uint64_t limit;
	enum cryo_item_stage stage;
	bool of_process;
	bool of_kernel_thread;
};

extern const struct cryo_item cryo_items[];
extern const size_t cryo_items_count;

/* The generators; each head of its file describes the text. */
int cryo_item_descriptors(const struct cryo_collector *collector, struct cryo_deposit *deposit);
int cryo_item_fdinfo(const struct cryo_collector *collector, struct cryo_deposit *deposit);
int cryo_item_namespaces(const struct cryo_collector *collector, struct cryo_deposit *deposit);
int cryo_item_threads(const struct cryo_collector *collector, struct cryo_deposit *deposit);

/* Copies of open files that have no name: an item for each, as deleted/FD. 0 or -errno. */
int cryo_collect_deleted(const struct cryo_collector *collector, const char *after);

/* Copy a file of the process, or link the copy that there is. 0 or -errno of the sink. */
int cryo_collect_copy(const struct cryo_collector *collector, const char *name, int dir,
	const char *source, uint64_t limit);
