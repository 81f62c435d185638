// SPDX-License-Identifier: MIT
/*
 * cryocore list: every process, by several views, and whether it is frozen.
 */
#include <cryocore/cryocore.h>
#include <cryocore/freeze.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "options.h"

struct request {
	const char *journal;
	bool json;
};

static int set_journal(void *state, const char *value)
{
	((struct request *)state)->journal = value;
	return 0;
}

static int set_json(void *state, const char *value)
{
	(void)value;
	((struct request *)state)->json = true;
	return 0;
}

static int set_help(void *state, const char *value);

static const struct cli_option table[] = {
	{"journal", 0, "FILE", "the journal of the freeze", set_journal},
	{"json", 0, NULL, "the list as one line of JSON", set_json},
	{"quiet", 'q', NULL, "say only what went wrong", cli_option_quiet},
	{"verbose", 'v', NULL, "list kernel threads too", cli_option_verbose},
	{"help", 'h', NULL, "print this help", set_help},
	{"version", 'V', NULL, "print the version", cli_option_version},
	{0},
};

static int set_help(void *state, const char *value)
{
	(void)state;
	(void)value;
	printf("Usage: cryocore list [OPTION]...\n"
	       "\nEvery process: its state, whether it is frozen, who traces it, and from whom\n"
	       "it is hidden.\n\n");
	cli_options_help(stdout, table);
	printf("\nExit status: 0 no process is hidden; 1 some are; 2 no list; 64 wrong usage.\n");
	return 1 + CLI_COMPLETE;
}

static const char *hold_text(enum cryocore_list_hold hold)
{
	static const char *const texts[] = {
		[CRYOCORE_HOLD_NONE] = "-",
		[CRYOCORE_HOLD_OURS] = "cryocore",
		[CRYOCORE_HOLD_STOPPED] = "stopped",
		[CRYOCORE_HOLD_TRACER] = "tracer",
		[CRYOCORE_HOLD_FREEZER] = "freezer",
	};

	return texts[hold];
}

static void print_row(const struct cryocore_listed *row)
{
	char tracer[32] = "-";

	if (row->tracer)
		snprintf(tracer, sizeof(tracer), "%d", row->tracer);
	printf("%7d %7d %c %6lld %-8s %7s %s%s%s%s%s\n", row->pid, row->ppid, row->state,
		(long long)row->n_threads, hold_text(row->hold), tracer, row->comm,
		row->hidden[0] ? "  HIDDEN from " : "", row->hidden,
		row->tracer ? "  traced by " : "", row->tracer_comm);
}

static int print_list(const struct request *request, const struct cryocore_list_result *result)
{
	char *json = NULL;

	if (request->json) {
		if (cryocore_list_result_json(result, &json) < 0)
			return -ENOMEM;
		printf("%s\n", json);
		free(json);
		return fflush(stdout) == 0 ? 0 : -EIO;
	}
	printf("%7s %7s S %6s %-8s %7s %s\n", "PID", "PPID", "THREADS", "FROZEN", "TRACER", "NAME");
	for (size_t i = 0; i < result->n_processes; i++)
		if (!result->processes[i].is_kernel || cli_verbosity >= 1 ||
			result->processes[i].hidden[0])
			print_row(&result->processes[i]);
	return fflush(stdout) == 0 ? 0 : -EIO;
}

static int run(const struct request *request)
{
	struct cryocore_list_result *result = NULL;
	int status = CLI_COMPLETE, r = cryocore_list(request->journal, &result);

	if (r < 0) {
		cli_error("%s: no list", strerror(-r));
		return CLI_FAILED;
	}
	if (result->journal_error)
		cli_error("the journal: %s: frozen processes are listed as stopped",
			strerror(result->journal_error));
	if (result->n_hidden) {
		cli_error("%zu processes are HIDDEN", result->n_hidden);
		status = CLI_PARTIAL;
	}
	if (print_list(request, result) < 0)
		status = CLI_FAILED;
	cryocore_list_result_free(result);
	return status;
}

int cli_cmd_list(int argc, char **argv)
{
	struct request request = {0};
	int first = cli_options_parse(table, argc, argv, &request);

	if (first < 0)
		return -1 - first;
	if (first < argc) {
		cli_error("'%s' is one word too many: list takes options only", argv[first]);
		return CLI_USAGE;
	}
	return run(&request);
}
