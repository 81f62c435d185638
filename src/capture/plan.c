// SPDX-License-Identifier: MIT
/*
 * The layout of fs/coredump.c elf_core_dump(): headers, notes right behind them, zeros up to a page
 * of the ELF format, then what is kept of each mapping back to back. Sizes decide all offsets, so
 * the program headers are made last, although they stand first.
 */
#include "capture/plan.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/pages.h"
#include "elf/header.h"
#include "elf/notes.h"

enum {
	THREAD_ROOM = 4608 /* of its notes; with larger ones the room grows */
};

void cryo_plan_clear(struct cryo_plan *plan)
{
	cryo_buffer_clear(&plan->head);
	cryo_buffer_clear(&plan->tail);
	free(plan->segments);
	*plan = (struct cryo_plan){0};
}

static uint64_t segment_align(const struct cryo_process *process)
{
	return process->arch->exec_pagesize ? process->arch->exec_pagesize : process->page_size;
}

int cryo_plan_place(const struct cryo_process *process, const struct cryo_policy *policy,
	struct cryo_plan *ret_plan)
{
	_cleanup_plan_ struct cryo_plan plan = {0};
	uint64_t offset = 0;

	if (!process->arch)
		return -EINVAL;
	plan.segments = calloc(process->n_vmas + 1, sizeof(*plan.segments));
	if (!plan.segments)
		return -ENOMEM;
	for (size_t i = 0; i < process->n_vmas; i++) {
		const struct cryo_vma *vma = &process->vmas[i];
		struct cryo_segment *segment = &plan.segments[i];

		if (vma->end < vma->start)
			return -EINVAL;
		segment->vma = vma;
		segment->offset = offset;
		segment->file_size = cryo_policy_dump_size(policy, process, vma, &segment->reason);
		if (__builtin_add_overflow(offset, segment->file_size, &offset) ||
			offset > INT64_MAX)
			return -EINVAL;
	}
	plan.n_segments = process->n_vmas;
	plan.data_end = offset;
	*ret_plan = plan;
	plan = (struct cryo_plan){0};
	return 0;
}

/* Move all segments behind the head. */
static int shift_segments(uint64_t distance, struct cryo_plan *plan)
{
	if (__builtin_add_overflow(plan->data_end, distance, &plan->data_end) ||
		plan->data_end > INT64_MAX)
		return -EINVAL;
	for (size_t i = 0; i < plan->n_segments; i++)
		plan->segments[i].offset += distance;
	return 0;
}

static struct cryo_phdr load_phdr(const struct cryo_segment *segment, uint64_t align)
{
	const struct cryo_vma *vma = segment->vma;

	return (struct cryo_phdr){
		.type = PT_LOAD,
		.flags = (vma->flags & CRYO_VM_READ ? PF_R : 0) |
			 (vma->flags & CRYO_VM_WRITE ? PF_W : 0) |
			 (vma->flags & CRYO_VM_EXEC ? PF_X : 0),
		.offset = segment->offset,
		.vaddr = vma->start,
		.memsz = vma->end - vma->start,
		.filesz = segment->file_size,
		.align = align,
	};
}

static uint64_t segment_end(const struct cryo_segment *segment)
{
	return segment->vma->start + segment->file_size;
}

const struct cryo_segment *cryo_plan_find(const struct cryo_plan *plan, uint64_t address)
{
	size_t low = 0, high = plan->n_segments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (segment_end(&plan->segments[middle]) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < plan->n_segments && plan->segments[low].vma->start <= address
		       ? &plan->segments[low]
		       : NULL;
}

/* The place that a segment had in the sketch; 0 if it had none, or one where the head is now. */
static uint64_t kept_offset(
	const struct cryo_plan *sketch, uint64_t head_size, const struct cryo_segment *segment)
{
	const struct cryo_segment *old = cryo_plan_find(sketch, segment->vma->start);
	uint64_t offset;

	if (!segment->file_size || !old || segment_end(segment) > segment_end(old))
		return 0;
	offset = old->offset + (segment->vma->start - old->vma->start);
	return offset >= head_size ? offset : 0;
}

static int follow_sketch(const struct cryo_plan *sketch, uint64_t head_size, struct cryo_plan *plan)
{
	uint64_t behind = sketch->data_end > head_size ? sketch->data_end : head_size;
	uint64_t end = head_size;

	plan->data_end = head_size;
	for (size_t i = 0; i < plan->n_segments; i++) {
		struct cryo_segment *segment = &plan->segments[i];

		segment->offset = kept_offset(sketch, head_size, segment);
		if (!segment->offset)
			segment->offset = segment->file_size ? behind : end;
		if (__builtin_add_overflow(segment->offset, segment->file_size, &end) ||
			end > INT64_MAX)
			return -EINVAL;
		behind = end > behind ? end : behind;
		plan->data_end = end > plan->data_end ? end : plan->data_end;
	}
	return 0;
}

int cryo_plan_sketch(uint64_t head_size, struct cryo_plan *plan)
{
	return shift_segments(head_size, plan);
}

void cryo_plan_make_room(uint64_t n_threads, struct cryo_buffer *room)
{
	uint64_t size;

	if (!__builtin_mul_overflow(n_threads, THREAD_ROOM, &size) && size >= CRYO_HUGE_PAGE &&
		cryo_buffer_reserve(room, size) == 0)
		cryo_pages_make(room->data, size);
}

static int build_headers(
	const struct cryo_process *process, size_t notes_size, struct cryo_plan *plan)
{
	size_t n_phdrs = plan->n_segments + 1;
	_cleanup_free_ struct cryo_phdr *phdrs = calloc(n_phdrs, sizeof(*phdrs));
	int r;

	if (!phdrs)
		return -ENOMEM;
	phdrs[0] = (struct cryo_phdr){
		.type = PT_NOTE,
		.offset = cryo_header_size(process->arch, n_phdrs),
		.filesz = notes_size,
		.align = 4,
	};
	for (size_t i = 0; i < plan->n_segments; i++)
		phdrs[i + 1] = load_phdr(&plan->segments[i], segment_align(process));
	r = cryo_header_build(process->arch, phdrs, n_phdrs, plan->data_end, plan->head.data);
	return r < 0 ? r : cryo_header_build_shdr(process->arch, n_phdrs, &plan->tail);
}

int cryo_plan_finish(
	const struct cryo_process *process, const struct cryo_plan *sketch, struct cryo_plan *plan)
{
	size_t headers = process->arch ? cryo_header_size(process->arch, plan->n_segments + 1) : 0;
	struct cryo_buffer *head = &plan->head;
	size_t notes_end;
	int r = 0;

	if (!cryo_buffer_add_zero(head, headers))
		return -ENOMEM;
	r = cryo_notes_build(process, head);
	notes_end = head->size;
	if (r == 0)
		r = cryo_buffer_align(head, segment_align(process));
	if (r == 0)
		r = sketch ? follow_sketch(sketch, head->size, plan)
			   : shift_segments(head->size, plan);
	if (r == 0)
		r = build_headers(process, notes_end - headers, plan);
	plan->finished = r == 0;
	return r;
}

int cryo_plan_build(const struct cryo_process *process, const struct cryo_policy *policy,
	struct cryo_plan *ret_plan)
{
	_cleanup_plan_ struct cryo_plan plan = {0};
	int r = cryo_plan_place(process, policy, &plan);

	if (r == 0)
		r = cryo_plan_finish(process, NULL, &plan);
	if (r < 0)
		return r;
	*ret_plan = plan;
	plan = (struct cryo_plan){0};
	return 0;
}
