// SPDX-License-Identifier: MIT
/*
 * Inspect: everything about a stopped process except its memory, as a struct cryo_process.
 *
 * It has two halves: before the stop what cannot change, or is checked again, is fetched and
 * opened; during the stop the rest. For the reader process only: a hostile target can make reads
 * of /proc block.
 */
#pragma once

#include "base/buffer.h"
#include "capture/early.h"
#include "capture/guard.h"
#include "capture/ids.h"
#include "model/process.h"
#include "proc/identity.h"
#include "proc/mountinfo.h"
#include "trace/memory.h"

/**
 * struct cryo_inspector - what is open while a process is looked at.
 * @procfs: where the process is looked up; not owned
 * @identity: the process; not owned
 * @live: a thread that has not exited; it stands for the process where the leader cannot
 * @live_dir: /proc/LIVE
 * @swap: for @memory, NULL if nothing of it was in swap; owned; @swapped: bytes that were
 * @exe: the executable, or -1; @exe_error why
 * @root: what the process sees as "/", as a path of ours without a final slash; "" for "/"
 * @vdso: the vdso of its ABI, empty if it is not to be had
 * @ppid: for prstatus, in the process's pid namespace
 * @own_ids: of this system
 * @same_ids: it is in our pid namespace
 * @needs_sizes: it matters how much of a mapping is there, and not only whether anything is
 * @early: what was read before the stop
 * @n_threads: before the stop; @unstoppable: it is known then that a thread will not be stopped
 * @expected: bytes of memory that its core will hold, about; files aside
 * @deadline: of the whole capture; @write_until: when memory must have been read, to leave time for
 *	the rest
 * @guard: of the thread that works with it; @n_given_up: threads that got stuck
 * @early_error, @memory_error, @text_error, @files_error, @arguments_error: 0, or a negative errno:
 *	whoever asked for it (memory: and for whatever else needs the lock of the address space) got
 *	stuck
 *	@files_error may be -EDEADLK: no file is opened in the stop (proc/fanotify.h)
 * @cautious: BPF is not asked either
 * @maps_text: maps as far as it came; @has_maps_text: that is all of it
 */
struct cryo_inspector {
	int procfs;
	const struct cryo_identity *identity;
	pid_t live;
	int live_dir;
	struct cryo_memory memory;
	struct cryo_swap *swap;
	uint64_t swapped;
	int exe, exe_error;
	struct cryo_mount *mounts;
	size_t n_mounts;
	char *root;
	struct cryo_buffer vdso;
	pid_t ppid;
	struct cryo_own_ids own_ids;
	bool same_ids;
	bool needs_sizes;
	struct cryo_early early;
	bool unstoppable;
	uint64_t n_threads, expected;
	uint64_t deadline, write_until;
	struct cryo_guard *guard;
	unsigned int n_given_up;
	int early_error, memory_error, text_error, files_error, arguments_error;
	bool cautious;
	struct cryo_buffer maps_text;
	bool has_maps_text;
};

#define CRYO_INSPECTOR_NONE                                                                        \
	((struct cryo_inspector){.procfs = -1,                                                     \
		.live_dir = -1,                                                                    \
		.memory = CRYO_MEMORY_NONE,                                                        \
		.exe = -1,                                                                         \
		.early = CRYO_EARLY_NONE})

/*
 * Whether the process still has its memory. If not, what the page tables have told may be of one
 * that was about to go: pages that were not found are not known to be none.
 */
bool cryo_inspect_has_memory(struct cryo_inspector *inspector);

/* Before the stop. 0, -ESRCH (gone, or all threads have exited), -EACCES or -EPERM, or -errno. */
int cryo_inspect_before(
	int procfs, const struct cryo_identity *identity, struct cryo_inspector *ret_inspector);

/* Behind it, with a guard: open the executable, and find the vdso. */
void cryo_inspect_exe(struct cryo_inspector *inspector);

/**
 * cryo_inspect - during the stop (or without one, for a plan).
 * @records, @records_size: registers by the tracer (trace/registers.h); they must outlive the
 *	process. Threads that are not in them are those that were not stopped
 * @ret_exec: the process has executed another program since cryo_inspect_before()
 *
 * Returns 0 or -errno; -ESRCH if the process is gone.
 */
int cryo_inspect(struct cryo_inspector *inspector, const void *records, size_t records_size,
	struct cryo_process *ret_process, bool *ret_exec);

/**
 * cryo_inspect_memory - what a process has mapped, and what its core would have of it.
 *
 * Nothing is known of its threads but that they are native. While it runs this may be wrong as soon
 * as it is told. 0 or -errno.
 */
int cryo_inspect_memory(struct cryo_inspector *inspector, struct cryo_process *ret_process);

/* Ask the processor for the XSAVE layout of the process, which needs nobody to stand still. 0 or
 * -ENOMEM. */
int cryo_inspect_layout(struct cryo_process *process);

/* Open the file behind a mapping, through map_files or, without privilege, by its name. Fd, -errno:
 * -EREMOTE if its file system may not answer. */
int cryo_inspector_open_file(const struct cryo_inspector *inspector, const struct cryo_vma *vma);

/* Whether a file on this device may have a server that does not answer (FUSE, network). */
bool cryo_inspector_is_remote(const struct cryo_inspector *inspector, dev_t device);

/* How long a thread may stand still now: never so long that there is no time for the rest. */
uint64_t cryo_inspector_patience(const struct cryo_inspector *inspector);

/* Ask for nothing of what a core can do without: who did it before has crashed. */
void cryo_inspector_be_cautious(struct cryo_inspector *inspector);

void cryo_inspector_clear(struct cryo_inspector *inspector);

#define _cleanup_inspector_ _cleanup_(cryo_inspector_clear)
