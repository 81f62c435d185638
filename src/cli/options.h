// SPDX-License-Identifier: MIT
/*
 * Command-line options as tables: the same row is parsed and explained. A row names the field of
 * the command's state that it fills; how the text becomes a value is the row's setter (values.h).
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/**
 * struct cli_option - a row; the table ends with a row whose name is NULL.
 * @name: long name without dashes
 * @letter: short name, or 0
 * @argument: what --help calls the argument; NULL: it takes none; "[X]": it may be left out
 * @help: one line
 * @set: stores it in @field; @value is NULL without an argument. 0, or a negative errno for a bad
 *	value (and then it has said so); a positive value ends the program with status (value - 1).
 *	NULL: the row is --help
 * @offset: of the field in the state
 */
struct cli_option {
	const char *name;
	char letter;
	const char *argument;
	const char *help;
	int (*set)(const struct cli_option *option, void *field, const char *value);
	size_t offset;
};

/**
 * struct cli_page - what a command takes, and what its --help says.
 * @usage: above the rows; NULL: the usage of the whole program
 * @options: the table
 * @tail: below the rows, or NULL
 */
struct cli_page {
	const char *usage;
	const struct cli_option *options;
	const char *tail;
};

/**
 * cli_options_parse - parse options; operands may stand between them.
 * @state: the fields of the rows lie in it
 *
 * Returns the index in argv (which is permuted) of the first operand, or a negative number -1-S
 * where S is the exit status with which the program should end.
 */
int cli_options_parse(const struct cli_page *page, int argc, char **argv, void *state);

/* The same for a command that takes no operands: one is an error, and that is said. */
int cli_options_parse_only(const struct cli_page *page, int argc, char **argv, void *state);
