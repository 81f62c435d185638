// SPDX-License-Identifier: MIT
/*
 * What is kept of a core that passes by, in pieces of any size.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf/core_keep.h"

enum {
	PAGE = 4096,
	STATUS_SIZE = 336, /* struct elf_prstatus of x86_64 */
	STATUS_SP = 112 + 19 * 8,
	SMALL = PAGE,
	LARGE = 4 << 20,
	TAIL = 100,
	SMALL_AT = PAGE,
	STACK_AT = SMALL_AT + SMALL,
	HEAP_AT = STACK_AT + LARGE,
	END = HEAP_AT + LARGE,
	SP_INTO = 3 << 20, /* of the stack */
};

/* Three segments: a small one, one with the stack pointer, one without. */
static uint8_t *make_core(void)
{
	static const Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 4,
	};
	static const Elf64_Phdr segments[] = {
		{PT_NOTE, 0, 512, 0, 0, 20 + STATUS_SIZE, 0, 4},
		{PT_LOAD, PF_R, SMALL_AT, 0x10000, 0, SMALL, SMALL, PAGE},
		{PT_LOAD, PF_R, STACK_AT, 0x1000000, 0, LARGE, LARGE, PAGE},
		{PT_LOAD, PF_R, HEAP_AT, 0x2000000, 0, LARGE, LARGE, PAGE},
	};
	static const Elf64_Nhdr note = {5, STATUS_SIZE, NT_PRSTATUS};
	uint64_t sp = 0x1000000 + SP_INTO;
	uint8_t *core = calloc(1, END + TAIL);

	cr_assert(core);
	memcpy(core, &header, sizeof(header));
	memcpy(core + sizeof(header), segments, sizeof(segments));
	memcpy(core + 512, &note, sizeof(note));
	memcpy(core + 512 + sizeof(note), "CORE", 5);
	memcpy(core + 512 + 20 + STATUS_SP, &sp, sizeof(sp));
	memset(core + SMALL_AT, 'm', END + TAIL - SMALL_AT);
	return core;
}

static void pass(const uint8_t *core, size_t step, struct cryo_core_keep *keep)
{
	for (size_t at = 0; at < END + TAIL; at += step)
		cryo_core_keep_pass(
			keep, at, core + at, step < END + TAIL - at ? step : END + TAIL - at);
	cr_assert_eq(cryo_core_keep_end(keep, END + TAIL), 0);
}

static bool is_kept(const struct cryo_core_keep *keep, off_t at)
{
	char byte = 0;

	cr_assert_eq(pread(keep->fd, &byte, 1, at), 1);
	return byte == 'm';
}

ParameterizedTestParameters(core_keep, steps)
{
	static size_t steps[] = {7 * 512, PAGE, 1 << 18, END + TAIL};

	return cr_make_param_array(size_t, steps, 4);
}

ParameterizedTest(size_t *step, core_keep, steps)
{
	uint8_t *core = make_core();
	struct cryo_core_keep keep;
	bool large = *step > 1 << 20; /* then all of it comes with the headers */

	cr_assert_eq(cryo_core_keep_begin(CRYO_KEEP_STACKS, &keep), 0);
	pass(core, *step, &keep);
	cr_expect(is_kept(&keep, SMALL_AT) && is_kept(&keep, STACK_AT - 1));
	cr_expect(is_kept(&keep, STACK_AT + SP_INTO) && is_kept(&keep, STACK_AT + SP_INTO - PAGE));
	cr_expect(is_kept(&keep, HEAP_AT - 1), "to the end of the stack's segment");
	cr_expect(large || !is_kept(&keep, STACK_AT + SP_INTO - (1 << 20)), "what is below it");
	cr_expect(large || !is_kept(&keep, HEAP_AT + (1 << 20)), "a large segment without a stack");
	cryo_core_keep_clear(&keep);
	cr_assert_eq(cryo_core_keep_begin(CRYO_KEEP_TAIL, &keep), 0);
	pass(core, *step, &keep);
	cr_expect(is_kept(&keep, END) && is_kept(&keep, END + TAIL - 1));
	cr_expect(large || !is_kept(&keep, HEAP_AT));
	cryo_core_keep_clear(&keep);
	free(core);
}

Test(core_keep, no_core)
{
	struct cryo_core_keep keep;

	cr_assert_eq(cryo_core_keep_begin(CRYO_KEEP_TAIL, &keep), 0);
	cryo_core_keep_pass(&keep, 0, "this is no core, whatever else", 30);
	cr_expect_eq(cryo_core_keep_end(&keep, 30), -ENOEXEC);
	cryo_core_keep_clear(&keep);
	cr_expect_eq(keep.fd, -1);
}
