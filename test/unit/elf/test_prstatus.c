// SPDX-License-Identifier: MIT
/*
 * The expected bytes are written out from struct elf_prstatus (include/linux/elfcore.h).
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/procfs.h>

#include "elf/notes.h"
#include "synthetic.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Everything in front of the registers, 64-bit little endian. */
static const struct expected_bytes head64[] = {
	{16, 8, "\x01\x02\x00\x00\x03\x00\x00\x00"}, /* pr_sigpend */
	{24, 8, "\xff\xfe\xfb\x7f\xfe\xff\xff\xff"}, /* pr_sighold */
	{32, 4, "\x04\x03\x02\x01"},                 /* pr_pid */
	{36, 4, "\x08\x07\x06\x05"},                 /* pr_ppid */
	{40, 4, "\x14\x13\x12\x11"},                 /* pr_pgrp */
	{44, 4, "\x24\x23\x22\x21"},                 /* pr_sid */
	{48, 1, "\x01"}, {56, 1, "\x02"},            /* pr_utime */
	{64, 1, "\x03"}, {72, 1, "\x04"},            /* pr_stime */
	{80, 1, "\x05"}, {88, 1, "\x06"},            /* pr_cutime */
	{96, 1, "\x07"}, {104, 1, "\x08"},           /* pr_cstime */
};

static const struct expected_bytes head32[] = {
	{16, 4, "\x01\x02\x00\x00"},
	{20, 4, "\xff\xfe\xfb\x7f"},
	{24, 4, "\x04\x03\x02\x01"},
	{28, 4, "\x08\x07\x06\x05"},
	{32, 4, "\x14\x13\x12\x11"},
	{36, 4, "\x24\x23\x22\x21"},
	{40, 1, "\x01"},
	{44, 1, "\x02"},
	{48, 1, "\x03"},
	{52, 1, "\x04"},
	{56, 1, "\x05"},
	{60, 1, "\x06"},
	{64, 1, "\x07"},
	{68, 1, "\x08"},
};

/* Where the registers are, how many bytes, where pr_fpvalid is, how large it all is. */
static const struct {
	const char *name;
	size_t registers, registers_size, fpvalid, size;
} shapes[] = {
	{"x86_64", 112, 216, 328, 336},
	{"i386", 72, 68, 140, 144},
	{"aarch64", 112, 272, 384, 392},
	{"riscv64", 112, 256, 368, 376},
};

static void check_arch(size_t index)
{
	const struct cryo_arch *arch = synthetic_arch(index);
	_cleanup_process_ struct cryo_process process = synthetic_process(arch);
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	struct expected_bytes pieces[16];
	const uint8_t *desc;
	const char *owner;
	uint32_t type;
	size_t size;

	cr_assert_str_eq(arch->name, shapes[index].name);
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	desc = note_at(&notes, 0, &type, &size, &owner);
	cr_assert_str_eq(owner, "CORE");
	cr_assert_eq(type, 1);
	cr_assert_eq(size, shapes[index].size, "%s: %zu", arch->name, size);
	memcpy(pieces, arch->elf_class == ELFCLASS64 ? head64 : head32, sizeof(head64));
	pieces[14] = (struct expected_bytes){shapes[index].registers, shapes[index].registers_size,
		process.threads[0].regsets[0].data};
	pieces[15] = (struct expected_bytes){shapes[index].fpvalid, 1, "\x01"};
	expect_structure(arch->name, desc, size, pieces, 16);
}

Test(prstatus, every_byte_on_every_architecture)
{
	cr_assert_eq(sizeof(head32), sizeof(head64));
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		check_arch(i);
}

#ifdef __x86_64__
Test(prstatus, x86_64_is_struct_elf_prstatus)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	struct elf_prstatus expected;
	const uint8_t *desc;
	const char *owner;
	uint32_t type;
	size_t size;

	process.siginfo[0] = 11;
	memset(&expected, 0, sizeof(expected));
	expected.pr_info.si_signo = 11;
	expected.pr_cursig = 11;
	expected.pr_sigpend = 0x0000000300000201;
	expected.pr_sighold = 0xfffffffe7ffbfeff;
	expected.pr_pid = 0x01020304;
	expected.pr_ppid = 0x05060708;
	expected.pr_pgrp = 0x11121314;
	expected.pr_sid = 0x21222324;
	expected.pr_utime = (__typeof__(expected.pr_utime)){1, 2};
	expected.pr_stime = (__typeof__(expected.pr_utime)){3, 4};
	expected.pr_cutime = (__typeof__(expected.pr_utime)){5, 6};
	expected.pr_cstime = (__typeof__(expected.pr_utime)){7, 8};
	memcpy(expected.pr_reg, process.threads[0].regsets[0].data, sizeof(expected.pr_reg));
	expected.pr_fpvalid = 1;
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	desc = note_at(&notes, 0, &type, &size, &owner);
	cr_assert_eq(size, sizeof(expected));
	cr_assert_arr_eq(desc, (uint8_t *)&expected, size);
}
#endif

Test(prstatus, signal_of_the_siginfo_stands_in_every_thread)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(1));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	const uint8_t *desc = NULL;
	const char *owner;
	uint32_t type;
	size_t size, seen = 0;

	process.siginfo[0] = 6;
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	for (size_t i = 0; (desc = note_at(&notes, i, &type, &size, &owner)); i++)
		if (type == NT_PRSTATUS) {
			cr_assert_arr_eq(desc, "\6\0\0\0\0\0\0\0\0\0\0\0\6\0\0\0", 16);
			seen++;
		}
	cr_assert_eq(seen, 2);
}

Test(prstatus, fpvalid_is_0_without_floating_point_registers)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	const char *owner;
	uint32_t type;
	size_t size;

	process.threads[0].n_regsets = 1;
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	cr_assert_arr_eq(note_at(&notes, 0, &type, &size, &owner) + 328, "\0\0\0\0\0\0\0\0", 8);
}

Test(prstatus, big_endian)
{
	struct cryo_arch arch = *synthetic_arch(2);
	struct expected_bytes pieces[] = {
		{16, 8, "\x00\x00\x00\x03\x00\x00\x02\x01"},
		{24, 8, "\xff\xff\xff\xfe\x7f\xfb\xfe\xff"},
		{32, 4, "\x01\x02\x03\x04"},
		{36, 4, "\x05\x06\x07\x08"},
		{40, 4, "\x11\x12\x13\x14"},
		{44, 4, "\x21\x22\x23\x24"},
		{55, 1, "\x01"},
		{63, 1, "\x02"},
		{71, 1, "\x03"},
		{79, 1, "\x04"},
		{87, 1, "\x05"},
		{95, 1, "\x06"},
		{103, 1, "\x07"},
		{111, 1, "\x08"},
		{112, 272, NULL},
		{387, 1, "\x01"},
	};
	_cleanup_buffer_ struct cryo_buffer notes = {0};

	arch.elf_data = ELFDATA2MSB;
	_cleanup_process_ struct cryo_process process = synthetic_process(&arch);
	cr_assert_eq(cryo_notes_build(&process, &notes), 0);
	cr_assert_arr_eq(notes.data, "\0\0\0\5\0\0\1\x88\0\0\0\1CORE\0\0\0\0", 20);
	pieces[14].bytes = process.threads[0].regsets[0].data;
	expect_structure("big endian", notes.data + 20, 392, pieces, ARRAY_SIZE(pieces));
}

Test(prstatus, refuses_a_first_regset_that_is_not_the_general_one)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};

	process.threads[1].regsets[0].size--;
	cr_assert_eq(cryo_notes_build(&process, &notes), -EINVAL);
	process.threads[1].regsets[0].size++;
	process.threads[1].regsets[0].type = NT_PRFPREG;
	cr_assert_eq(cryo_notes_build(&process, &notes), -EINVAL);
	process.threads[1].regsets[0].type = NT_PRSTATUS;
	process.threads[1].n_regsets = 0;
	cr_assert_eq(cryo_notes_build(&process, &notes), -EINVAL);
}
