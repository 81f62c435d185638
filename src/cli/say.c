// SPDX-License-Identifier: MIT
/*
 * Words on stderr, and signals that ask us to end. A line is one write(2), so that lines of several
 * processes do not mix; a stderr that nobody reads must not stop us while a target is stopped, so
 * what cannot be written is dropped.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

int cli_verbosity;

static volatile int cancelled;

static void say(const char *format, va_list arguments)
{
	char line[4096] = "cryocore: ";
	size_t start = strlen(line);
	int length = vsnprintf(line + start, sizeof(line) - start - 1, format, arguments);
	size_t size = length < 0 ? start : start + (size_t)length;

	if (size > sizeof(line) - 2)
		size = sizeof(line) - 2;
	line[size++] = '\n';
	if (write(STDERR_FILENO, line, size) < 0)
		return;
}

void cli_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

void cli_note(int verbosity, const char *format, ...)
{
	va_list arguments;

	if (cli_verbosity < verbosity)
		return;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
}

const char *cli_json_error(int error)
{
	return error == -ELIBACC ? "json-c cannot be loaded: install libjson-c5" : strerror(-error);
}

int cli_print_json(int r, char **json)
{
	if (r == 0)
		r = printf("%s\n", *json) < 0 ? -EIO : 0;
	else
		cli_error("no JSON can be written: %s", cli_json_error(r));
	free(*json);
	return r;
}

static void on_signal(int signal_number)
{
	cancelled = signal_number;
}

const volatile int *cli_cancel_flag(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal}, old;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	return &cancelled;
}
