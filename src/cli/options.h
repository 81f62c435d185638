// SPDX-License-Identifier: MIT
/*
 * Command-line options as tables: the same row is parsed and explained.
 */
#pragma once

#include <stdio.h>

/**
 * struct cli_option - a row; the table ends with a row whose name is NULL.
 * @name: long name without dashes
 * @letter: short name, or 0
 * @argument: what --help calls the argument; NULL: it takes none; "[X]": it may be left out
 * @help: one line
 * @set: stores it; @value is NULL without an argument. 0, or -EINVAL for a bad value (and then it
 *	has said so); a positive value ends the program with status (value - 1)
 */
struct cli_option {
	const char *name;
	char letter;
	const char *argument;
	const char *help;
	int (*set)(void *state, const char *value);
};

/**
 * cli_options_parse - parse options; operands may stand between them.
 * @state: passed to every @set
 *
 * Returns the index in argv (which is permuted) of the first operand, or a negative number -1-S
 * where S is the exit status with which the program should end.
 */
int cli_options_parse(const struct cli_option *table, int argc, char **argv, void *state);

/* Print the rows for --help. */
void cli_options_help(FILE *stream, const struct cli_option *table);

/* Rows that every command has: -h is added by the command itself since it prints the command's. */
int cli_option_quiet(void *state, const char *value);
int cli_option_verbose(void *state, const char *value);
int cli_option_version(void *state, const char *value);

/* Seconds with up to three decimals as milliseconds, over 0 and at most a year. 0 or -EINVAL. */
int cli_parse_seconds(const char *value, unsigned long long *ret_ms);
