// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "evidence/root_path.h"

static void expect_path(const char *name, const char *expected)
{
	_cleanup_buffer_ struct cryo_buffer path = {0};

	cr_assert_eq(cryo_root_path(name, &path), 0, "%s", name);
	cr_expect_str_eq((const char *)path.data, expected);
}

Test(root_path, keeps_what_is_harmless)
{
	expect_path("/usr/lib/libc.so.6", "usr/lib/libc.so.6");
	expect_path("/a b/\xc3\xa4 (deleted)", "a b/\xc3\xa4 (deleted)");
	expect_path("/memfd:x (deleted)", "memfd:x (deleted)");
	expect_path("//a/./b//", "a/b");
	expect_path("/..a/...", "..a/...");
}

Test(root_path, never_leaves)
{
	expect_path("/../../etc/passwd", "\\x2e\\x2e/\\x2e\\x2e/etc/passwd");
	expect_path("/memfd:../../x/..", "memfd:../\\x2e\\x2e/x/\\x2e\\x2e");
	expect_path("/a\nb\x1b[2J\xff\\", "a\\x0ab\\x1b[2J\\xff\\\\");
}

Test(root_path, different_names_give_different_paths)
{
	static const char *const names[] = {"/..", "/\\x2e\\x2e", "/\n", "/\\x0a", "/\\", "/\\\\"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (size_t k = 0; k < i; k++) {
			_cleanup_buffer_ struct cryo_buffer a = {0}, b = {0};

			cr_assert_eq(cryo_root_path(names[i], &a), 0);
			cr_assert_eq(cryo_root_path(names[k], &b), 0);
			cr_expect_str_neq((const char *)a.data, (const char *)b.data);
		}
}

static int result_of(const char *name)
{
	_cleanup_buffer_ struct cryo_buffer path = {0};

	return cryo_root_path(name, &path);
}

Test(root_path, has_bounds)
{
	char name[4001] = "/";
	char deep[2 * (CRYO_ROOT_DEPTH_MAX + 1) + 1] = "";

	memset(name + 1, 'a', 255);
	cr_expect_eq(result_of(name), 0);
	name[256] = 'a';
	cr_expect_eq(result_of(name), -ENAMETOOLONG);
	for (size_t i = 0; i < 4000; i++)
		name[i] = i % 200 ? 'a' : '/';
	cr_expect_eq(result_of(name), -ENAMETOOLONG);
	for (size_t i = 0; i < CRYO_ROOT_DEPTH_MAX; i++)
		strcat(deep, "/a");
	cr_expect_eq(result_of(deep), 0);
	strcat(deep, "/a");
	cr_expect_eq(result_of(deep), -ENAMETOOLONG);
	/* 64 bytes that become 256 */
	memset(name, '\n', 65);
	name[0] = '/';
	name[65] = 0;
	cr_expect_eq(result_of(name), -ENAMETOOLONG);
}

Test(root_path, refuses_what_is_no_path)
{
	cr_expect_eq(result_of(""), -EINVAL);
	cr_expect_eq(result_of("anon_inode:[x]"), -EINVAL);
	cr_expect_eq(result_of("/"), -EINVAL);
	cr_expect_eq(result_of("/./."), -EINVAL);
}
