// SPDX-License-Identifier: MIT
/* Who is spared on a machine made of files. */
#pragma once

#include "freeze/roster.h"
#include "machine.h"

enum {
	SELF = 50,
	SHELL = 40
};

struct spared_case {
	struct cryo_roster_request request;
	struct cryo_cgroup_names spare_cgroups;
	struct cryo_census census;
	struct cryo_roster roster;
};

void spared_case_clear(struct spared_case *spared);

#define _cleanup_case_ __attribute__((cleanup(spared_case_clear)))

/* PID 1, a shell, ourselves as a job of it. */
void add_basics(const struct machine *machine);

/* Make the roster. */
void decide(const struct machine *machine, struct spared_case *spared);

/* What it says of a process. */
enum cryo_spare why(const struct machine *machine, const struct spared_case *spared, pid_t pid);
