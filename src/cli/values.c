// SPDX-License-Identifier: MIT
/*
 * Lists have few elements and are read once: each addition takes exactly the room it needs.
 */
#include "values.h"

#include <cryocore/cryocore.h>
#include <cryocore/freeze.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool has_pid(const struct cli_pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->array[i] == pid)
			return true;
	return false;
}

static int add_pid(struct cli_pids *pids, const char *word)
{
	pid_t pid, *grown;
	int r = cryocore_parse_pid(word, &pid);

	if (r < 0) {
		cli_error("'%s' is not a PID: give positive decimal numbers", word);
		return r;
	}
	if (has_pid(pids, pid))
		return 0;
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

void cli_words_clear(struct cli_words *words)
{
	free(words->array);
	*words = (struct cli_words){0};
}

int cli_parse_seconds(const char *value, uint64_t *ret_ms)
{
	uint64_t ms = 0, unit = 1000;
	size_t digits = strspn(value, "0123456789");
	const char *fraction = value[digits] == '.' ? value + digits + 1 : "";
	size_t decimals = strspn(fraction, "0123456789");

	if (digits == 0 || digits > 8 || decimals > 3 || fraction[decimals] ||
		(!fraction[0] && value[digits]))
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		ms = ms * 10 + (unsigned int)(value[i] - '0');
	ms *= 1000;
	for (size_t i = 0; i < decimals; i++)
		ms += (unsigned int)(fraction[i] - '0') * (unit /= 10);
	if (ms == 0 || ms > 366ULL * 86400 * 1000)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

int cli_parse_number(
	const struct cli_option *option, const char *value, uint64_t most, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno || *end || value[0] < '0' || value[0] > '9' || number < 1 || number > most) {
		cli_error(
			"--%s: '%s' is not a number from 1 to %" PRIu64, option->name, value, most);
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

int cli_set_flag(const struct cli_option *option, void *field, const char *value)
{
	(void)option;
	(void)value;
	*(bool *)field = true;
	return 0;
}

int cli_set_text(const struct cli_option *option, void *field, const char *value)
{
	if (!value[0]) {
		cli_error(
			"the argument of --%s is empty: give a %s", option->name, option->argument);
		return -EINVAL;
	}
	*(const char **)field = value;
	return 0;
}

int cli_set_pids(const struct cli_option *option, void *field, const char *value)
{
	(void)option;
	return cli_pids_add(field, value);
}

int cli_set_words(const struct cli_option *option, void *field, const char *value)
{
	struct cli_words *words = field;
	const char *word, **grown;
	int r = cli_set_text(option, &word, value);

	if (r < 0)
		return r;
	grown = realloc(words->array, (words->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	words->array = grown;
	words->array[words->count++] = word;
	return 0;
}

int cli_set_cgroup(const struct cli_option *option, void *field, const char *value)
{
	if (value[0] == '/')
		return cli_set_words(option, field, value);
	cli_error("--cgroup: '%s' does not begin with '/': give a path as in /proc/PID/cgroup",
		value);
	return -EINVAL;
}

int cli_set_signal(const struct cli_option *option, void *field, const char *value)
{
	if (cryocore_parse_signal(value, field) == 0)
		return 0;
	cli_error("--%s: '%s' is no signal", option->name, value);
	return -EINVAL;
}

int cli_set_ms(const struct cli_option *option, void *field, const char *value)
{
	if (cli_parse_seconds(value, field) == 0)
		return 0;
	cli_error("--%s: '%s' is not a number of seconds over 0", option->name, value);
	return -EINVAL;
}

/* What the user typed may hold anything. */
static void say_escaped(const char *option, const char *word, const char *what)
{
	char *escaped = NULL;

	if (cryocore_escape(word, strlen(word), &escaped) == 0)
		cli_error("--%s %s %s", option, escaped, what);
	free(escaped);
}

/* Returns whether the word means nothing that exists. */
static bool is_missing(const char *option, const char *word)
{
	size_t count = 1;
	bool missing = cryocore_count_processes(word, &count) == -ENXIO;

	if (missing)
		say_escaped(option, word, "is no cgroup: nothing was stopped");
	else if (count == 0)
		say_escaped(option, word, "fits no process");
	return missing;
}

int cli_check_words(const struct cli_words *cgroups, const struct cli_words *spare)
{
	size_t missing = 0;

	for (size_t i = 0; i < cgroups->count; i++)
		missing += is_missing("cgroup", cgroups->array[i]);
	for (size_t i = 0; i < spare->count; i++)
		missing += is_missing("spare", spare->array[i]);
	return missing ? -ENXIO : 0;
}

int cli_set_quiet(const struct cli_option *option, void *field, const char *value)
{
	(void)option;
	(void)field;
	(void)value;
	cli_verbosity = -1;
	return 0;
}

int cli_set_verbose(const struct cli_option *option, void *field, const char *value)
{
	(void)option;
	(void)field;
	(void)value;
	cli_verbosity++;
	return 0;
}

int cli_set_version(const struct cli_option *option, void *field, const char *value)
{
	(void)option;
	(void)field;
	(void)value;
	printf("cryocore %s\n", cryocore_version());
	return 1 + CLI_COMPLETE;
}
