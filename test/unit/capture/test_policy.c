// SPDX-License-Identifier: MIT
/*
 * Every row of fs/coredump.c vma_dump_size(), and what a user may ask for instead.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/policy.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum {
	R = CRYO_VM_READ,
	SH = CRYO_VM_SHARED,
	DD = CRYO_VM_DONTDUMP,
	IO = CRYO_VM_IO,
	HT = CRYO_VM_HUGETLB,
	WHOLE = 0x8000,
	ONE = 0x1000,
};

#define FILE_ CRYO_VMA_FILE
#define SPECIAL CRYO_VMA_SPECIAL
#define UNKNOWN (~(nlink_t)0)

/* A mapping, a coredump_filter, and what the kernel then does. */
static const struct row {
	const char *what;
	struct cryo_vma vma;
	uint64_t filter;
	uint64_t size;
	enum cryo_dump_reason reason;
} rows[] = {
	{"1 vdso", {.kind = SPECIAL, .flags = R}, 0, WHOLE, CRYO_DUMP_SPECIAL},
	{"1 before 2 and 5: vvar", {.kind = SPECIAL, .flags = R | IO | DD | CRYO_VM_PFNMAP}, 0,
		WHOLE, CRYO_DUMP_SPECIAL},
	{"2 dontdump", {.flags = R | DD, .anonymous = 1}, 0x1ff, 0, CRYO_DUMP_DONTDUMP},
	{"2 before 3", {.kind = FILE_, .flags = R | DD, .dax = true}, 0x1ff, 0, CRYO_DUMP_DONTDUMP},
	{"2 before 4", {.kind = FILE_, .flags = R | DD | HT}, 0x1ff, 0, CRYO_DUMP_DONTDUMP},
	{"3 dax private", {.kind = FILE_, .flags = R, .dax = true}, 0x80, WHOLE, CRYO_DUMP_DAX},
	{"3 dax private off", {.kind = FILE_, .flags = R, .dax = true, .anonymous = 1}, 0x17f, 0,
		CRYO_DUMP_NOT_CHOSEN},
	{"3 dax shared", {.kind = FILE_, .flags = R | SH, .dax = true}, 0x100, WHOLE,
		CRYO_DUMP_DAX},
	{"3 dax shared off", {.kind = FILE_, .flags = R | SH, .dax = true}, 0xff, 0,
		CRYO_DUMP_NOT_CHOSEN},
	{"4 hugetlb private", {.kind = FILE_, .flags = R | HT}, 0x20, WHOLE, CRYO_DUMP_HUGETLB},
	{"4 hugetlb private off", {.kind = FILE_, .flags = R | HT, .anonymous = 1}, 0x1df, 0,
		CRYO_DUMP_NOT_CHOSEN},
	{"4 hugetlb shared", {.kind = FILE_, .flags = R | SH | HT}, 0x40, WHOLE, CRYO_DUMP_HUGETLB},
	{"4 hugetlb shared off", {.kind = FILE_, .flags = R | SH | HT}, 0x1bf, 0,
		CRYO_DUMP_NOT_CHOSEN},
	{"4 before 5", {.kind = FILE_, .flags = R | HT | IO}, 0x20, WHOLE, CRYO_DUMP_HUGETLB},
	{"5 device", {.kind = FILE_, .flags = R | IO, .anonymous = 1, .mode = 0777}, 0x1ff, 0,
		CRYO_DUMP_IO},
	{"5 before 6", {.kind = FILE_, .flags = R | SH | IO}, 0x1ff, 0, CRYO_DUMP_IO},
	{"6 shared, no link", {.kind = FILE_, .flags = R | SH, .n_links = 0}, 0x02, WHOLE,
		CRYO_DUMP_SHARED_ANON},
	{"6 shared, no link, off", {.kind = FILE_, .flags = R | SH, .n_links = 0, .anonymous = 1},
		0x1fd, 0, CRYO_DUMP_NOT_CHOSEN},
	{"6 shared file", {.kind = FILE_, .flags = R | SH, .n_links = 1}, 0x08, WHOLE,
		CRYO_DUMP_SHARED_FILE},
	{"6 shared file off: not even its ELF header",
		{.kind = FILE_, .flags = R | SH, .n_links = 1, .mode = 0755, .elf_magic = true},
		0x1f7, 0, CRYO_DUMP_NOT_CHOSEN},
	{"6 (deleted) by name alone",
		{.kind = FILE_,
			.flags = R | SH,
			.n_links = UNKNOWN,
			.name = (char *)"/x (deleted)"},
		0x02, WHOLE, CRYO_DUMP_SHARED_ANON},
	{"6 aio ring is a file",
		{.kind = FILE_,
			.flags = R | SH,
			.n_links = UNKNOWN,
			.name = (char *)"/[aio] (deleted)"},
		0x08, WHOLE, CRYO_DUMP_SHARED_FILE},
	{"6 named anonymous shared memory",
		{.kind = FILE_,
			.flags = R | SH,
			.n_links = UNKNOWN,
			.name = (char *)"[anon_shmem:x]"},
		0x02, WHOLE, CRYO_DUMP_SHARED_ANON},
	{"6 unknown links, no sign", {.kind = FILE_, .flags = R | SH, .n_links = UNKNOWN}, 0x08,
		WHOLE, CRYO_DUMP_SHARED_FILE},
	{"6 links count, not the name",
		{.kind = FILE_, .flags = R | SH, .n_links = 1, .name = (char *)"/x (deleted)"},
		0x08, WHOLE, CRYO_DUMP_SHARED_FILE},
	{"7, not 6: MAP_SHARED of a read-only file",
		{.kind = FILE_, .flags = R | CRYO_VM_MAYSHARE, .n_links = 1}, 0x08, 0,
		CRYO_DUMP_NOT_CHOSEN},
	{"7 anonymous", {.flags = R, .anonymous = 1}, 0x01, WHOLE, CRYO_DUMP_ANONYMOUS},
	{"7 anonymous in swap", {.flags = R, .swap = 1}, 0x01, WHOLE, CRYO_DUMP_ANONYMOUS},
	{"7 written file", {.kind = FILE_, .flags = R, .anonymous = 1}, 0x01, WHOLE,
		CRYO_DUMP_ANONYMOUS},
	{"7 PROT_NONE with pages", {.anonymous = 1}, 0x01, WHOLE, CRYO_DUMP_ANONYMOUS},
	{"7 off", {.flags = R, .anonymous = 1}, 0x1fe, 0, CRYO_DUMP_NOT_CHOSEN},
	{"7 off, 9 on", {.kind = FILE_, .flags = R, .anonymous = 1}, 0x04, WHOLE, CRYO_DUMP_FILE},
	{"8 never used", {.flags = R, .rss = 4096}, 0x1ff, 0, CRYO_DUMP_UNUSED},
	{"9 file", {.kind = FILE_, .flags = R}, 0x04, WHOLE, CRYO_DUMP_FILE},
	{"9 before 10", {.kind = FILE_, .flags = R, .mode = 0755}, 0x14, WHOLE, CRYO_DUMP_FILE},
	{"10 executable", {.kind = FILE_, .flags = R, .mode = S_IFREG | 0001}, 0x10, ONE,
		CRYO_DUMP_ELF_HEADER},
	{"10 by magic", {.kind = FILE_, .flags = R, .mode = S_IFREG | 0644, .elf_magic = true},
		0x10, ONE, CRYO_DUMP_ELF_HEADER},
	{"10 off", {.kind = FILE_, .flags = R, .mode = 0755}, 0x1eb, 0, CRYO_DUMP_NOT_CHOSEN},
	{"10 not at offset 0", {.kind = FILE_, .flags = R, .mode = 0755, .offset = 4096}, 0x1fb, 0,
		CRYO_DUMP_NOT_CHOSEN},
	{"10 not readable", {.kind = FILE_, .flags = CRYO_VM_EXEC, .mode = 0755}, 0x1fb, 0,
		CRYO_DUMP_NOT_CHOSEN},
	{"11 data file", {.kind = FILE_, .flags = R, .mode = S_IFREG | 0644}, 0x1fb, 0,
		CRYO_DUMP_NOT_CHOSEN},
};

static uint64_t ask(const struct cryo_policy *policy, struct cryo_vma vma, uint64_t filter,
	enum cryo_dump_reason *ret_reason)
{
	struct cryo_process process = {.page_size = ONE, .coredump_filter = filter};

	vma.start = 0x70000;
	vma.end = vma.start + WHOLE;
	return cryo_policy_dump_size(policy, &process, &vma, ret_reason);
}

Test(policy, every_rule_of_the_kernel)
{
	static const struct cryo_policy kernel = {.use_filter = true};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum cryo_dump_reason reason;
		uint64_t size = ask(&kernel, rows[i].vma, rows[i].filter, &reason);

		cr_expect_eq(size, rows[i].size, "%s: %#lx", rows[i].what, size);
		cr_expect_eq(reason, rows[i].reason, "%s: %s", rows[i].what,
			cryo_dump_reason_text(reason));
	}
}

Test(policy, one_bit_decides_each_row_that_has_one)
{
	static const struct cryo_policy kernel = {.use_filter = true};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum cryo_dump_reason reason;

		if (rows[i].size == 0 || rows[i].filter == 0)
			continue;
		cr_expect_eq(ask(&kernel, rows[i].vma, 0, &reason), 0, "%s", rows[i].what);
	}
}

Test(policy, bits_beyond_the_kernels_do_nothing)
{
	static const struct cryo_policy kernel = {.use_filter = true};
	enum cryo_dump_reason reason;

	cr_assert_eq(
		ask(&kernel, (struct cryo_vma){.flags = R | DD, .anonymous = 1}, ~0ULL, &reason),
		0);
	cr_assert_eq(reason, CRYO_DUMP_DONTDUMP);
}

Test(policy, dontdump_can_be_overruled_and_the_other_rules_then_count)
{
	static const struct cryo_policy policy = {.use_filter = true, .set = CRYO_CONTENT_DONTDUMP};
	struct cryo_vma used = {.flags = R | DD, .anonymous = 1}, unused = {.flags = R | DD};
	enum cryo_dump_reason reason;

	cr_assert_eq(ask(&policy, used, 0x33, &reason), WHOLE);
	cr_assert_eq(reason, CRYO_DUMP_ANONYMOUS);
	cr_assert_eq(ask(&policy, used, 0x32, &reason), 0);
	cr_assert_eq(reason, CRYO_DUMP_NOT_CHOSEN);
	cr_assert_eq(ask(&policy, unused, 0x33, &reason), 0);
	cr_assert_eq(reason, CRYO_DUMP_UNUSED);
}

Test(policy, every)
{
	static const struct cryo_policy every = {.every = true, .clear = CRYO_CONTENT_ALL};
	static const struct {
		const char *what;
		struct cryo_vma vma;
		uint64_t size;
		enum cryo_dump_reason reason;
	} cases[] = {
		{"unused", {.flags = R}, WHOLE, CRYO_DUMP_EVERY},
		{"file", {.flags = R, .kind = FILE_}, WHOLE, CRYO_DUMP_EVERY},
		{"dontdump", {.flags = R | DD}, WHOLE, CRYO_DUMP_EVERY},
		{"device", {.flags = R | IO}, 0, CRYO_DUMP_IO},
		{"raw pages", {.flags = R | CRYO_VM_PFNMAP}, 0, CRYO_DUMP_IO},
		{"vvar", {.flags = R | IO | CRYO_VM_PFNMAP | DD, .kind = SPECIAL}, WHOLE,
			CRYO_DUMP_SPECIAL},
		{"vsyscall", {.flags = CRYO_VM_EXEC, .kind = SPECIAL}, WHOLE, CRYO_DUMP_SPECIAL},
		{"PROT_NONE reservation", {.flags = 0}, 0, CRYO_DUMP_UNUSED},
		{"PROT_NONE with pages", {.anonymous = 1}, WHOLE, CRYO_DUMP_ANONYMOUS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum cryo_dump_reason reason;

		cr_expect_eq(
			ask(&every, cases[i].vma, 0, &reason), cases[i].size, "%s", cases[i].what);
		cr_expect_eq(reason, cases[i].reason, "%s", cases[i].what);
	}
}

Test(policy, each_reason_has_its_text)
{
	for (int i = 0; i <= CRYO_DUMP_NOT_CHOSEN; i++)
		for (int j = 0; j < i; j++)
			cr_assert_str_neq(cryo_dump_reason_text((enum cryo_dump_reason)i),
				cryo_dump_reason_text((enum cryo_dump_reason)j));
	cr_assert_str_eq(cryo_dump_reason_text((enum cryo_dump_reason)99), "unknown");
}
