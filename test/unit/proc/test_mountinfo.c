// SPDX-License-Identifier: MIT
/* Mounts of this machine, names with escapes, an empty source, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "fixture.h"
#include "proc/mountinfo.h"

struct mounts {
	struct cryo_mount *array;
	size_t count;
};

static void mounts_free(struct mounts *mounts)
{
	cryo_mounts_free(mounts->array, mounts->count);
}

#define _cleanup_mounts_ __attribute__((cleanup(mounts_free)))

static int parse_file(const char *name, struct mounts *ret_mounts)
{
	_cleanup_fixture_ struct fixture text = fixture_load(name);

	return cryo_mountinfo_parse(text.text, text.size, &ret_mounts->array, &ret_mounts->count);
}

Test(mountinfo, of_this_machine)
{
	_cleanup_mounts_ struct mounts mounts = {0};
	const struct cryo_mount *root;

	cr_assert_eq(parse_file("10497/mountinfo", &mounts), 0);
	cr_assert_str_eq(mounts.array[0].mount_point, "/proc");
	cr_assert_eq(mounts.array[0].id, 22);
	cr_assert_eq(mounts.array[0].parent, 27);
	root = cryo_mounts_by_device(mounts.array, mounts.count, makedev(254, 0));
	cr_assert_not_null(root);
	cr_assert_str_eq(root->mount_point, "/");
	cr_assert_str_eq(root->fs_type, "ext4");
	cr_assert_str_eq(root->source, "/dev/vda");
	cr_assert_null(cryo_mounts_by_device(mounts.array, mounts.count, makedev(9, 9)));
}

Test(mountinfo, names_are_unescaped)
{
	_cleanup_mounts_ struct mounts mounts = {0};

	cr_assert_eq(parse_file("hostile/mountinfo-names", &mounts), 0);
	cr_assert_eq(mounts.count, 3);
	cr_assert_str_eq(mounts.array[0].root, "/a b");
	cr_assert_str_eq(mounts.array[0].mount_point, "/m\t\n\\n");
	cr_assert_str_eq(mounts.array[0].fs_type, "ext3");
	cr_assert_str_eq(mounts.array[0].source, "/dev/#x");
	cr_assert_str_eq(mounts.array[1].fs_type, "fuse.sshfs");
	cr_assert_str_eq(mounts.array[1].source, "");
	cr_assert_str_eq(mounts.array[2].mount_point, "/\\999\\00");
}

Test(mountinfo, the_last_mount_of_a_device_counts)
{
	_cleanup_mounts_ struct mounts mounts = {0};

	cr_assert_eq(parse_file("hostile/mountinfo-names", &mounts), 0);
	cr_assert_eq(cryo_mounts_by_device(mounts.array, mounts.count, makedev(98, 0)),
		&mounts.array[2]);
}

Test(mountinfo, malformed_lines_are_refused)
{
	static const char *const lines[] = {"\n", "1\n", "1 2 3 / / rw - a b\n", "1 2 3:4 / / rw\n",
		"1 2 3:4 / / rw -\n", "1 2 3:4 / / rw - ext4\n", "1 2 3:4 /\n",
		"2147483648 2 3:4 / / rw - a b c\n", "1 2 4294967296:4 / / rw - a b c\n",
		"1 2 3:4 / / rw - a b c\n1 2"};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_fixture_ struct fixture text = fixture_of(lines[i], strlen(lines[i]));
		_cleanup_mounts_ struct mounts mounts = {0};

		cr_assert_eq(
			cryo_mountinfo_parse(text.text, text.size, &mounts.array, &mounts.count),
			-EBADMSG, "%zu", i);
	}
}

Test(mountinfo, a_nul_is_refused)
{
	_cleanup_fixture_ struct fixture text = fixture_of("1 2 3:4 /\0 / rw - a b c\n", 24);
	_cleanup_mounts_ struct mounts mounts = {0};

	cr_assert_eq(
		cryo_mountinfo_parse(text.text, text.size, &mounts.array, &mounts.count), -EBADMSG);
}

Test(mountinfo, of_nothing_is_empty)
{
	_cleanup_mounts_ struct mounts mounts = {NULL, 4711};

	cr_assert_eq(cryo_mountinfo_parse(NULL, 0, &mounts.array, &mounts.count), 0);
	cr_assert_eq(mounts.count, 0);
}

Test(mountinfo, file_systems_with_a_server)
{
	static const char *const remote[] = {"fuse", "fuse.sshfs", "fuseblk", "nfs", "nfs4", "9p"};
	static const char *const local[] = {"", "ext4", "tmpfs", "fusectl", "nfsd", "overlay"};

	for (size_t i = 0; i < ARRAY_SIZE(remote); i++)
		cr_assert(cryo_fs_type_is_remote(remote[i]), "%s", remote[i]);
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		cr_assert_not(cryo_fs_type_is_remote(local[i]), "%s", local[i]);
}
