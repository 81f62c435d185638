// SPDX-License-Identifier: MIT
/*
 * cryocore stacks PID|CORE|DIR...: backtraces of all threads. A word of digits is a PID, a core
 * with such a name is ./NAME; a directory is evidence, of many processes.
 */
#include <cryocore/cryocore.h>
#include <cryocore/stacks.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "options.h"
#include "stacks_directory.h"
#include "values.h"

/* @pid: of evidence, to be printed with what belongs to it; 0: there is but one process */
struct request {
	struct cryocore_stacks_options options;
	bool json;
	pid_t pid;
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
	"Usage: cryocore stacks [OPTION]... PID|CORE|DIR...\n",
	rows,
	NULL,
};

static const char *reason(int error)
{
	switch (error) {
	case -ENOEXEC:
		return "not a core of an architecture that cryocore knows (of evidence in an "
		       "archive, "
		       "extract it first)";
	case -EMEDIUMTYPE:
		return "an ELF file, but not a core";
	case -ENODATA:
		return "no thread is in it";
	case -ELIBACC:
		return "libunwind or libdw cannot be loaded: install libunwind8 and libdw1";
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
		r = cryocore_stacks_json(stacks, &text);
	else
		r = cryocore_stacks_text(stacks, &text);
	if (r == 0 && request->json && request->pid)
		printf("{\"pid\":%d,%s\n", request->pid, text + 1);
	else if (r == 0)
		printf("%s%s", text, request->json ? "\n" : "");
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
		cli_error("%s: %s", path, request->json ? cli_json_error(r) : strerror(-r));
	return r < 0 ? CLI_FAILED : damaged ? CLI_PARTIAL : CLI_COMPLETE;
}

/* The core of a process of evidence, or what there is of it. 0 and a path, or -ENOENT, -ENOMEM. */
static int find_core(const char *directory, pid_t pid, char **ret_path)
{
	static const char *const names[] = {"core", "core.partial"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (asprintf(ret_path, "%s/proc/%d/%s", directory, pid, names[i]) < 0)
			return -ENOMEM;
		if (access(*ret_path, F_OK) == 0)
			return 0;
		free(*ret_path);
	}
	return -ENOENT;
}

/* A process without memory has no core, and nothing is wrong with that. */
static int show_process(struct request *request, const char *directory, pid_t pid)
{
	char *path;
	int r, status;

	request->pid = pid;
	if (!request->json)
		printf("process %d\n", pid);
	if (!request->json && cli_print_stored_stacks(directory, pid) == 0)
		return CLI_COMPLETE;
	r = find_core(directory, pid, &path);
	if (r < 0) {
		cli_note(1, "%s: process %d has no core", directory, pid);
		return r == -ENOENT ? CLI_COMPLETE : CLI_FAILED;
	}
	status = show_one(request, path);
	free(path);
	return status;
}

static int worse(int before, int status, bool is_first)
{
	if (is_first)
		return status;
	return before == status ? status : CLI_PARTIAL;
}

static int show_directory(const struct request *request, const char *directory)
{
	struct request one = *request;
	struct cli_process_list list = {0};
	int r = cli_evidence_processes(directory, &list), status = CLI_FAILED;

	if (r < 0)
		cli_error("%s: %s", directory,
			r == -ENODATA ? "it is not an evidence directory: no process is in it"
				      : strerror(-r));
	for (size_t i = 0; i < list.count; i++)
		status = worse(status, show_process(&one, directory, list.array[i]), i == 0);
	free(list.array);
	return status;
}

/* All whole: 0. Something shown: 1. Nothing: 2. */
static int show_all(const struct request *request, int count, char **paths)
{
	int complete = 0, failed = 0;

	for (int i = 0; i < count; i++) {
		pid_t pid;
		bool is_directory =
			cryocore_parse_pid(paths[i], &pid) < 0 && cli_is_directory(paths[i]);
		int status = is_directory ? show_directory(request, paths[i])
					  : show_one(request, paths[i]);

		complete += status == CLI_COMPLETE;
		failed += status == CLI_FAILED;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) /* main() says so */
		return CLI_PARTIAL;
	if (complete == count)
		return CLI_COMPLETE;
	return failed == count ? CLI_FAILED : CLI_PARTIAL;
}

/* A process has to be captured, which is done behind another fence. */
static bool names_process(int count, char **words)
{
	bool found = false;
	pid_t pid;

	for (int i = 0; i < count; i++)
		found |= cryocore_parse_pid(words[i], &pid) == 0;
	return found;
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
		cli_error("no process, core or directory is named: see 'cryocore stacks --help'");
		return CLI_USAGE;
	}
	if (!names_process(argc - first, argv + first))
		cli_fence();
	return show_all(&request, argc - first, argv + first);
}
