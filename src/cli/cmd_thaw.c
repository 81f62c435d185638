// SPDX-License-Identifier: MIT
/*
 * cryocore thaw: give back what freeze stopped.
 */
#include <cryocore/cryocore.h>
#include <cryocore/freeze.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "options.h"
#include "values.h"

struct request {
	struct cryocore_thaw_options options;
	struct cli_pids pids;
	bool all, json;
};

static const struct cli_option rows[] = {
	{"all", 'A', NULL, "everything that is frozen (default)", CLI_FLAG(struct request, all)},
	{"pid", 'p', "PID[,PID]...", "only these", CLI_PIDS(struct request, pids)},
	{"signal", 0, "SIGNAL", "send this first; CONT (default) follows in any case",
		CLI_SIGNAL(struct request, options.signal)},
	{"journal", 0, "FILE", "the journal of the freeze",
		CLI_TEXT(struct request, options.journal)},
	{"json", 0, NULL, "the result as one line of JSON", CLI_FLAG(struct request, json)},
	CLI_COMMON_OPTIONS("name every process"),
};

static const struct cli_page page = {
	"Usage: cryocore thaw [OPTION]... [--all | -p LIST]\n"
	"\nGive back what 'cryocore freeze' stopped, in the reverse order.\n",
	rows,
	"Exit status: 0 all given back, or nothing was frozen; 1 something was not, or\n"
	"the journal is in trouble; 2 nothing was done; 64 wrong usage.\n",
};

static void print_process(const struct cryocore_thawed *process)
{
	static const char *const words[] = {
		[CRYOCORE_THAWED] = "thawed",
		[CRYOCORE_THAW_RUNNING] = "running already",
		[CRYOCORE_THAW_GONE] = "ended",
		[CRYOCORE_NOT_THAWED] = "NOT THAWED",
	};

	if (process->fate == CRYOCORE_NOT_THAWED)
		printf("NOT THAWED %d (%s): %s\n", process->pid, process->comm,
			process->error == EBUSY ? "its cgroup holds others that stay frozen"
						: strerror(process->error));
	else if (cli_verbosity >= 1 && process->comm[0])
		printf("%s %d (%s)\n", words[process->fate], process->pid, process->comm);
	else if (cli_verbosity >= 1)
		printf("%s %d\n", words[process->fate], process->pid);
}

static void say_nothing(const struct cryocore_thaw_result *result, const char *journal)
{
	if (result->damaged)
		cli_note(0, "of what can be read of the journal nothing is frozen");
	else if (journal && !result->journal && !result->stale)
		cli_note(0, "nothing is frozen (there is no journal '%s')", journal);
	else
		cli_note(0, "nothing is frozen%s",
			result->stale ? " (the journal is of an earlier boot)" : "");
}

/* Trouble with the journal, which hinders nobody from being given back. Whether there was some. */
static bool say_journal(const struct cryocore_thaw_result *result)
{
	if (result->damaged && (result->n_left || result->journal_error))
		cli_error("%zu records of the journal were damaged: look for processes in state T",
			result->damaged);
	else if (result->damaged)
		cli_error("%zu records of the journal were damaged: look for processes in state T; "
			  "it is kept as '%s.damaged'",
			result->damaged, result->journal);
	if (result->journal_error && result->n_left)
		cli_error("the journal '%s' could not be written: %s: the next thaw looks at all "
			  "processes again",
			result->journal, strerror(result->journal_error));
	else if (result->journal_error)
		cli_error("the journal '%s' could not be removed: %s: remove it before the next "
			  "freeze",
			result->journal, strerror(result->journal_error));
	return result->damaged || result->journal_error;
}

static void say_summary(const struct cryocore_thaw_result *result, const char *journal)
{
	if (result->nothing)
		say_nothing(result, journal);
	else
		cli_note(0,
			"%zu thawed, %zu ran already, %zu ended, %zu not thawed, %zu stay frozen",
			result->n_thawed, result->n_running, result->n_gone, result->n_failed,
			result->n_left);
}

static int print_result(const struct request *request, const struct cryocore_thaw_result *result)
{
	char *json = NULL;

	if (request->json && cli_print_json(cryocore_thaw_result_json(result, &json), &json) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < result->n_processes && !request->json; i++)
		print_process(&result->processes[i]);
	say_summary(result, request->options.journal);
	return fflush(stdout) == 0 ? 0 : -EIO;
}

/* A PID that was named and is not in the journal. */
static size_t say_unknown(const struct cli_pids *pids, const struct cryocore_thaw_result *result)
{
	size_t unknown = 0;

	for (size_t i = 0; i < pids->count && !result->nothing; i++) {
		bool found = false;

		for (size_t j = 0; j < result->n_processes && !found; j++)
			found = result->processes[j].pid == pids->array[i];
		if (!found)
			cli_error("pid %d: cryocore did not freeze it, or gave it back",
				pids->array[i]);
		unknown += !found;
	}
	return unknown;
}

static int explain_failure(int r)
{
	const char *text = strerror(-r);

	if (r == -EBUSY)
		text = "another freeze or thaw is at work";
	else if (r == -EXDEV)
		text = "the journal belongs to another pid or time namespace: thaw there, or "
		       "remove it if "
		       "that is gone";
	else if (r == -EBADMSG)
		text = "this is no journal of cryocore, or its head is damaged";
	else if (r == -EPERM)
		text = "the journal is not a plain file of yours that nobody else may write";
	cli_error("%s: nothing was thawed", text);
	return CLI_FAILED;
}

static int run(struct request *request)
{
	struct cryocore_thaw_result *result = NULL;
	int status = CLI_COMPLETE, r;

	request->options.pids = request->pids.array;
	request->options.n_pids = request->pids.count;
	r = cryocore_thaw(&request->options, &result);
	if (r < 0)
		return explain_failure(r);
	if (say_unknown(&request->pids, result) + result->n_failed)
		status = result->n_thawed + result->n_running + result->n_gone ? CLI_PARTIAL
									       : CLI_FAILED;
	if (print_result(request, result) < 0 && status == CLI_COMPLETE)
		status = CLI_PARTIAL;
	if (say_journal(result) && status == CLI_COMPLETE)
		status = CLI_PARTIAL;
	cryocore_thaw_result_free(result);
	return status;
}

int cli_cmd_thaw(int argc, char **argv)
{
	struct request request = {0};
	int first, status = CLI_USAGE;

	cryocore_thaw_options_init(&request.options);
	first = cli_options_parse_only(&page, argc, argv, &request);
	if (first < 0)
		status = -1 - first;
	else if (request.all && request.pids.count)
		cli_error("--all and -p contradict each other: choose one");
	else
		status = run(&request);
	cli_pids_clear(&request.pids);
	return status;
}
