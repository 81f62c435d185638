// SPDX-License-Identifier: MIT
/*
 * The table of tables. Some states lead into another one (`hog 64 threads 4`), so a state that
 * needs two properties is made of two rows.
 */
#include "victim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct victim_state *const tables[] = {
	run_states,
	thread_states,
	memory_states,
	family_states,
	identity_states,
	blocked_states,
	hostile_fuse_states,
	hostile_memory_states,
	hostile_family_states,
	hostile_kernel_states,
	snapshot_states,
};

enum {
	N_TABLES = sizeof(tables) / sizeof(tables[0])
};

static const struct victim_state *find_state(const char *name)
{
	for (int i = 0; i < N_TABLES; i++)
		for (const struct victim_state *state = tables[i]; state->name; state++)
			if (strcmp(state->name, name) == 0)
				return state;
	return NULL;
}

static void list_states(FILE *stream)
{
	for (int i = 0; i < N_TABLES; i++)
		for (const struct victim_state *state = tables[i]; state->name; state++)
			fprintf(stream, "%s %s\n", state->name, state->arguments);
}

void victim_run(int argc, char **argv)
{
	const struct victim_state *state = argc > 0 ? find_state(argv[0]) : NULL;

	if (!state) {
		list_states(stderr);
		_exit(2);
	}
	state->run(argc, argv);
	_exit(0);
}

void die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		die("PR_SET_PDEATHSIG");
	if (getppid() != parent)
		_exit(1);
}

int main(int argc, char **argv)
{
	die_with_parent(getppid());
	if (argc < 2) {
		list_states(stdout);
		return 0;
	}
	victim_run(argc - 1, argv + 1);
}
