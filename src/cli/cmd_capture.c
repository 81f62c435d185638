// SPDX-License-Identifier: MIT
/*
 * cryocore [OPTION]... PID...: one capture after the other, or with --jobs several at once; a
 * failed one never stops the rest.
 *
 * stdout has results only: a line with the name of each core, the plan with --dry-run, or JSON.
 */
#include <cryocore/cryocore.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "gather.h"
#include "options.h"
#include "progress.h"
#include "values.h"

enum {
	MAX_JOBS = 64 /* what --jobs takes */
};

struct request {
	struct cli_gather gather; /* first: its rows know only it */
	struct cryocore_options options;
	struct cli_pids pids;
	bool stream;
	uint64_t total_ms, timeout_ms;
};

static int set_content(const struct cli_option *option, void *field, const char *value)
{
	const char *bad = value;

	(void)option;
	if (cryocore_content_check(value, &bad) < 0) {
		cli_error("--content: '%s' is not known: see CONTENT in cryocore(1)", bad);
		return -EINVAL;
	}
	*(const char **)field = value;
	return 0;
}

static int set_all_mappings(const struct cli_option *option, void *field, const char *value)
{
	(void)value;
	return set_content(option, field, "all");
}

static const char *const ways[] = {[CRYOCORE_SNAPSHOT_AUTO] = "auto",
	[CRYOCORE_SNAPSHOT_PRECOPY] = "precopy",
	[CRYOCORE_SNAPSHOT_FORK] = "fork"};

static int set_snapshot(const struct cli_option *option, void *field, const char *value)
{
	for (int i = CRYOCORE_SNAPSHOT_AUTO; i <= CRYOCORE_SNAPSHOT_FORK; i++)
		if (strcmp(value ? value : "auto", ways[i]) == 0) {
			*(enum cryocore_snapshot *)field = (enum cryocore_snapshot)i;
			return 0;
		}
	cli_error("--%s: '%s' is not known: give precopy or fork, or nothing", option->name, value);
	return -EINVAL;
}

static int set_max_pause(const struct cli_option *option, void *field, const char *value)
{
	size_t digits = strspn(value, "0123456789");

	if (digits == 0 || digits > 9 || value[digits] || strtoull(value, NULL, 10) == 0) {
		cli_error("--%s: '%s' is not a number of milliseconds over 0", option->name, value);
		return -EINVAL;
	}
	*(uint64_t *)field = strtoull(value, NULL, 10);
	return 0;
}

static const struct cli_option rows[] = {
	{"pid", 'p', "PID[,PID]...", "capture these processes", CLI_PIDS(struct request, pids)},
	{"output", 'o', "PREFIX",
		"write PREFIX.PID (default: core); '-' streams one core to stdout",
		CLI_TEXT(struct request, options.prefix)},
	{"all-mappings", 'a', NULL, "every readable mapping except devices (--content=all)",
		CLI_FIELD(set_all_mappings, struct request, options.content, const char *)},
	{"content", 0, "SET", "which mappings: kernel, all, evidence, or a list (see the man page)",
		CLI_FIELD(set_content, struct request, options.content, const char *)},
	{"no-exe", 0, NULL, "make no copy of the executable",
		CLI_FLAG(struct request, options.no_exe)},
	{"force", 'f', NULL, "overwrite existing files",
		CLI_FLAG(struct request, options.overwrite)},
	{"dry-run", 'n', NULL, "print the plan; stop and write nothing",
		CLI_FLAG(struct request, options.dry_run)},
	{"timeout", 0, "SEC", "the most that the capture of one process may take",
		CLI_MS(struct request, timeout_ms)},
	{"total-timeout", 0, "SEC", "... and of all of them together",
		CLI_MS(struct request, total_ms)},
	{"no-syscall-restart", 0, NULL, "leave alone the system calls that a stop ended early",
		CLI_FLAG(struct request, options.no_syscall_restart)},
	{"no-stop", 0, NULL, "read it while it runs", CLI_FLAG(struct request, options.no_stop)},
	{"snapshot", 0, "[precopy|fork]",
		"let it run while its memory is copied; runs system calls in it",
		CLI_FIELD(set_snapshot, struct request, options.snapshot, enum cryocore_snapshot)},
	{"max-pause", 0, "MS", "capture nothing that would stand still for longer",
		CLI_FIELD(set_max_pause, struct request, options.max_pause_ms, uint64_t)},
	{"require-registers", 0, NULL, "a thread that cannot be stopped is an error",
		CLI_FLAG(struct request, options.require_registers)},
	CLI_GATHER_OPTIONS,
	CLI_COMMON_OPTIONS("say more"),
};

static const struct cli_page page = {
	NULL,
	rows,
	"Exit status: 0 complete; 1 something is missing; 2 nothing captured, or a target\n"
	"could not be given back; 64 wrong usage. The man page cryocore(1) says more.\n",
};

static int check_request(const struct request *request)
{
	if (request->pids.count == 0) {
		cli_error("no process is named: give PIDs, or see 'cryocore --help'");
		return -EINVAL;
	}
	if (request->stream && request->pids.count > 1) {
		cli_error("'-o -' streams one core: give one PID, not %zu", request->pids.count);
		return -EINVAL;
	}
	if (request->stream && request->gather.json && !request->options.dry_run) {
		cli_error("'-o -' and --json both want stdout: choose one");
		return -EINVAL;
	}
	return 0;
}

static int check_ways(const struct request *request)
{
	if (!request->options.no_stop || request->options.snapshot == CRYOCORE_SNAPSHOT_NONE)
		return 0;
	cli_error("--snapshot stops for a moment, --no-stop does not: choose one");
	return -EINVAL;
}

static void say_messages(const struct cryocore_result *result)
{
	for (size_t i = 0; i < result->n_messages; i++) {
		const struct cryocore_message *message = &result->messages[i];

		cli_note(message->severity == CRYOCORE_INFO ? 1 : -1, "pid %d: %s", result->pid,
			message->text);
	}
}

static void print_plan(const struct cryocore_result *result)
{
	printf("%-34s %-4s %15s %15s  %s\n", "# mapping", "perm", "size", "written", "why");
	for (size_t i = 0; i < result->n_mappings; i++) {
		const struct cryocore_mapping *row = &result->mappings[i];

		printf("%016llx-%016llx  %s %15llu %15llu  %s%s%s\n",
			(unsigned long long)row->start, (unsigned long long)row->end,
			row->permissions, (unsigned long long)(row->end - row->start),
			(unsigned long long)row->file_size, row->reason, row->name[0] ? ": " : "",
			row->name);
	}
	printf("# core of pid %d: %llu bytes, %llu of memory\n", result->pid,
		(unsigned long long)result->core_size, (unsigned long long)result->data_bytes);
}

static int print_result(const struct request *request, const struct cryocore_result *result)
{
	char *json = NULL;

	say_messages(result);
	if (request->gather.json) {
		if (cli_print_json(cryocore_result_json(result, &json), &json) < 0)
			return -ENOMEM;
	} else if (result->outcome != CRYOCORE_FAILED && request->options.dry_run) {
		print_plan(result);
	} else if (result->core_path) {
		printf("%s\n", result->core_path);
	}
	cli_note(1,
		"pid %d: %llu bytes of memory, %llu threads, paused for %.3f ms, %.3f ms in all",
		result->pid, (unsigned long long)result->data_bytes,
		(unsigned long long)result->n_threads, (double)result->pause_ns / 1e6,
		(double)result->total_ns / 1e6);
	if (result->snapshot != CRYOCORE_SNAPSHOT_NONE)
		cli_note(1, "pid %d: a snapshot by %s: %llu stops, %.3f ms together", result->pid,
			ways[result->snapshot], (unsigned long long)result->n_stops,
			(double)result->pauses_ns / 1e6);
	return 0;
}

/* One capture of several, and what came of it. */
struct job {
	struct cryocore_result *result;
	int error;
	bool ended;
};

/* Threads that take one process after the other; who finds that it is the next one's turn prints
 * it, so that results come in the order of the command line. */
struct crew {
	pthread_mutex_t lock; /* of all that follows */
	struct request *request;
	struct job *jobs;
	size_t taken, printed;
	size_t complete, failed;
	uint64_t begin_ms; /* CLOCK_MONOTONIC */
};

static int print_job(struct request *request, pid_t pid, struct job *job)
{
	int outcome;

	cli_progress_end();
	if (job->error < 0) {
		cli_error("pid %d: %s: nothing was captured", pid,
			job->error == -ETIME ? "the time for all has passed (--total-timeout)"
					     : strerror(-job->error));
		return CLI_FAILED;
	}
	outcome = (int)job->result->outcome;
	if (print_result(request, job->result) < 0)
		outcome = CLI_FAILED;
	cryocore_result_free(job->result);
	return outcome;
}

static void print_in_order(struct crew *crew)
{
	while (crew->printed < crew->taken && crew->jobs[crew->printed].ended) {
		int status = print_job(crew->request, crew->request->pids.array[crew->printed],
			&crew->jobs[crew->printed]);

		crew->printed++;
		crew->complete += status == CLI_COMPLETE;
		crew->failed += status == CLI_FAILED;
	}
}

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Capture with the process's own time, or what is left of that for all. 0 or -errno; -ETIME. */
static int capture_in_time(const struct crew *crew, pid_t pid, struct cryocore_session *session,
	struct cryocore_result **ret_result)
{
	const struct request *request = crew->request;
	struct cryocore_options options = request->options;
	uint64_t used = now_ms() - crew->begin_ms;

	options.session = session;
	options.timeout_ms = request->timeout_ms;
	if (request->total_ms && used >= request->total_ms)
		return -ETIME;
	if (request->total_ms &&
		(!options.timeout_ms || request->total_ms - used < options.timeout_ms))
		options.timeout_ms = request->total_ms - used;
	return cryocore_capture(pid, &options, ret_result);
}

static void *work(void *argument)
{
	struct crew *crew = argument;
	struct request *request = crew->request;
	struct cryocore_session *session = NULL;

	if (request->pids.count > 1)
		cryocore_session_new(&session); /* or without */
	pthread_mutex_lock(&crew->lock);
	while (crew->taken < request->pids.count && !*request->options.cancel) {
		struct job *job = &crew->jobs[crew->taken];
		pid_t pid = request->pids.array[crew->taken++];

		pthread_mutex_unlock(&crew->lock);
		job->error = capture_in_time(crew, pid, session, &job->result);
		pthread_mutex_lock(&crew->lock);
		job->ended = true;
		print_in_order(crew);
	}
	pthread_mutex_unlock(&crew->lock);
	cryocore_session_free(session);
	return NULL;
}

/* A thread that cannot be had is done without: we work ourselves too. */
static void run_crew(struct crew *crew, size_t wanted)
{
	pthread_t threads[MAX_JOBS];
	size_t started = 0;

	while (started + 1 < wanted && pthread_create(&threads[started], NULL, work, crew) == 0)
		started++;
	work(crew);
	while (started)
		pthread_join(threads[--started], NULL);
}

/* All complete: 0. Something captured: 1. Nothing: 2. */
static int capture_all(struct request *request)
{
	size_t count = request->pids.count, wanted = request->gather.options.jobs;
	struct crew crew = {.request = request,
		.jobs = calloc(count, sizeof(*crew.jobs)),
		.begin_ms = now_ms()};

	if (!crew.jobs) {
		cli_error("%s: nothing was captured", strerror(ENOMEM));
		return CLI_FAILED;
	}
	pthread_mutex_init(&crew.lock, NULL);
	if (wanted > 1)
		request->options.on_progress = NULL; /* there is one line for it */
	run_crew(&crew, wanted < count ? wanted : count);
	pthread_mutex_destroy(&crew.lock);
	free(crew.jobs);
	crew.failed += count - crew.taken;
	if (crew.taken < count)
		cli_error("interrupted: %zu of %zu processes were not looked at",
			count - crew.taken, count);
	if (crew.complete == count)
		return CLI_COMPLETE;
	return crew.failed == count ? CLI_FAILED : CLI_PARTIAL;
}

/* What plain cores and evidence have in common was parsed for the former. */
static int run_gather(struct request *request)
{
	struct cryocore_gather_options *options = &request->gather.options;

	if (request->options.prefix || request->options.dry_run || request->options.overwrite ||
		request->options.no_exe) {
		cli_error("--output, --dry-run, --force and --no-exe are for cores alone: leave "
			  "out --all, --directory, --tar, --tree, --cgroup and --freeze");
		return CLI_USAGE;
	}
	if (options->directory && request->gather.tar) {
		cli_error("--directory and --tar contradict each other: choose one");
		return CLI_USAGE;
	}
	if (options->zstd_level && !request->gather.tar) {
		cli_error("--compress is for cores and for --tar: cores in a directory are not "
			  "compressed");
		return CLI_USAGE;
	}
	options->pids = request->pids.array;
	options->n_pids = request->pids.count;
	options->content = request->options.content;
	options->no_syscall_restart = request->options.no_syscall_restart;
	options->snapshot = request->options.snapshot;
	options->max_pause_ms = request->options.max_pause_ms;
	options->no_stop = request->options.no_stop;
	options->require_registers = request->options.require_registers;
	options->timeout_ms = request->timeout_ms;
	options->total_timeout_ms = request->total_ms;
	return cli_gather_run(&request->gather);
}

static int run_cores(struct request *request)
{
	if (check_request(request) < 0 || cli_gather_check_unused(&request->gather) < 0)
		return CLI_USAGE;
	request->options.cancel = cli_cancel_flag();
	request->options.zstd_level = request->gather.options.zstd_level;
	request->options.stream_fd =
		request->stream && !request->options.dry_run ? STDOUT_FILENO : -1;
	request->options.on_progress = cli_progress_callback();
	return capture_all(request);
}

int cli_cmd_capture(int argc, char **argv)
{
	struct request request = {0};
	const char **as_typed = calloc((size_t)argc, sizeof(*as_typed));
	int first, status = CLI_USAGE;

	/* the words are about to be sorted, and evidence shall have them as they were typed */
	if (!as_typed)
		return CLI_FAILED;
	memcpy(as_typed, argv, (size_t)argc * sizeof(*as_typed));

	cryocore_options_init(&request.options);
	cryocore_gather_options_init(&request.gather.options);
	request.gather.options.argc = argc;
	request.gather.options.argv = as_typed;
	first = cli_options_parse(&page, argc, argv, &request);
	if (first < 0)
		status = -1 - first;
	for (; first > 0 && first < argc; first++)
		if (cli_pids_add(&request.pids, argv[first]) < 0)
			first = -1;
	request.stream = request.options.prefix && strcmp(request.options.prefix, "-") == 0;
	if (first > 0 && check_ways(&request) < 0)
		first = -1;
	if (first > 0 && cli_gather_is_wanted(&request.gather))
		status = run_gather(&request);
	else if (first > 0)
		status = run_cores(&request);
	cli_pids_clear(&request.pids);
	cli_gather_clear(&request.gather);
	free(as_typed);
	return status;
}
