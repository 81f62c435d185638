// SPDX-License-Identifier: MIT
/*
 * Values of options: a setter for each kind of field, and rows that every command has.
 *
 * CLI_FLAG(struct request, json) is the last part of a row: the setter and where the field lies. It
 * does not compile if the field has another type.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "options.h"

/* Arguments that may be given more than once. */
struct cli_pids {
	pid_t *array;
	size_t count;
};

/* Words; borrowed. */
struct cli_words {
	const char **array;
	size_t count;
};

#define CLI_FIELD(setter, type, member, field)                                                     \
	setter, offsetof(type, member) + 0 * sizeof(&((type *)0)->member == (field *)0)

#define CLI_FLAG(type, member) CLI_FIELD(cli_set_flag, type, member, bool)
#define CLI_TEXT(type, member) CLI_FIELD(cli_set_text, type, member, const char *)
#define CLI_PIDS(type, member) CLI_FIELD(cli_set_pids, type, member, struct cli_pids)
#define CLI_WORDS(type, member) CLI_FIELD(cli_set_words, type, member, struct cli_words)
#define CLI_SIGNAL(type, member) CLI_FIELD(cli_set_signal, type, member, int)
#define CLI_MS(type, member) CLI_FIELD(cli_set_ms, type, member, uint64_t)

/* The last rows of a table; @verbose: what -v does. */
#define CLI_COMMON_OPTIONS(verbose)                                                                \
	{"quiet", 'q', NULL, "say only what went wrong", cli_set_quiet, 0},                        \
		{"verbose", 'v', NULL, verbose, cli_set_verbose, 0},                               \
		{"help", 'h', NULL, "print this help", NULL, 0},                                   \
		{"version", 'V', NULL, "print the version", cli_set_version, 0},                   \
	{                                                                                          \
		0                                                                                  \
	}

/* Setters; each says what is wrong with a bad value. */
int cli_set_flag(const struct cli_option *option, void *field, const char *value);
int cli_set_text(const struct cli_option *option, void *field, const char *value); /* not empty */
int cli_set_pids(const struct cli_option *option, void *field, const char *value);
int cli_set_words(const struct cli_option *option, void *field, const char *value);
int cli_set_cgroup(const struct cli_option *option, void *field, const char *value);
int cli_set_signal(const struct cli_option *option, void *field, const char *value);
int cli_set_ms(const struct cli_option *option, void *field, const char *value); /* seconds */
int cli_set_quiet(const struct cli_option *option, void *field, const char *value);
int cli_set_verbose(const struct cli_option *option, void *field, const char *value);
int cli_set_version(const struct cli_option *option, void *field, const char *value);

/* Seconds with up to three decimals as milliseconds, over 0 and at most a year. 0 or -EINVAL. */
int cli_parse_seconds(const char *value, uint64_t *ret_ms);

/* A whole number from 1 to @most. 0, or -EINVAL (and then it was said). */
int cli_parse_number(
	const struct cli_option *option, const char *value, uint64_t most, uint64_t *ret_number);

/* Add the numbers of "PID,PID,...", each once. 0, or -EINVAL (and then it was said), or -ENOMEM. */
int cli_pids_add(struct cli_pids *pids, const char *list);
void cli_pids_clear(struct cli_pids *pids);

/**
 * cli_check_words - say what of --cgroup and --spare was mistyped, before anything is stopped.
 *
 * One of @spare that fits nobody is told; a cgroup that does not exist is an error. 0 or -ENXIO.
 */
int cli_check_words(const struct cli_words *cgroups, const struct cli_words *spare);

void cli_words_clear(struct cli_words *words);
