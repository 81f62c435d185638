// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "elf/notes.h"
#include "synthetic.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct expected_note {
	const char *owner;
	uint32_t type;
	size_t size;
};

static void expect_notes(
	const struct cryo_buffer *notes, const struct expected_note *expected, size_t n_expected)
{
	const char *owner;
	uint32_t type;
	size_t size;

	for (size_t i = 0; i < n_expected; i++) {
		cr_assert_not_null(note_at(notes, i, &type, &size, &owner), "note %zu", i);
		cr_assert_str_eq(owner, expected[i].owner, "note %zu", i);
		cr_assert_eq(type, expected[i].type, "note %zu: type %#x", i, type);
		cr_assert_eq(size, expected[i].size, "note %zu: %zu bytes", i, size);
	}
	cr_assert_null(note_at(notes, n_expected, &type, &size, &owner));
}

Test(notes, order_of_the_kernel_and_nothing_without_a_row)
{
	static const struct expected_note expected[] = {
		{"CORE", 1, 336},
		{"CORE", 3, 136},
		{"CORE", 0x53494749, 128},
		{"CORE", 6, 32},
		{"CORE", 0x46494c45, 16 + 24 + 7},
		{"CORE", 2, 8},
		{"LINUX", 0x201, 3},
		{"LINUX", 0x202, 5},
		{"CORE", 1, 336},
		{"CORE", 2, 8},
		{"LINUX", 0x205, 32},
	};
	static const struct cryo_regset extra[] = {
		{NT_X86_XSTATE, 5, "abcde"}, {0x7777, 4, "none"}, {NT_386_IOPERM, 3, "xyz"}};
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	struct cryo_thread *thread = &process.threads[0];

	thread->regsets = realloc(thread->regsets, 5 * sizeof(*thread->regsets));
	memcpy(&thread->regsets[2], extra, sizeof(extra));
	thread->n_regsets = 5;
	process.xsave_layout = calloc(1, 32);
	process.xsave_layout_size = 32;
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	expect_notes(&notes, expected, ARRAY_SIZE(expected));
	cr_assert_eq(notes.size % 4, 0);
}

Test(notes, order_on_i386)
{
	static const struct expected_note expected[] = {
		{"CORE", 1, 144},
		{"CORE", 3, 124},
		{"CORE", 0x53494749, 128},
		{"CORE", 6, 16},
		{"CORE", 0x46494c45, 8 + 12 + 7},
		{"CORE", 2, 8},
		{"LINUX", 0x46e62b7f, 6},
		{"LINUX", 0x202, 5},
		{"LINUX", 0x200, 2},
		{"CORE", 1, 144},
		{"CORE", 2, 8},
	};
	static const struct cryo_regset extra[] = {
		{NT_386_TLS, 2, "tl"}, {NT_X86_XSTATE, 5, "abcde"}, {NT_PRXFPREG, 6, "fxsave"}};
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(1));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	struct cryo_thread *thread = &process.threads[0];

	thread->regsets = realloc(thread->regsets, 5 * sizeof(*thread->regsets));
	memcpy(&thread->regsets[2], extra, sizeof(extra));
	thread->n_regsets = 5;
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	expect_notes(&notes, expected, ARRAY_SIZE(expected));
}

Test(notes, frame_is_padded_with_zeros)
{
	_cleanup_buffer_ struct cryo_buffer notes = {0};

	cr_assert_eq(cryo_note_add(&notes, synthetic_arch(0), "LINUX", 0x202, "abcde", 5), 0);
	cr_assert_eq(notes.size, 12 + 8 + 8);
	cr_assert_arr_eq(notes.data,
		"\x06\0\0\0\x05\0\0\0\x02\x02\0\0"
		"LINUX\0\0\0"
		"abcde\0\0\0",
		28);
}

Test(notes, file_note_64)
{
	static const uint8_t expected[] = "\x02\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0"
					  "\0\0\x01\0\0\0\0\0\0\x20\x01\0\0\0\0\0\x03\0\0\0\0\0\0\0"
					  "\0\0\0\xff\0\0\0\0\0\x10\0\xff\0\0\0\0\0\0\0\0\0\0\0\0"
					  "/bin/x\0/memfd:a\nb (deleted)";
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(3));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	const uint8_t *desc;
	const char *owner;
	uint32_t type;
	size_t size;

	process.vmas[2].kind = CRYO_VMA_FILE;
	free(process.vmas[2].name);
	process.vmas[2].name = strdup("/memfd:a\nb (deleted)");
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	desc = note_at(&notes, 4, &type, &size, &owner);
	cr_assert_eq(type, NT_FILE);
	cr_assert_eq(size, sizeof(expected));
	cr_assert_arr_eq(desc, expected, size);
}

Test(notes, file_note_32)
{
	static const uint8_t expected[] = "\x01\0\0\0\0\x10\0\0"
					  "\0\0\x01\0\0\x20\x01\0\x03\0\0\0"
					  "/bin/x";
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(1));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	const uint8_t *desc;
	const char *owner;
	uint32_t type;
	size_t size;

	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	desc = note_at(&notes, 4, &type, &size, &owner);
	cr_assert_eq(size, sizeof(expected));
	cr_assert_arr_eq(desc, expected, size);
}

Test(notes, file_note_stands_without_files_and_beyond_the_kernels_limit)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	const uint8_t *desc;
	const char *owner;
	uint32_t type;
	size_t size;

	process.vmas[0].kind = CRYO_VMA_ANONYMOUS;
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	desc = note_at(&notes, 4, &type, &size, &owner);
	cr_assert_eq(type, NT_FILE);
	cr_assert_eq(size, 16);
	cr_assert_arr_eq(desc, "\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0", 16);

	process.vmas = realloc(process.vmas, 200000 * sizeof(*process.vmas));
	for (size_t i = 3; i < 200000; i++)
		process.vmas[i] = (struct cryo_vma){
			.kind = CRYO_VMA_FILE, .start = i << 20, .end = (i << 20) + 4096};
	process.n_vmas = 200000;
	notes.size = 0;
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	note_at(&notes, 4, &type, &size, &owner);
	cr_assert_eq(type, NT_FILE);
	cr_assert_eq(size, 16 + 199997 * 25);
}

Test(notes, what_cannot_be_built)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	struct cryo_process broken = process;

	broken.arch = NULL;
	cr_assert_eq(cryo_notes_build(&broken, &notes), -EINVAL);
	broken = process;
	broken.n_threads = 0;
	cr_assert_eq(cryo_notes_build(&broken, &notes), -EINVAL);
	broken = process;
	broken.page_size = 0;
	cr_assert_eq(cryo_notes_build(&broken, &notes), -EINVAL);
}

Test(notes, no_auxv_note_when_it_is_not_known)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	const char *owner;
	uint32_t type;
	size_t size;

	process.auxv_size = 0;
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	for (size_t i = 0; note_at(&notes, i, &type, &size, &owner); i++)
		cr_assert_neq(type, NT_AUXV);
}
