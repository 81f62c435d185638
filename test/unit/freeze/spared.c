// SPDX-License-Identifier: MIT
#include "spared.h"

#include <criterion/criterion.h>

void add_basics(const struct machine *machine)
{
	machine_add(machine, (struct machine_process){.pid = 1, .start_time = 1});
	machine_add(machine,
		(struct machine_process){.pid = SHELL, .ppid = 1, .pgrp = SHELL, .start_time = 2});
	machine_add(machine, (struct machine_process){
				     .pid = SELF, .ppid = SHELL, .pgrp = SELF, .start_time = 3});
}

void spared_case_clear(struct spared_case *spared)
{
	cryo_roster_clear(&spared->roster);
	cryo_census_clear(&spared->census);
	cryo_cgroup_names_clear(&spared->spare_cgroups);
}

void decide(const struct machine *machine, struct spared_case *spared)
{
	spared->request.self = SELF;
	cr_assert_eq(cryo_cgroup_names_make(machine->procfs, spared->request.spare,
			     spared->request.n_spare, &spared->spare_cgroups),
		0);
	spared->request.spare_cgroups = &spared->spare_cgroups;
	cr_assert_eq(cryo_census_take(machine->procfs, &spared->census), 0);
	cr_assert_eq(cryo_roster_make(
			     machine->procfs, &spared->census, &spared->request, &spared->roster),
		0);
}

enum cryo_spare why(const struct machine *machine, const struct spared_case *spared, pid_t pid)
{
	const struct cryo_row *row = cryo_census_find(&spared->census, pid);

	cr_assert(row);
	return cryo_roster_judge(machine->procfs, &spared->roster, row);
}
