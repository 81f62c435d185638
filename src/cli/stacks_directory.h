// SPDX-License-Identifier: MIT
/*
 * `cryocore stacks DIR`: the processes of an evidence directory.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct cli_process_list {
	pid_t *array;
	size_t count;
};

/* Whether a word names a directory. */
bool cli_is_directory(const char *path);

/*
 * The processes of an evidence directory, in order. 0; -ENODATA if it is none; -errno. The array is
 * malloc'ed.
 */
int cli_evidence_processes(const char *directory, struct cli_process_list *ret_list);

/*
 * Print the file of stacks that was made with the evidence. It comes from whoever had the
 * directory, so nothing in it reaches the terminal unless it could be text of ours. 0, or -ENOENT
 * and the like.
 */
int cli_print_stored_stacks(const char *directory, pid_t pid);
