// SPDX-License-Identifier: MIT
/*
 * What the commands share: exit statuses, words on stderr, cancellation by signals.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Exit statuses (doc/cryocore.1.scd, EXIT STATUS). */
enum cli_exit {
	CLI_COMPLETE = 0,
	CLI_PARTIAL = 1,
	CLI_FAILED = 2,
	CLI_USAGE = 64, /* EX_USAGE of sysexits.h */
};

/* One row of the command table in main.c. */
struct cli_command {
	const char *name;
	const char *arguments;
	const char *summary;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

/* How much is said: -q makes it -1, each -v adds one. Set by the option tables. */
extern int cli_verbosity;

/* Print "cryocore: ..." on stderr, one line, in one write. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, only from this verbosity on. */
void cli_note(int verbosity, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Why there is no JSON, for an error of a function that makes it. */
const char *cli_json_error(int error);

/**
 * cli_print_json - print a result as one line on stdout.
 * @r: what the function returned that made @json
 * @json: freed; a pointer, since the call that makes it may be the argument before
 *
 * Returns @r, of which it has told if it is an error, or -EIO.
 */
int cli_print_json(int r, char **json);

/*
 * From now on SIGINT, SIGTERM and SIGHUP set the returned flag to their number instead of ending
 * the program. SIGPIPE is ignored: a reader that went away is an error of write(2).
 */
const volatile int *cli_cancel_flag(void);

/* From now on this process only reads files (cryocore_fence()). */
void cli_fence(void);

/* Print a line of help about the whole program; exit status 0. */
void cli_usage(FILE *stream);

int cli_cmd_capture(int argc, char **argv);
int cli_cmd_freeze(int argc, char **argv);
int cli_cmd_journal(int argc, char **argv);
int cli_cmd_list(int argc, char **argv);
int cli_cmd_stacks(int argc, char **argv);
int cli_cmd_thaw(int argc, char **argv);
int cli_cmd_verify(int argc, char **argv);
