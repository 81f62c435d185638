// SPDX-License-Identifier: MIT
/*
 * The plan of a core: where every byte of it goes, before the first is read.
 *
 * Pure: no descriptor, no pid, no clock. The same process and policy give the same plan.
 *
 * Not followed: kernel.core_sort_vma, which sorts mappings by their size in the file with a sort
 * that is not stable (the order here is that of addresses, the kernel's default). Not written:
 * PT_AARCH64_MEMTAG_MTE, the memory tags of arm64's VM_MTE mappings; their data is in the core, the
 * tags are not.
 */
#pragma once

#include "base/buffer.h"
#include "capture/policy.h"

/* One PT_LOAD: the first @file_size bytes of a mapping stand at @offset, which counts from the
 * first segment until the plan is finished, and from the beginning of the file then. */
struct cryo_segment {
	const struct cryo_vma *vma;
	uint64_t offset;
	uint64_t file_size;
	enum cryo_dump_reason reason;
};

/**
 * struct cryo_plan - a core that is not yet written.
 * @head: ELF header, program headers, notes, and zeros up to the first segment
 * @segments: one for each mapping, in file order; refer to the process's mappings
 * @data_end: end of the last segment, counted as their offsets
 * @finished: cryo_plan_finish() has been here
 * @tail: section header 0, for @data_end; empty unless there are 65,535 program headers or more
 *
 * The process must outlive the plan.
 */
struct cryo_plan {
	struct cryo_buffer head;
	struct cryo_segment *segments;
	size_t n_segments;
	uint64_t data_end;
	bool finished;
	struct cryo_buffer tail;
};

/**
 * cryo_plan_place - choose what is dumped of each mapping: all that has to be known to read it.
 *
 * Returns 0, -ENOMEM, or -EINVAL (no arch row, a mapping that ends before it begins, sizes beyond
 * 64 bits).
 */
int cryo_plan_place(const struct cryo_process *process, const struct cryo_policy *policy,
	struct cryo_plan *ret_plan);

/* Make room for the notes of many threads, of pages that would be made while somebody waits; less
 * of it if memory is short. Becomes the head of a plan that is placed. */
void cryo_plan_make_room(uint64_t n_threads, struct cryo_buffer *room);

/**
 * cryo_plan_finish - make the head and the tail, and with them the offsets in the file: all that
 * has to be known to write it. Once.
 * @sketch: NULL, or a plan of the same process that was made earlier by cryo_plan_sketch(): what is
 *	still inside one of its segments keeps its place in the file, the rest goes behind them
 *
 * Returns 0, -ENOMEM, -EINVAL (sizes beyond 64 bits), or what cryo_notes_build() and
 * cryo_header_build() return.
 */
int cryo_plan_finish(
	const struct cryo_process *process, const struct cryo_plan *sketch, struct cryo_plan *plan);

/* Instead of finishing: only say how many bytes at the beginning of the file are not for segments.
 * 0 or -EINVAL. */
int cryo_plan_sketch(uint64_t head_size, struct cryo_plan *plan);

/* The segment that has the byte at an address; NULL if there is none. */
const struct cryo_segment *cryo_plan_find(const struct cryo_plan *plan, uint64_t address);

/* Place and finish. */
int cryo_plan_build(const struct cryo_process *process, const struct cryo_policy *policy,
	struct cryo_plan *ret_plan);

void cryo_plan_clear(struct cryo_plan *plan);

#define _cleanup_plan_ _cleanup_(cryo_plan_clear)
