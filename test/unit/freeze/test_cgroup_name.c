// SPDX-License-Identifier: MIT
/* Cgroups as users name them: machines made of files, with hierarchies that are directories. */
#include "freeze/cgroup_name.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "machine.h"
#include "proc/procfs.h"

enum {
	PROCESS = 5 /* in /a/b of version 2, /v1 of name=systemd */
};

static void make_directory(const struct machine *machine, const char *name)
{
	cr_assert_eq(mkdirat(machine->procfs, name, 0755), 0, "%s", name);
}

/* Version 2 at cg/two, name=systemd at cg/one with a link beside it, /part of version 2 at cg/part.
 */
static struct machine with_hierarchies(void)
{
	static const char *const directories[] = {"self", "cg", "cg/one", "cg/one/v1", "cg/two",
		"cg/two/a", "cg/two/a/b", "cg/two/empty", "cg/part", "cg/part/sub"};
	struct machine machine = machine_new();
	char name[128];
	FILE *file;

	machine_add(&machine, (struct machine_process){.pid = PROCESS, .cgroup = "/a/b"});
	machine_add(&machine, (struct machine_process){.pid = 6, .cgroup = "/part/sub"});
	machine_add(&machine, (struct machine_process){.pid = 7, .cgroup = "/v1"});
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		make_directory(&machine, directories[i]);
	cr_assert_eq(symlinkat("one", machine.procfs, "cg/link"), 0);
	snprintf(name, sizeof(name), "%s/self/mountinfo", machine.path);
	file = fopen(name, "w");
	cr_assert(file);
	fprintf(file, "1 0 0:1 / %s/cg/one rw - cgroup cgroup rw,xattr,name=systemd\n",
		machine.path);
	fprintf(file, "2 0 0:2 / %s/cg/two rw - cgroup2 cgroup2 rw\n", machine.path);
	fprintf(file, "3 0 0:2 /part %s/cg/part rw - cgroup2 cgroup2 rw\n", machine.path);
	fclose(file);
	return machine;
}

/* -errno, or whether the word covers a process. */
static int covers(const struct machine *machine, const char *word, pid_t pid)
{
	_cleanup_cgroup_names_ struct cryo_cgroup_names names = {0};
	int r = cryo_cgroup_names_make(machine->procfs, &word, 1, &names);

	return r < 0 ? r : cryo_cgroup_names_cover(machine->procfs, &names, pid);
}

static int covers_below(const struct machine *machine, const char *name, pid_t pid)
{
	char word[128];

	snprintf(word, sizeof(word), "%s/%s", machine->path, name);
	return covers(machine, word, pid);
}

Test(cgroup_name, is_a_path_of_any_hierarchy)
{
	_cleanup_machine_ struct machine machine = with_hierarchies();

	cr_expect_eq(covers(&machine, "/a", PROCESS), 1);
	cr_expect_eq(covers(&machine, "/a/", PROCESS), 1);
	cr_expect_eq(covers(&machine, "/", PROCESS), 1);
	cr_expect_eq(covers(&machine, "/v1", PROCESS), 1, "version 1 counts too");
	cr_expect_eq(covers(&machine, "/empty", PROCESS), 0);
	cr_expect_eq(covers(&machine, "/part/sub", 6), 1);
	cr_expect_eq(covers(&machine, "a name", PROCESS), 0, "that is no cgroup");
}

Test(cgroup_name, that_does_not_exist_is_an_error)
{
	_cleanup_machine_ struct machine machine = with_hierarchies();

	cr_expect_eq(covers(&machine, "/a/b/c", PROCESS), -ENXIO);
	cr_expect_eq(covers(&machine, "/a/bb", PROCESS), -ENXIO);
	cr_expect_eq(covers(&machine, "/no", PROCESS), -ENXIO);
	cr_expect_eq(covers_below(&machine, "cg/two/no", PROCESS), -ENXIO);
	cr_expect_eq(covers_below(&machine, "cg/one/a", PROCESS), -ENXIO, "not in that hierarchy");
	cr_expect_eq(covers_below(&machine, "cg/twos", PROCESS), -ENXIO);
}

Test(cgroup_name, below_a_mount_point_is_of_that_hierarchy_alone)
{
	_cleanup_machine_ struct machine machine = with_hierarchies();

	cr_expect_eq(covers_below(&machine, "cg/two/a", PROCESS), 1);
	cr_expect_eq(covers_below(&machine, "cg/two/a/b/", PROCESS), 1);
	cr_expect_eq(covers_below(&machine, "cg/two", PROCESS), 1);
	cr_expect_eq(covers_below(&machine, "cg/one/v1", PROCESS), 1);
	cr_expect_eq(covers_below(&machine, "cg/link/v1", PROCESS), 1, "by a link beside it");
	cr_expect_eq(covers_below(&machine, "cg/one/../two/a", PROCESS), 1);
	cr_expect_eq(covers_below(&machine, "cg/one/v1", 7), 1);
	cr_expect_eq(covers_below(&machine, "cg/two/empty", 7), 0);
}

Test(cgroup_name, of_a_mounted_part_has_its_root_in_front)
{
	_cleanup_machine_ struct machine machine = with_hierarchies();

	cr_expect_eq(covers_below(&machine, "cg/part/sub", 6), 1);
	cr_expect_eq(covers_below(&machine, "cg/part", 6), 1);
	cr_expect_eq(covers_below(&machine, "cg/part", PROCESS), 0);
}

Test(cgroup_name, needs_no_mount_where_somebody_is_in_it)
{
	_cleanup_machine_ struct machine machine = machine_new();

	machine_add(&machine, (struct machine_process){.pid = PROCESS, .cgroup = "/a/b"});
	cr_expect_eq(covers(&machine, "/a", PROCESS), 1);
	cr_expect_eq(covers(&machine, "/b", PROCESS), -ENXIO);
}

Test(cgroup_name, finds_the_directory_of_a_process)
{
	_cleanup_machine_ struct machine machine = with_hierarchies();
	_cleanup_close_ int process = cryo_procfs_open_process(machine.procfs, PROCESS);
	_cleanup_free_ char *systemd =
		cryo_cgroup_directory(machine.procfs, process, "name=systemd");
	_cleanup_free_ char *freezer = cryo_cgroup_directory(machine.procfs, process, "freezer");
	char expected[128];

	snprintf(expected, sizeof(expected), "%s/cg/one/v1", machine.path);
	cr_assert_str_eq(systemd, expected);
	cr_assert_null(freezer);
}
