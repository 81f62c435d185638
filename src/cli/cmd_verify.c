// SPDX-License-Identifier: MIT
/*
 * cryocore verify CORE|DIR...: one line for each thing that is wrong. Exit status: 0 clean; 1
 * findings; 2 something could not be checked.
 */
#include <cryocore/verify.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "options.h"

static int set_json(void *state, const char *value)
{
	(void)value;
	*(bool *)state = true;
	return 0;
}

static int set_help(void *state, const char *value);

static const struct cli_option table[] = {
	{"json", 0, NULL, "results as JSON, one line for each", set_json},
	{"quiet", 'q', NULL, "say only what went wrong", cli_option_quiet},
	{"verbose", 'v', NULL, "say more", cli_option_verbose},
	{"help", 'h', NULL, "print this help", set_help},
	{"version", 'V', NULL, "print the version", cli_option_version},
	{0},
};

static int set_help(void *state, const char *value)
{
	(void)state;
	(void)value;
	printf("Usage: cryocore verify [OPTION]... CORE|DIR...\n\n");
	cli_options_help(stdout, table);
	printf("\nExit status: 0 clean; 1 something is wrong; 2 something could not be checked;\n"
	       "64 wrong usage.\n");
	return 1 + CLI_COMPLETE;
}

static void print_findings(const struct cryocore_verification *result)
{
	for (size_t i = 0; i < result->findings_kept; i++)
		printf("%s: %s: %s\n", result->path, result->findings[i].code,
			result->findings[i].text);
	if (result->n_findings > result->findings_kept)
		printf("%s: %llu findings more\n", result->path,
			(unsigned long long)(result->n_findings - result->findings_kept));
	if (result->n_findings == 0 && cli_verbosity >= 0)
		printf("%s: clean\n", result->path);
}

static int verify_one(const char *path, bool json)
{
	struct cryocore_verification *result = NULL;
	char *text = NULL;
	int r = cryocore_verify(path, &result), status;

	if (r == 0 && json)
		r = cryocore_verification_json(result, &text);
	if (r < 0) {
		cli_error("%s: %s", path, strerror(-r));
		cryocore_verification_free(result);
		return CLI_FAILED;
	}
	if (json)
		printf("%s\n", text);
	else
		print_findings(result);
	status = (int)result->verdict;
	free(text);
	cryocore_verification_free(result);
	return status;
}

int cli_cmd_verify(int argc, char **argv)
{
	bool json = false;
	int worst = CLI_COMPLETE, first = cli_options_parse(table, argc, argv, &json);

	if (first < 0)
		return -1 - first;
	if (first >= argc) {
		cli_error("no core and no directory is named: see 'cryocore verify --help'");
		return CLI_USAGE;
	}
	for (int i = first; i < argc; i++) {
		int status = verify_one(argv[i], json);

		worst = status > worst ? status : worst;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_error("stdout: %s: the results could not be printed", strerror(errno));
		return CLI_FAILED;
	}
	return worst;
}
