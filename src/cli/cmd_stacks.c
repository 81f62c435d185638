// SPDX-License-Identifier: MIT
/*
 * cryocore stacks PID|CORE...: backtraces of all threads. A word of digits is a PID, a core with
 * such a name is ./NAME.
 */
#include <cryocore/cryocore.h>
#include <cryocore/stacks.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "options.h"
#include "values.h"

struct request {
	struct cryocore_stacks_options options;
	bool json;
};

static int set_frames(const struct cli_option *option, void *field, const char *value)
{
	uint64_t frames;
	int r = cli_parse_number(option, value, 1000000, &frames);

	if (r == 0)
		*(size_t *)field = frames;
	return r;
}

static const struct cli_option rows[] = {
	{"frames", 0, "N", "the most frames of one thread (default: 512)",
		CLI_FIELD(set_frames, struct request, options.max_frames, size_t)},
	{"timeout", 0, "SEC", "the most time for all threads together (default: 30)",
		CLI_MS(struct request, options.timeout_ms)},
	{"json", 0, NULL, "results as JSON, one line for each", CLI_FLAG(struct request, json)},
	CLI_COMMON_OPTIONS("say more"),
};

static const struct cli_page page = {
	"Usage: cryocore stacks [OPTION]... PID|CORE...\n",
	rows,
	NULL,
};

static const char *reason(int error)
{
	switch (error) {
	case -ENOEXEC:
		return "not a core of an architecture that cryocore knows";
	case -EMEDIUMTYPE:
		return "an ELF file, but not a core";
	case -ENODATA:
		return "no thread is in it";
	case -ENOTSUP:
		return "stacks of its architecture cannot be unwound on this machine";
	default:
		return strerror(-error);
	}
}

static int print_stacks(const struct request *request, const struct cryocore_stacks *stacks)
{
	char *text = NULL;
	int r;

	if (request->json)
		return cli_print_json(cryocore_stacks_json(stacks, &text), &text);
	r = cryocore_stacks_text(stacks, &text);
	if (r == 0)
		fputs(text, stdout);
	free(text);
	return r;
}

static int find_stacks(
	const struct request *request, const char *word, struct cryocore_stacks **ret_stacks)
{
	char *why = NULL;
	pid_t pid;
	int r;

	if (cryocore_parse_pid(word, &pid) == 0)
		r = cryocore_stacks_pid(pid, &request->options, ret_stacks, &why);
	else
		r = cryocore_stacks_core(word, &request->options, ret_stacks);
	if (r < 0)
		cli_error("%s: %s", word, why ? why : reason(r));
	free(why);
	return r;
}

static int show_one(const struct request *request, const char *path)
{
	struct cryocore_stacks *stacks = NULL;
	int r = find_stacks(request, path, &stacks);
	bool damaged;

	if (r < 0)
		return CLI_FAILED;
	damaged = stacks->damaged;
	r = print_stacks(request, stacks);
	cryocore_stacks_free(stacks);
	if (r == 0 && damaged)
		cli_note(0, "%s: the core is damaged: 'cryocore verify' says how", path);
	if (r < 0)
		cli_error("%s: %s", path, strerror(-r));
	return r < 0 ? CLI_FAILED : damaged ? CLI_PARTIAL : CLI_COMPLETE;
}

/* All whole: 0. Something shown: 1. Nothing: 2. */
static int show_all(const struct request *request, int count, char **paths)
{
	int complete = 0, failed = 0;

	for (int i = 0; i < count; i++) {
		int status = show_one(request, paths[i]);

		complete += status == CLI_COMPLETE;
		failed += status == CLI_FAILED;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_error("stdout: %s: the results could not be printed", strerror(errno));
		return CLI_PARTIAL;
	}
	if (complete == count)
		return CLI_COMPLETE;
	return failed == count ? CLI_FAILED : CLI_PARTIAL;
}

int cli_cmd_stacks(int argc, char **argv)
{
	struct request request = {0};
	int first;

	cryocore_stacks_options_init(&request.options);
	first = cli_options_parse(&page, argc, argv, &request);
	if (first < 0)
		return -1 - first;
	if (first >= argc) {
		cli_error("no process and no core is named: see 'cryocore stacks --help'");
		return CLI_USAGE;
	}
	return show_all(&request, argc - first, argv + first);
}
