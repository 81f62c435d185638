// SPDX-License-Identifier: MIT
/* Paths of cgroups. */
#include "freeze/cgroup.h"

#include <criterion/criterion.h>

#include "machine.h"

Test(cgroup, paths_go_up_and_down)
{
	static const struct {
		const char *path, *parent, *child;
	} rows[] = {
		{"/", "/", "/" CRYO_CGROUP_NAME},
		{"/a", "/", "/a/" CRYO_CGROUP_NAME},
		{"/a/b", "/a", "/a/b/" CRYO_CGROUP_NAME},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_free_ char *parent = cryo_cgroup_parent(rows[i].path);
		_cleanup_free_ char *child = cryo_cgroup_child(rows[i].path);
		_cleanup_free_ char *back = cryo_cgroup_parent(child);

		cr_assert_str_eq(parent, rows[i].parent);
		cr_assert_str_eq(child, rows[i].child);
		cr_assert_str_eq(back, rows[i].path);
	}
}

Test(cgroup, of_a_process_is_that_of_version_2)
{
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_free_ char *path = NULL;

	machine_add(&machine, (struct machine_process){.pid = 5, .cgroup = "/a/b"});
	path = cryo_cgroup_of(machine.procfs, 5);
	cr_assert_str_eq(path, "/a/b");
	cr_assert_null(cryo_cgroup_of(machine.procfs, 6));
}

Test(cgroup, of_a_hierarchy_cannot_be_left)
{
	struct cryo_cgroups cgroups = {-1};
	_cleanup_machine_ struct machine machine = machine_new();

	cgroups.root = machine.procfs;
	machine_add(&machine, (struct machine_process){.pid = 5});
	cr_assert_not(cryo_cgroup_is_set(&cgroups, "/../../etc"));
	cr_assert_lt(cryo_cgroup_set(&cgroups, "/..", true), 0);
	cr_assert_lt(cryo_cgroup_move(&cgroups, "/5/../../..", 1), 0);
}
