// SPDX-License-Identifier: MIT
/*
 * process_vm_readv(2) is the fast way (a warm buffer takes 6 to 7 GiB/s); /proc/PID/mem is the sure
 * one. Both stop at a page that they cannot read; the caller goes on behind it.
 */
#include "trace/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/io.h"
#include "trace/page_set.h"
#include "trace/pagemap.h"

int cryo_memory_open(int task_dir, pid_t tid, struct cryo_memory *ret_memory)
{
	_cleanup_memory_ struct cryo_memory memory = CRYO_MEMORY_NONE;

	memory.tid = tid;
	memory.page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	memory.mem = openat(task_dir, "mem", O_RDONLY | O_CLOEXEC);
	if (memory.mem < 0)
		return -errno;
	memory.pagemap = openat(task_dir, "pagemap", O_RDONLY | O_CLOEXEC);
	if (memory.pagemap < 0)
		return -errno;
	memory.scan_wanted = cryo_pagemap_probe_scan(memory.pagemap);
	*ret_memory = memory;
	memory = CRYO_MEMORY_NONE;
	return 0;
}

void cryo_memory_close(struct cryo_memory *memory)
{
	cryo_cleanup_close(&memory->mem);
	cryo_cleanup_close(&memory->pagemap);
	*memory = CRYO_MEMORY_NONE;
}

/* Of an address space that nobody has reads give 0 bytes, and else an error where nothing is. */
bool cryo_memory_is_alive(const struct cryo_memory *memory)
{
	char byte;

	return pread(memory->mem, &byte, 1, 0) != 0;
}

/* Page tables that give no answer, or come to no end, are those of a process that has ended, or
 * executed another program. */
static int error_of(const struct cryo_memory *memory, int r)
{
	return r == -EIO && !cryo_memory_is_alive(memory) ? -ESRCH : r;
}

static int scan(const struct cryo_memory *memory, uint64_t start, uint64_t end,
	struct cryo_extent *extents, size_t room, size_t *ret_count, uint64_t *ret_next)
{
	int r = memory->scan_wanted
			? cryo_pagemap_scan(memory->pagemap, memory->scan_wanted, memory->which,
				  start, end, extents, room, ret_count, ret_next)
			: cryo_pagemap_walk(memory->pagemap, memory->page_size, start, end, extents,
				  room, ret_count, ret_next);

	return error_of(memory, r);
}

int cryo_memory_find_own(const struct cryo_memory *memory, uint64_t start, uint64_t end,
	struct cryo_extent *extents, size_t room, size_t *ret_count, uint64_t *ret_next)
{
	int r = memory->scan_wanted ? cryo_pagemap_find_own(memory->pagemap, start, end, extents,
					      room, ret_count, ret_next)
				    : -EOPNOTSUPP;

	return error_of(memory, r);
}

/* The stretches between pages that are left out, one after the other. */
static int scan_between(const struct cryo_memory *memory, uint64_t start, uint64_t end,
	struct cryo_extent *extents, size_t room, size_t *ret_count, uint64_t *ret_next)
{
	struct cryo_extent stretch;
	size_t found;
	int r;

	*ret_count = 0;
	*ret_next = end;
	while (cryo_page_set_next(memory->left_out, start, end, false, &stretch)) {
		r = scan(memory, stretch.start, stretch.end, extents + *ret_count,
			room - *ret_count, &found, &start);
		if (r < 0)
			return r;
		*ret_count += found;
		if (start < stretch.end || *ret_count == room) {
			*ret_next = start;
			break;
		}
	}
	return 0;
}

int cryo_memory_scan(const struct cryo_memory *memory, uint64_t start, uint64_t end,
	struct cryo_extent *extents, size_t room, size_t *ret_count, uint64_t *ret_next)
{
	return (memory->left_out ? scan_between : scan)(
		memory, start, end, extents, room, ret_count, ret_next);
}

bool cryo_memory_is_guard(const struct cryo_memory *memory, uint64_t address)
{
	return cryo_pagemap_is_guard(memory->pagemap, memory->page_size, address);
}

bool cryo_memory_is_own(const struct cryo_memory *memory, uint64_t address)
{
	return cryo_pagemap_is_own(memory->pagemap, memory->page_size, address);
}

static ssize_t read_vm(pid_t tid, uint64_t address, void *data, size_t size)
{
	struct iovec local = {data, size}, remote = {(void *)(uintptr_t)address, size};
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : n;
}

ssize_t cryo_memory_read(
	const struct cryo_memory *memory, uint64_t address, void *data, size_t size, bool forced)
{
	ssize_t n = forced ? -EFAULT : read_vm(memory->tid, address, data, size);

	if (n > 0 || n == -ESRCH)
		return n;
	n = cryo_io_pread(memory->mem, data, size, (off_t)address);
	return n == 0 ? -ESRCH : n;
}

size_t cryo_memory_read_pieces(
	const struct cryo_memory *memory, const struct cryo_piece *pieces, size_t count)
{
	struct iovec local[CRYO_MEMORY_PIECES], remote[CRYO_MEMORY_PIECES];
	ssize_t n;

	for (size_t i = 0; i < count; i++) {
		local[i] = (struct iovec){pieces[i].data, pieces[i].size};
		remote[i] = (struct iovec){(void *)(uintptr_t)pieces[i].address, pieces[i].size};
	}
	n = process_vm_readv(memory->tid, local, count, remote, count, 0);
	return n < 0 ? 0 : (size_t)n;
}
