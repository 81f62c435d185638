// SPDX-License-Identifier: MIT
/*
 * The kernel keeps 15 bytes of a name, and a user may not know that.
 */
#include "freeze/who.h"

#include <string.h>

#include "base/number.h"
#include "proc/procfs.h"

enum {
	COMM_SIZE = 15
};

bool cryo_who_fits(int procfs, const char *word, const struct cryo_cgroup_name *cgroup,
	const struct cryo_row *row)
{
	pid_t pid;

	if (word[0] == '/')
		return cryo_cgroup_name_covers(procfs, cgroup, row->pid);
	if (cryo_number_parse_pid(word, &pid) == 0)
		return row->pid == pid;
	return word[0] && strncmp(word, row->comm, COMM_SIZE) == 0;
}

int cryo_who_count(const char *word, size_t *ret_count)
{
	_cleanup_close_ int procfs = cryo_procfs_open_best();
	_cleanup_cgroup_names_ struct cryo_cgroup_names names = {0};
	_cleanup_census_ struct cryo_census census = {0};
	size_t count = 0;
	int r = procfs < 0 ? procfs : cryo_cgroup_names_make(procfs, &word, 1, &names);

	if (r == 0)
		r = cryo_census_take(procfs, &census);
	if (r < 0)
		return r;
	for (size_t i = 0; i < census.count; i++)
		count += census.rows[i].pid != getpid() &&
			 cryo_who_fits(procfs, word, names.array, &census.rows[i]);
	*ret_count = count;
	return 0;
}
