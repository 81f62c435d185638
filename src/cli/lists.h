// SPDX-License-Identifier: MIT
/*
 * Arguments that may be given more than once.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct cli_pids {
	pid_t *array;
	size_t count;
};

/* Add the numbers of "PID,PID,..." . 0, or -EINVAL (and then it was said), or -ENOMEM. */
int cli_pids_add(struct cli_pids *pids, const char *list);
void cli_pids_clear(struct cli_pids *pids);

/* Words; borrowed. */
struct cli_words {
	const char **array;
	size_t count;
};

/* 0 or -ENOMEM. */
int cli_words_add(struct cli_words *words, const char *word);
void cli_words_clear(struct cli_words *words);
