// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "../elf/synthetic.h"
#include "capture/plan.h"

static const struct cryo_policy kernel = {.use_filter = true};

Test(plan, layout_of_every_architecture)
{
	static const size_t headers[] = {64 + 4 * 56, 52 + 4 * 32, 64 + 4 * 56, 64 + 4 * 56};

	for (size_t i = 0; i < 4; i++) {
		_cleanup_process_ struct cryo_process process =
			synthetic_process(synthetic_arch(i));
		_cleanup_plan_ struct cryo_plan plan = {0};

		cr_assert_eq(cryo_plan_build(&process, &kernel, &plan), 0);
		cr_assert_eq(plan.head.size, 4096);
		cr_assert_arr_eq(plan.head.data + headers[i] + 12, "CORE", 5);
		cr_assert_eq(plan.n_segments, 3);
		cr_assert_eq(plan.segments[0].offset, 4096);
		cr_assert_eq(plan.segments[1].offset, 3 * 4096);
		cr_assert_eq(plan.segments[2].offset, 4 * 4096);
		cr_assert_eq(plan.data_end, 5 * 4096);
		cr_assert_eq(plan.segments[2].vma, &process.vmas[2]);
		cr_assert_eq(plan.segments[2].reason, CRYO_DUMP_SPECIAL);
		cr_assert_eq(plan.tail.size, 0);
	}
}

Test(plan, program_headers)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_plan_ struct cryo_plan plan = {0};
	Elf64_Phdr phdrs[4];

	process.vmas[1].anonymous = 0;
	cr_assert_eq(cryo_plan_build(&process, &kernel, &plan), 0);
	memcpy(phdrs, plan.head.data + 64, sizeof(phdrs));
	cr_assert_eq(phdrs[0].p_type, PT_NOTE);
	cr_assert_eq(phdrs[0].p_offset, 64 + 4 * 56);
	cr_assert_eq(phdrs[0].p_align, 4);
	cr_assert_eq(phdrs[0].p_flags | phdrs[0].p_memsz | phdrs[0].p_vaddr, 0);
	cr_assert_eq(phdrs[1].p_flags, PF_R | PF_X);
	cr_assert_eq(phdrs[2].p_flags, PF_R | PF_W);
	cr_assert_eq(phdrs[2].p_filesz, 0, "a mapping without bytes has its PT_LOAD too");
	cr_assert_eq(phdrs[2].p_memsz, 4096);
	cr_assert_eq(phdrs[2].p_offset, 3 * 4096);
	cr_assert_eq(phdrs[3].p_offset, 3 * 4096);
	cr_assert_eq(phdrs[3].p_vaddr, 0xff000000);
	cr_assert_eq(phdrs[3].p_align, 4096);
}

Test(plan, notes_end_where_their_header_says)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(3));
	_cleanup_plan_ struct cryo_plan plan = {0};
	Elf64_Phdr phdr;

	cr_assert_eq(cryo_plan_build(&process, &kernel, &plan), 0);
	memcpy(&phdr, plan.head.data + 64, sizeof(phdr));
	for (size_t i = phdr.p_offset + phdr.p_filesz; i < plan.head.size; i++)
		cr_assert_eq(plan.head.data[i], 0);
}

Test(plan, alignment_follows_large_pages_where_the_machine_has_them)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(2));
	_cleanup_plan_ struct cryo_plan plan = {0};
	Elf64_Phdr phdr;

	process.page_size = 65536;
	cr_assert_eq(cryo_plan_build(&process, &kernel, &plan), 0);
	cr_assert_eq(plan.head.size, 65536);
	memcpy(&phdr, plan.head.data + 64 + 56, sizeof(phdr));
	cr_assert_eq(phdr.p_align, 65536);
}

Test(plan, same_process_same_bytes)
{
	_cleanup_process_ struct cryo_process one = synthetic_process(synthetic_arch(1));
	_cleanup_process_ struct cryo_process two = synthetic_process(synthetic_arch(1));
	_cleanup_plan_ struct cryo_plan first = {0}, second = {0};

	cr_assert_eq(cryo_plan_build(&one, &kernel, &first), 0);
	cr_assert_eq(cryo_plan_build(&two, &kernel, &second), 0);
	cr_assert_eq(first.head.size, second.head.size);
	cr_assert_arr_eq(first.head.data, second.head.data, first.head.size);
	cr_assert_eq(first.data_end, second.data_end);
	for (size_t i = 0; i < first.n_segments; i++) {
		cr_assert_eq(first.segments[i].offset, second.segments[i].offset);
		cr_assert_eq(first.segments[i].file_size, second.segments[i].file_size);
	}
}

static void add_vmas(struct cryo_process *process, size_t count)
{
	process->vmas = realloc(process->vmas, count * sizeof(*process->vmas));
	for (size_t i = process->n_vmas; i < count; i++)
		process->vmas[i] = (struct cryo_vma){.flags = CRYO_VM_READ,
			.start = (i << 13) + 0x100000000,
			.end = (i << 13) + 0x100001000,
			.anonymous = i % 2};
	process->n_vmas = count;
}

Test(plan, tail_from_65534_mappings_on)
{
	static const size_t counts[] = {65533, 65534, 70000};

	for (size_t i = 0; i < 3; i++) {
		_cleanup_process_ struct cryo_process process =
			synthetic_process(synthetic_arch(0));
		_cleanup_plan_ struct cryo_plan plan = {0};
		Elf64_Ehdr ehdr;

		add_vmas(&process, counts[i]);
		cr_assert_eq(cryo_plan_build(&process, &kernel, &plan), 0);
		memcpy(&ehdr, plan.head.data, sizeof(ehdr));
		cr_assert_eq(plan.tail.size, i ? 64 : 0);
		cr_assert_eq(ehdr.e_shoff, i ? plan.data_end : 0);
	}
}

Test(plan, sparse_terabytes_are_one_segment)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_plan_ struct cryo_plan plan = {0};

	process.vmas[1].end = process.vmas[1].start + (1ULL << 43);
	cr_assert_eq(cryo_plan_build(&process, &kernel, &plan), 0);
	cr_assert_eq(plan.data_end, 4 * 4096 + (1ULL << 43));
}

Test(plan, what_cannot_be_planned)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_process_ struct cryo_process narrow = synthetic_process(synthetic_arch(1));
	struct cryo_plan plan = {.data_end = 4711};

	process.vmas[1].end = process.vmas[1].start - 1;
	cr_assert_eq(cryo_plan_build(&process, &kernel, &plan), -EINVAL);
	process.vmas[1].end = UINT64_MAX;
	cr_assert_eq(cryo_plan_build(&process, &kernel, &plan), -EINVAL);
	process.vmas[1].end = 0x21000;
	process.n_threads = 0;
	cr_assert_eq(cryo_plan_build(&process, &kernel, &plan), -EINVAL);
	process.n_threads = 2;
	narrow.vmas[1].end = 0xff000000;
	narrow.vmas[0].end = 0xf0000000;
	cr_assert_eq(cryo_plan_build(&narrow, &kernel, &plan), -EOVERFLOW);
	cr_assert_eq(plan.data_end, 4711, "written in spite of an error");
}

/* Mappings that are still inside a segment of the sketch keep their place; the others go behind. */
Test(plan, beside_a_sketch)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_plan_ struct cryo_plan sketch = {0}, same = {0}, grown = {0};
	struct cryo_vma before[3];

	memcpy(before, process.vmas, sizeof(before));
	cr_assert_eq(cryo_plan_place(&process, &kernel, &sketch), 0);
	for (size_t i = 0; i < 3; i++)
		sketch.segments[i].vma = &before[i];
	cr_assert_eq(cryo_plan_sketch(16 * 4096, &sketch), 0);
	cr_assert_eq(cryo_plan_place(&process, &kernel, &same), 0);
	cr_assert_eq(cryo_plan_finish(&process, &sketch, &same), 0);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(same.segments[i].offset, sketch.segments[i].offset, "segment %zu", i);
	cr_assert_eq(same.data_end, sketch.data_end);
	process.vmas[1].end += 4096;
	cr_assert_eq(cryo_plan_place(&process, &kernel, &grown), 0);
	cr_assert_eq(cryo_plan_finish(&process, &sketch, &grown), 0);
	cr_assert_eq(grown.segments[0].offset, sketch.segments[0].offset);
	cr_assert_eq(grown.segments[1].offset, sketch.data_end, "it has no room any more");
	cr_assert_eq(grown.segments[2].offset, sketch.segments[2].offset);
}

Test(plan, find)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_plan_ struct cryo_plan plan = {0};
	const struct cryo_segment *last;

	cr_assert_eq(cryo_plan_place(&process, &kernel, &plan), 0);
	last = &plan.segments[2];
	cr_assert_eq(cryo_plan_find(&plan, last->vma->start), last);
	cr_assert_eq(cryo_plan_find(&plan, last->vma->start + last->file_size - 1), last);
	cr_assert_null(cryo_plan_find(&plan, last->vma->start + last->file_size));
	cr_assert_null(cryo_plan_find(&plan, 0));
}
