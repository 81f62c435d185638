// SPDX-License-Identifier: MIT
/*
 * The memory of a process, read so that nothing is faulted into it.
 *
 * First the page tables are asked what is there (PAGEMAP_SCAN, or pagemap before Linux 6.7); only
 * pages that are present or swapped are then read, by process_vm_readv(2), and by /proc/PID/mem
 * where that refuses (PROT_NONE, write-only and execute-only memory: FOLL_FORCE) or where it could
 * block (a page that a userfaultfd serves).
 *
 * For the reader process only: a read can block for ever in a hostile target.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct cryo_page_set;
struct cryo_swap;

/* Which of the pages that are there. The last two: see trace/tracking.h. */
enum cryo_scan {
	CRYO_SCAN_ALL,
	CRYO_SCAN_WRITTEN, /* written since they were last told; what is not tracked is left out */
	CRYO_SCAN_LOST,    /* written since, or not there any more; not there but in swap, too */
};

/**
 * struct cryo_memory - descriptors of one address space.
 * @tid: a live thread of the process
 * @mem, @pagemap: below /proc/PID/task/TID
 * @page_size: of this machine
 * @scan_wanted: for PAGEMAP_SCAN; 0 if the kernel does not know it
 * @which: pages that a scan is to find; all but CRYO_SCAN_ALL need PAGEMAP_SCAN
 * @left_out: pages that no scan finds; not owned; may be NULL
 * @swap: what is read from swap goes back there; not owned; NULL: nothing does
 */
struct cryo_memory {
	pid_t tid;
	int mem, pagemap;
	uint64_t page_size;
	uint64_t scan_wanted;
	enum cryo_scan which;
	const struct cryo_page_set *left_out;
	struct cryo_swap *swap;
};

#define CRYO_MEMORY_NONE ((struct cryo_memory){.mem = -1, .pagemap = -1})

/* A run of pages. */
struct cryo_extent {
	uint64_t start, end;
};

/* A piece to be read: @size bytes of the target from @address to @data. */
struct cryo_piece {
	uint64_t address;
	uint8_t *data;
	size_t size;
};

/* Most pieces of one cryo_memory_read_pieces(): UIO_MAXIOV. */
#define CRYO_MEMORY_PIECES 1024

/**
 * cryo_memory_open - take the memory of a process by one of its threads.
 * @task_dir: /proc/PID/task/TID
 *
 * Returns 0 or -errno of open(2) (-EACCES, -EPERM: no ptrace access).
 */
int cryo_memory_open(int task_dir, pid_t tid, struct cryo_memory *ret_memory);
void cryo_memory_close(struct cryo_memory *memory);

/* Whether the address space is still somebody's: not after the end of the process, nor after its
 * execve(2). */
bool cryo_memory_is_alive(const struct cryo_memory *memory);

/**
 * cryo_memory_scan - pages of a range that are present, swapped or guard pages, and not the
 *	zero page; of these the ones that @which says.
 * @extents: room for @room runs, in address order, merged where they touch
 * @ret_count: how many there are
 * @ret_next: everything before it is told; equals @end when the range is done
 *
 * Returns 0 or -errno; -EPERM for CRYO_SCAN_LOST if not all of the range is tracked.
 */
int cryo_memory_scan(const struct cryo_memory *memory, uint64_t start, uint64_t end,
	struct cryo_extent *extents, size_t room, size_t *ret_count, uint64_t *ret_next);

/**
 * cryo_memory_find_own - pages of a range that are the process's own, and not of a file: in memory
 *	or in swap.
 *
 * As cryo_memory_scan(), but not too many at a time. 0, -EOPNOTSUPP without PAGEMAP_SCAN, or
 *-errno.
 */
int cryo_memory_find_own(const struct cryo_memory *memory, uint64_t start, uint64_t end,
	struct cryo_extent *extents, size_t room, size_t *ret_count, uint64_t *ret_next);

/* Whether a page that cannot be read is a guard page, which is a hole and not a gap. */
bool cryo_memory_is_guard(const struct cryo_memory *memory, uint64_t address);

/* Whether there is a page of the process's own, and not of a file; also if that cannot be told. */
bool cryo_memory_is_own(const struct cryo_memory *memory, uint64_t address);

/**
 * cryo_memory_read - read a range, up to the first byte that cannot be read.
 * @forced: by /proc/PID/mem only, which ignores protections and never waits for a userfaultfd
 *
 * Returns the bytes read; 0 never; -errno if the first page cannot be read (-EIO, -EFAULT: nothing
 * is there or it may not be read; -ESRCH: the process is gone).
 */
ssize_t cryo_memory_read(
	const struct cryo_memory *memory, uint64_t address, void *data, size_t size, bool forced);

/**
 * cryo_memory_read_pieces - read pieces of readable memory in one call.
 *
 * Returns how many bytes were read in the order of the pieces, stopping at the first page that
 * cannot be read; 0 if it is the first one, or if process_vm_readv(2) is not to be had.
 */
size_t cryo_memory_read_pieces(
	const struct cryo_memory *memory, const struct cryo_piece *pieces, size_t count);

#define _cleanup_memory_ _cleanup_(cryo_memory_close)
