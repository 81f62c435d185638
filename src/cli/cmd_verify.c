// SPDX-License-Identifier: MIT
/*
 * cryocore verify CORE|DIR|TAR...: one line for each thing that is wrong. Exit status: 0 clean; 1
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
#include "values.h"

struct request {
	bool json;
};

static const struct cli_option rows[] = {
	{"json", 0, NULL, "results as JSON, one line for each", CLI_FLAG(struct request, json)},
	CLI_COMMON_OPTIONS("say more"),
};

static const struct cli_page page = {
	"Usage: cryocore verify [OPTION]... CORE|DIR|TAR...\n",
	rows,
	"Exit status: 0 clean; 1 something is wrong; 2 something could not be checked;\n"
	"64 wrong usage.\n",
};

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

static int print_result(const struct request *request, const struct cryocore_verification *result)
{
	char *json = NULL;

	if (request->json)
		return cli_print_json(cryocore_verification_json(result, &json), &json);
	print_findings(result);
	return 0;
}

static int verify_one(const struct request *request, const char *path)
{
	struct cryocore_verification *result = NULL;
	int r = cryocore_verify(path, &result), status = CLI_FAILED;

	if (r == 0)
		r = print_result(request, result);
	if (r < 0)
		cli_error("%s: %s", path, strerror(-r));
	else
		status = (int)result->verdict;
	cryocore_verification_free(result);
	return status;
}

int cli_cmd_verify(int argc, char **argv)
{
	struct request request = {0};
	int worst = CLI_COMPLETE, first = cli_options_parse(&page, argc, argv, &request);

	if (first < 0)
		return -1 - first;
	if (first >= argc) {
		cli_error("no core, directory or archive is named: see 'cryocore verify --help'");
		return CLI_USAGE;
	}
	cli_fence();
	for (int i = first; i < argc; i++) {
		int status = verify_one(&request, argv[i]);

		worst = status > worst ? status : worst;
	}
	/* main() says so */
	return fflush(stdout) != 0 || ferror(stdout) ? CLI_FAILED : worst;
}
