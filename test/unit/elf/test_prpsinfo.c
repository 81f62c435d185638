// SPDX-License-Identifier: MIT
/*
 * The expected bytes are written out from struct elf_prpsinfo (include/linux/elfcore.h) and struct
 * compat_elf_prpsinfo (include/linux/elfcore-compat.h).
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <string.h>
#include <sys/procfs.h>

#include "elf/notes.h"
#include "elf/prpsinfo.h"
#include "synthetic.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const struct expected_bytes expected64[] = {
	{1, 1, "R"}, {3, 1, "\xfb"},                /* pr_nice */
	{8, 8, "\x00\x01\x40\x40\x01\x00\x00\x00"}, /* pr_flag */
	{16, 4, "\x34\x33\x32\x31"},                /* pr_uid */
	{20, 4, "\xcd\xab\x00\x00"},                /* pr_gid */
	{24, 4, "\x04\x03\x02\x01"},                /* pr_pid */
	{28, 4, "\x08\x07\x06\x05"},                /* pr_ppid */
	{32, 4, "\x14\x13\x12\x11"},                /* pr_pgrp */
	{36, 4, "\x24\x23\x22\x21"},                /* pr_sid */
	{40, 6, "a) b\nc"},                         /* pr_fname */
	{56, 12, "prog -x arg "},                   /* pr_psargs */
};

static const struct expected_bytes expected32_short[] = {
	{1, 1, "R"},
	{3, 1, "\xfb"},
	{4, 4, "\x00\x01\x40\x40"},
	{8, 2, "\xfe\xff"}, /* pr_uid: 0x31323334 does not fit: overflow uid */
	{10, 2, "\xcd\xab"},
	{12, 4, "\x04\x03\x02\x01"},
	{16, 4, "\x08\x07\x06\x05"},
	{20, 4, "\x14\x13\x12\x11"},
	{24, 4, "\x24\x23\x22\x21"},
	{28, 6, "a) b\nc"},
	{44, 12, "prog -x arg "},
};

static const struct expected_bytes expected32[] = {
	{1, 1, "R"},
	{3, 1, "\xfb"},
	{4, 4, "\x00\x01\x40\x40"},
	{8, 4, "\x34\x33\x32\x31"},
	{12, 4, "\xcd\xab\x00\x00"},
	{16, 4, "\x04\x03\x02\x01"},
	{20, 4, "\x08\x07\x06\x05"},
	{24, 4, "\x14\x13\x12\x11"},
	{28, 4, "\x24\x23\x22\x21"},
	{32, 6, "a) b\nc"},
	{48, 12, "prog -x arg "},
};

/* The PRPSINFO of a process: always its second note. */
static const uint8_t *build(
	const struct cryo_process *process, struct cryo_buffer *notes, size_t *ret_size)
{
	const uint8_t *desc;
	const char *owner;
	uint32_t type;

	cr_assert_eq(cryo_notes_build(process, notes), 0);
	desc = note_at(notes, 1, &type, ret_size, &owner);
	cr_assert_str_eq(owner, "CORE");
	cr_assert_eq(type, 3);
	return desc;
}

static void check(
	const struct cryo_arch *arch, const struct expected_bytes *pieces, size_t expected)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(arch);
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	size_t size;
	const uint8_t *desc = build(&process, &notes, &size);

	cr_assert_eq(size, expected, "%s: %zu", arch->name, size);
	expect_structure(arch->name, desc, size, pieces, ARRAY_SIZE(expected64));
}

Test(prpsinfo, every_byte_on_every_architecture)
{
	struct cryo_arch long_ids = *synthetic_arch(1);

	long_ids.short_ids = false;
	check(synthetic_arch(0), expected64, 136);
	check(synthetic_arch(1), expected32_short, 124);
	check(synthetic_arch(2), expected64, 136);
	check(synthetic_arch(3), expected64, 136);
	check(&long_ids, expected32, 128);
}

#ifdef __x86_64__
Test(prpsinfo, x86_64_is_struct_elf_prpsinfo)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	struct elf_prpsinfo expected;
	const uint8_t *desc;
	size_t size;

	memset(&expected, 0, sizeof(expected));
	expected.pr_sname = 'R';
	expected.pr_nice = -5;
	expected.pr_flag = 0x140400100;
	expected.pr_uid = 0x31323334;
	expected.pr_gid = 0xabcd;
	expected.pr_pid = 0x01020304;
	expected.pr_ppid = 0x05060708;
	expected.pr_pgrp = 0x11121314;
	expected.pr_sid = 0x21222324;
	memcpy(expected.pr_fname, "a) b\nc", 6);
	memcpy(expected.pr_psargs, "prog -x arg ", 12);
	desc = build(&process, &notes, &size);
	cr_assert_eq(size, sizeof(expected));
	cr_assert_arr_eq(desc, (uint8_t *)&expected, size);
}
#endif

Test(prpsinfo, zombie_leader_is_8_and_a_dot)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(3));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	size_t size;

	process.state = 'Z';
	cr_assert_arr_eq(build(&process, &notes, &size), "\x08.\0\xfb", 4);
}

Test(prpsinfo, nothing_but_arguments_when_they_could_not_be_read_whole)
{
	static const struct expected_bytes pieces[] = {{56, 5, "a\0b\0c"}};
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	const uint8_t *desc;
	size_t size;

	process.psargs_failed = true;
	memset(process.psargs, 0, sizeof(process.psargs));
	memcpy(process.psargs, "a\0b\0c", 5);
	desc = build(&process, &notes, &size);
	expect_structure("psargs_failed", desc, size, pieces, 1);
}

Test(prpsinfo, short_ids_at_their_limit)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(1));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	size_t size;

	process.uid = 65535;
	process.gid = 65536;
	cr_assert_arr_eq(build(&process, &notes, &size) + 8, "\xff\xff\xfd\xff", 4);
}

Test(prpsinfo, names_of_full_length_have_no_end)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(0));
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	const uint8_t *desc;
	size_t size;

	memset(process.comm, 'c', sizeof(process.comm));
	memset(process.psargs, 'p', sizeof(process.psargs));
	desc = build(&process, &notes, &size);
	for (size_t i = 0; i < 96; i++)
		cr_assert_eq(desc[40 + i], i < 16 ? 'c' : 'p');
}

static void expect_read_back(const struct cryo_arch *arch, uint32_t uid)
{
	_cleanup_process_ struct cryo_process process = synthetic_process(arch);
	_cleanup_buffer_ struct cryo_buffer notes = {0};
	struct cryo_prpsinfo info;
	size_t size;
	const uint8_t *desc = build(&process, &notes, &size);

	cr_assert_eq(cryo_prpsinfo_read(arch, desc, size, &info), 0);
	cr_expect_eq(info.uid, uid);
	cr_expect_eq(info.gid, 0xabcd);
	cr_expect_eq(info.pid, 0x01020304);
	cr_expect_str_eq(info.fname, "a) b\nc");
	cr_expect_eq(strncmp(info.psargs, "prog -x arg ", 12), 0);
	cr_expect_neq(cryo_prpsinfo_read(arch, desc, size - 1, &info), 0);
}

Test(prpsinfo, is_read_back)
{
	expect_read_back(synthetic_arch(0), 0x31323334);
	expect_read_back(synthetic_arch(1), 0xfffe);
	expect_read_back(synthetic_arch(2), 0x31323334);
}
