// SPDX-License-Identifier: MIT
/*
 * cryocore list: every process, by several views, and whether it is frozen.
 */
#include <cryocore/cryocore.h>
#include <cryocore/freeze.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "options.h"
#include "values.h"

struct request {
	const char *journal;
	bool json;
};

static const struct cli_option rows[] = {
	{"journal", 0, "FILE", "the journal of the freeze", CLI_TEXT(struct request, journal)},
	{"json", 0, NULL, "the list as one line of JSON", CLI_FLAG(struct request, json)},
	CLI_COMMON_OPTIONS("list kernel threads too"),
};

static const struct cli_page page = {
	"Usage: cryocore list [OPTION]...\n"
	"\nEvery process: its state, whether it is frozen, who traces it, and from whom\n"
	"it is hidden.\n",
	rows,
	"Exit status: 0 no process is hidden; 1 some are; 2 no list; 64 wrong usage.\n",
};

static const char *hold_text(enum cryocore_list_hold hold)
{
	static const char *const texts[] = {
		[CRYOCORE_HOLD_NONE] = "-",
		[CRYOCORE_HOLD_OURS] = "cryocore",
		[CRYOCORE_HOLD_STOPPED] = "stopped",
		[CRYOCORE_HOLD_TRACER] = "tracer",
		[CRYOCORE_HOLD_FREEZER] = "freezer",
		[CRYOCORE_HOLD_DUMP] = "dump",
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

static bool is_shown(const struct cryocore_listed *row)
{
	return row->hidden[0] || cli_verbosity >= (row->is_kernel ? 1 : 0);
}

static int print_list(const struct request *request, const struct cryocore_list_result *result)
{
	char *json = NULL;
	int r;

	if (request->json) {
		r = cli_print_json(cryocore_list_result_json(result, &json), &json);
		return r < 0 || fflush(stdout) == 0 ? r : -EIO;
	}
	if (cli_verbosity >= 0 || result->n_hidden)
		printf("%7s %7s S %6s %-8s %7s %s\n", "PID", "PPID", "THREADS", "FROZEN", "TRACER",
			"NAME");
	for (size_t i = 0; i < result->n_processes; i++)
		if (is_shown(&result->processes[i]))
			print_row(&result->processes[i]);
	return fflush(stdout) == 0 ? 0 : -EIO;
}

static const char *journal_text(int error)
{
	if (error == EXDEV)
		return "it belongs to another pid or time namespace: give another --journal";
	if (error == EBADMSG)
		return "it is no journal of cryocore, or its head is damaged";
	if (error == EPERM)
		return "it is not a plain file of yours that nobody else may write";
	return strerror(error);
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
			journal_text(result->journal_error));
	else if (request->journal && access(request->journal, F_OK) < 0)
		cli_note(0, "there is no journal '%s'", request->journal);
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
	int first = cli_options_parse_only(&page, argc, argv, &request);

	return first < 0 ? -1 - first : run(&request);
}
