// SPDX-License-Identifier: MIT
/*
 * Command lines: words divided by NULs, through a table that has a row of each kind.
 */
#include <cryocore/cryocore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/gather.h"
#include "cli/values.h"

enum {
	MAX_WORDS = 64
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct request {
	struct cli_gather gather;
	struct cli_pids pids;
	uint64_t ms;
	int signal;
};

static const struct cli_option rows[] = {
	{"pid", 'p', "PID[,PID]...", "", CLI_PIDS(struct request, pids)},
	{"timeout", 0, "SEC", "", CLI_MS(struct request, ms)},
	{"signal", 0, "NAME", "", CLI_SIGNAL(struct request, signal)},
	CLI_GATHER_OPTIONS,
	{0},
};

static const struct cli_page page = {"", rows, NULL};

/* What would be said is nobody's here. */
int cli_verbosity;

void cli_error(const char *format, ...)
{
	(void)format;
}

void cli_note(int verbosity, const char *format, ...)
{
	(void)verbosity;
	(void)format;
}

void cli_usage(FILE *stream)
{
	(void)stream;
}

const volatile int *cli_cancel_flag(void)
{
	static const int none;

	return &none;
}

static int split(char *text, size_t size, char **argv)
{
	static char name[] = "cryocore";
	int argc = 1;

	argv[0] = name;
	for (size_t at = 0; at < size && argc < MAX_WORDS; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	argv[argc] = NULL;
	return argc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[MAX_WORDS + 1], *text = malloc(size + 1);
	struct request request = {0};
	const char *bad = NULL;
	int argc, first;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	argc = split(text, size, argv);
	first = cli_options_parse(&page, argc, argv, &request);
	if (first > argc)
		abort();
	for (int i = first; first > 0 && i < argc; i++)
		if (cryocore_content_check(argv[i], &bad) < 0 && !bad)
			abort();
	cli_pids_clear(&request.pids);
	cli_gather_clear(&request.gather);
	free(text);
	return 0;
}
