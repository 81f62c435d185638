// SPDX-License-Identifier: MIT
/*
 * Everything is kept until the headers and notes have passed: then they tell where the stack of
 * each thread lies. A thread that runs a signal handler on a stack of its own has left another one
 * behind, which is found by its size alone: so small segments are kept too.
 *
 * Memory is that of the collector, so what is kept is bounded: stacks first.
 */
#include "elf/core_keep.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "elf/core_process.h"

enum {
	BELOW = 4096,        /* under a stack pointer: the red zone */
	STACK_MAX = 8 << 20, /* of one stack */
	SMALL = 1 << 20,     /* a segment that is kept whole */
	HEAD_MAX = 512 << 20,
	TAIL_MAX = 32 << 20,
	ROOM = 1 << 17,
};

static const uint64_t kept_max = 256 << 20;

int cryo_core_keep_begin(enum cryo_core_keep_what what, struct cryo_core_keep *ret_keep)
{
	int fd = memfd_create("core", MFD_CLOEXEC);

	*ret_keep = CRYO_CORE_KEEP_NONE;
	if (fd < 0)
		return -errno;
	ret_keep->fd = fd;
	ret_keep->what = what;
	return 0;
}

static int add_range(struct cryo_core_keep *keep, uint64_t from, uint64_t end)
{
	struct cryo_core_range *range = cryo_array_add(keep->ranges, keep->n_ranges);

	if (!range)
		return -ENOMEM;
	*range = (struct cryo_core_range){from, end};
	return 0;
}

/* A stack begins a little below its pointer and goes on to the end of its segment. */
static int add_stack(struct cryo_core_keep *keep, const struct cryo_core *core, uint64_t sp)
{
	const struct cryo_phdr *load = cryo_core_find_load(core, sp);
	uint64_t into, end;

	if (!load || sp - load->vaddr >= load->filesz)
		return 0;
	into = sp - load->vaddr > BELOW ? sp - load->vaddr - BELOW : 0;
	end = load->filesz - into < STACK_MAX ? load->filesz : into + STACK_MAX;
	return add_range(keep, load->offset + into, load->offset + end);
}

static int add_small(struct cryo_core_keep *keep, const struct cryo_core *core, uint64_t room)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < core->n_phdrs; i++) {
		const struct cryo_phdr *load = &core->phdrs[i];

		if (load->type != PT_LOAD || load->filesz == 0 || load->filesz > SMALL)
			continue;
		if (load->filesz > room)
			break;
		room -= load->filesz;
		r = add_range(keep, load->offset, load->offset + load->filesz);
	}
	return r;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct cryo_core_range *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* In order, and those that touch each other as one; returns how much they are. */
static uint64_t sort_ranges(struct cryo_core_keep *keep)
{
	uint64_t sum = 0;
	size_t n = 0;

	if (keep->n_ranges)
		qsort(keep->ranges, keep->n_ranges, sizeof(*keep->ranges), compare_ranges);
	for (size_t i = 0; i < keep->n_ranges; i++) {
		const struct cryo_core_range *range = &keep->ranges[i];

		if (n == 0 || range->offset > keep->ranges[n - 1].end)
			keep->ranges[n++] = *range;
		else if (range->end > keep->ranges[n - 1].end)
			keep->ranges[n - 1].end = range->end;
	}
	keep->n_ranges = n;
	for (size_t i = 0; i < n; i++)
		sum += keep->ranges[i].end - keep->ranges[i].offset;
	return sum;
}

static int choose_stacks(struct cryo_core_keep *keep, const struct cryo_core *core)
{
	_cleanup_core_process_ struct cryo_core_process process = {0};
	int r = cryo_core_process_read(core, &process);
	uint64_t stacks;

	for (size_t i = 0; r == 0 && i < process.n_threads; i++)
		r = add_stack(keep, core, process.threads[i].sp);
	stacks = sort_ranges(keep);
	if (r == 0)
		r = add_small(keep, core, stacks < kept_max ? kept_max - stacks : 0);
	sort_ranges(keep);
	return r;
}

/* Our own note, or what does not belong there. */
static int choose_tail(struct cryo_core_keep *keep, const struct cryo_core *core)
{
	uint64_t end = 0;

	for (size_t i = 0; i < core->n_phdrs; i++) {
		const struct cryo_phdr *phdr = &core->phdrs[i];

		if (phdr->filesz <= INT64_MAX && phdr->offset <= INT64_MAX &&
			phdr->offset + phdr->filesz > end)
			end = phdr->offset + phdr->filesz;
	}
	return add_range(keep, end, end + TAIL_MAX);
}

static int choose(struct cryo_core_keep *keep, const struct cryo_core *core)
{
	return keep->what == CRYO_KEEP_STACKS ? choose_stacks(keep, core) : choose_tail(keep, core);
}

static uint64_t first_load(const struct cryo_core *core)
{
	for (size_t i = 0; i < core->n_phdrs; i++)
		if (core->phdrs[i].type == PT_LOAD && core->phdrs[i].filesz)
			return core->phdrs[i].offset;
	return UINT64_MAX;
}

/*
 * Headers and notes stand before all segments, so they have passed when the first segment begins.
 * Program headers that are not there yet read as zeros, which are none.
 */
static void decide(struct cryo_core_keep *keep, uint64_t position)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	int r = cryo_core_open_fd(keep->fd, &core);

	keep->next_look = position * 2;
	if (r == 0 && position >= first_load(&core)) {
		keep->decided = true;
		r = choose(keep, &core);
	}
	if (r < 0)
		keep->error = r;
}

static void keep_bytes(
	struct cryo_core_keep *keep, uint64_t offset, const uint8_t *data, size_t size)
{
	int r = cryo_io_pwrite(keep->fd, data, size, (off_t)offset);

	keep->size += size;
	if (r < 0)
		keep->error = r;
}

static void keep_chosen(
	struct cryo_core_keep *keep, uint64_t offset, const uint8_t *data, size_t size)
{
	uint64_t end = offset + size;

	for (; keep->next < keep->n_ranges && !keep->error; keep->next++) {
		const struct cryo_core_range *range = &keep->ranges[keep->next];
		uint64_t from = range->offset > offset ? range->offset : offset;
		uint64_t to = range->end < end ? range->end : end;

		if (from < to)
			keep_bytes(keep, from, data + (from - offset), (size_t)(to - from));
		if (range->end > end)
			break;
	}
}

void cryo_core_keep_pass(
	struct cryo_core_keep *keep, uint64_t offset, const void *data, size_t size)
{
	if (keep->fd < 0 || keep->error)
		return;
	if (keep->decided) {
		keep_chosen(keep, offset, data, size);
		return;
	}
	keep_bytes(keep, offset, data, size);
	if (!keep->error && keep->size > HEAD_MAX)
		keep->error = -EFBIG;
	if (!keep->error && offset + size >= keep->next_look)
		decide(keep, offset + size);
}

int cryo_core_keep_end(struct cryo_core_keep *keep, uint64_t core_size)
{
	if (keep->fd >= 0 && !keep->error && ftruncate(keep->fd, (off_t)core_size) < 0)
		keep->error = -errno;
	return keep->error;
}

int cryo_core_keep_input(
	struct cryo_input *input, enum cryo_core_keep_what what, struct cryo_core_keep *ret_keep)
{
	_cleanup_free_ uint8_t *room = malloc(ROOM);
	int r = cryo_core_keep_begin(what, ret_keep);
	uint64_t size = 0;
	ssize_t n;

	if (r < 0 || !room)
		return r < 0 ? r : -ENOMEM;
	while ((n = cryo_input_read(input, room, ROOM)) > 0) {
		cryo_core_keep_pass(ret_keep, size, room, (size_t)n);
		size += (uint64_t)n;
	}
	r = cryo_core_keep_end(ret_keep, size);
	return r < 0 ? r : (int)n;
}

void cryo_core_keep_clear(struct cryo_core_keep *keep)
{
	cryo_cleanup_close(&keep->fd);
	free(keep->ranges);
	*keep = CRYO_CORE_KEEP_NONE;
}
