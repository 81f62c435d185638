// SPDX-License-Identifier: MIT
/*
 * Few elements, read once: each addition takes exactly the room it needs.
 */
#include "lists.h"

#include <cryocore/cryocore.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int add_pid(struct cli_pids *pids, const char *word)
{
	pid_t pid, *grown;
	int r = cryocore_parse_pid(word, &pid);

	if (r < 0) {
		cli_error("'%s' is not a PID: give positive decimal numbers", word);
		return r;
	}
	grown = realloc(pids->array, (pids->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	pids->array = grown;
	pids->array[pids->count++] = pid;
	return 0;
}

int cli_pids_add(struct cli_pids *pids, const char *list)
{
	char *copy = strdup(list), *at = copy, *word;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && (word = strsep(&at, ",")))
		r = add_pid(pids, word);
	free(copy);
	return r;
}

void cli_pids_clear(struct cli_pids *pids)
{
	free(pids->array);
	*pids = (struct cli_pids){0};
}

int cli_words_add(struct cli_words *words, const char *word)
{
	const char **grown = realloc(words->array, (words->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	words->array = grown;
	words->array[words->count++] = word;
	return 0;
}

void cli_words_clear(struct cli_words *words)
{
	free(words->array);
	*words = (struct cli_words){0};
}
