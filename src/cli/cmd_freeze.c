// SPDX-License-Identifier: MIT
/*
 * cryocore freeze: stop what runs, say what resisted, and how to undo it.
 *
 * stdout has a line for each process that needs one and ends with the command that undoes it all.
 * It is written when everything is decided; whoever reads it was spared.
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

enum {
	COMM_SIZE = 15,           /* the kernel keeps no more of a name */
	MAX_SECONDS = 366 * 86400 /* cli_parse_seconds() */
};

struct request {
	struct cryocore_freeze_options options;
	struct cli_pids pids, trees;
	struct cli_words cgroups, spare, outputs;
	bool json;
};

static int set_method(const struct cli_option *option, void *field, const char *value)
{
	static const char *const names[] = {"auto", "signal", "cgroup"};

	(void)option;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], value) == 0) {
			*(enum cryocore_freeze_method *)field = (enum cryocore_freeze_method)i;
			return 0;
		}
	cli_error("--method: '%s' is none of auto, signal, cgroup", value);
	return -EINVAL;
}

static int set_thaw_after(const struct cli_option *option, void *field, const char *value)
{
	uint64_t ms;

	(void)option;
	if (cli_parse_seconds(value, &ms) < 0 || ms < 1000) {
		cli_error("--thaw-after: '%s' is not a number of seconds from 1 to %d", value,
			MAX_SECONDS);
		return -EINVAL;
	}
	*(unsigned int *)field = (unsigned int)((ms + 999) / 1000);
	return 0;
}

static const struct cli_option rows[] = {
	{"all", 'A', NULL, "every process", CLI_FLAG(struct request, options.all)},
	{"pid", 'p', "PID[,PID]...", "these processes", CLI_PIDS(struct request, pids)},
	{"tree", 0, "PID", "this process and all its descendants", CLI_PIDS(struct request, trees)},
	{"cgroup", 0, "PATH", "every process in or below this cgroup",
		CLI_FIELD(cli_set_cgroup, struct request, cgroups, struct cli_words)},
	{"spare", 0, "WHO", "do not stop this PID, NAME or /CGROUP",
		CLI_WORDS(struct request, spare)},
	{"output", 0, "PATH", "spare who serves the file system of PATH",
		CLI_WORDS(struct request, outputs)},
	{"signal", 0, "SIGNAL", "STOP (default), TSTP, TTIN or TTOU",
		CLI_SIGNAL(struct request, options.signal)},
	{"then", 0, "SIGNAL", "send this to what could not be stopped, and only to that",
		CLI_SIGNAL(struct request, options.then_signal)},
	{"method", 0, "METHOD", "signal, cgroup or auto (default)",
		CLI_FIELD(set_method, struct request, options.method, enum cryocore_freeze_method)},
	{"thaw-after", 0, "SEC", "leave a guard that thaws after SEC seconds",
		CLI_FIELD(set_thaw_after, struct request, options.thaw_after_s, unsigned int)},
	{"journal", 0, "FILE", "write the journal there",
		CLI_TEXT(struct request, options.journal)},
	{"timeout", 0, "SEC", "the most that freezing may take (default: 10)",
		CLI_MS(struct request, options.timeout_ms)},
	{"dry-run", 'n', NULL, "say what would be done; stop nothing",
		CLI_FLAG(struct request, options.dry_run)},
	{"keep-frozen", 0, NULL, "when interrupted, thaw nothing",
		CLI_FLAG(struct request, options.keep_frozen)},
	{"json", 0, NULL, "the result as one line of JSON", CLI_FLAG(struct request, json)},
	CLI_COMMON_OPTIONS("name every process"),
};

static const struct cli_page page = {
	"Usage: cryocore freeze [OPTION]... --all | -p LIST | --tree PID | --cgroup PATH\n"
	"\nStop processes; 'cryocore thaw' gives them back as they were.\n",
	rows,
	"Exit status: 0 all stopped; 1 something was not; 2 nothing was done; 64 wrong\n"
	"usage.\n",
};

static const char *method_text(char method)
{
	return method == 's' ? "signal" : method == 'c' ? "cgroup" : "moved to a frozen cgroup";
}

/* In a dry run: an earlier freeze holds it, and nothing would be done to it. */
static bool is_held_already(const struct cryocore_frozen *process)
{
	return process->fate == CRYOCORE_FROZEN && !process->order;
}

static const char *frozen_text(const struct cryocore_frozen *process, bool dry_run)
{
	return !dry_run ? "frozen" : is_held_already(process) ? "frozen already" : "would freeze";
}

/* One process in one line, or none if nobody asked for that much. */
static void print_process(const struct cryocore_frozen *process, bool dry_run)
{
	const char *error = process->error ? strerror(process->error) : "";
	int detail = cli_verbosity;

	switch (process->fate) {
	case CRYOCORE_NOT_FROZEN:
		printf("NOT FROZEN %d (%s): %s%s%s\n", process->pid, process->comm, process->reason,
			error[0] ? ": " : "", error);
		break;
	case CRYOCORE_SPARED:
		if (detail >= (process->is_kernel ? 1 : 0))
			printf("spared %d (%s): %s\n", process->pid, process->comm,
				process->reason);
		break;
	case CRYOCORE_FROZEN:
		if (detail >= (dry_run ? 0 : 1))
			printf("%s %d (%s): %s\n", frozen_text(process, dry_run), process->pid,
				process->comm, method_text(process->method));
		break;
	case CRYOCORE_FROZEN_BEFORE:
		if (detail >= 0)
			printf("left as it is %d (%s): found in state %c\n", process->pid,
				process->comm, process->found);
		break;
	case CRYOCORE_DEAD:
	case CRYOCORE_GONE:
		if (detail >= 1)
			printf("%s %d (%s)\n", process->fate == CRYOCORE_DEAD ? "zombie" : "ended",
				process->pid, process->comm);
		break;
	}
}

/* What was done against us, and what our secondary signal may do to others. */
static void say_attack(const struct cryocore_frozen *process)
{
	if (process->revived)
		cli_error("ATTACK: pid %d (%s) came back to life %u times: another process "
			  "continued it%s",
			process->pid, process->comm, process->revived,
			process->fate == CRYOCORE_FROZEN ? "; it is stopped again" : "");
	if (process->hidden[0])
		cli_error("ATTACK: pid %d (%s) is hidden from %s", process->pid, process->comm,
			process->hidden);
	if (!process->then_sent)
		return;
	cli_note(0, "pid %d (%s): the secondary signal was sent", process->pid, process->comm);
	if (process->session_leader)
		cli_error("pid %d (%s) leads a session: if it ends, its children get SIGHUP and "
			  "SIGCONT",
			process->pid, process->comm);
	if (process->is_tracer)
		cli_error("pid %d (%s) traces others: if it ends, they run or end", process->pid,
			process->comm);
}

/* Of what a tracer has seen nothing can be taken back. */
static void say_traced(const struct cryocore_frozen *process)
{
	if (process->fate == CRYOCORE_FROZEN && process->method == 's' && process->tracer &&
		process->order)
		cli_note(0,
			"pid %d (%s) is traced by pid %d: a debugger may see its stop signal after "
			"thaw; --method=cgroup sends none",
			process->pid, process->comm, process->tracer);
}

static const struct cryocore_frozen *find_process(
	const struct cryocore_freeze_result *result, pid_t pid)
{
	for (size_t i = 0; i < result->n_processes; i++)
		if (result->processes[i].pid == pid)
			return &result->processes[i];
	return NULL;
}

/* Whether a process is a job of a shell that goes on: the kernel tells a parent of a stop by
 * signal, and sends SIGHUP to stopped groups of a session when it ends. */
static bool is_job_of_spared(
	const struct cryocore_freeze_result *result, const struct cryocore_frozen *process)
{
	const struct cryocore_frozen *parent = find_process(result, process->ppid);

	return process->fate == CRYOCORE_FROZEN && process->method == 's' && parent &&
	       parent->fate == CRYOCORE_SPARED && getsid(process->pid) == getsid(parent->pid) &&
	       getpgid(process->pid) != getpgid(parent->pid);
}

static void say_jobs(const struct cryocore_freeze_result *result)
{
	size_t count = 0;
	pid_t shell = 0;

	for (size_t i = 0; i < result->n_processes; i++)
		if (is_job_of_spared(result, &result->processes[i])) {
			shell = result->processes[i].ppid;
			count++;
		}
	if (count)
		cli_note(0,
			"%zu of them are jobs of a shell (pid %d): if that ends while they stand "
			"still, "
			"with a lost connection say, so do they, disowned ones too; with "
			"--method=cgroup they do not",
			count, shell);
}

struct held {
	size_t by_signal, by_cgroup;
};

/* What a dry run counts as frozen and is so already. */
static struct held count_held(const struct cryocore_freeze_result *result)
{
	struct held held = {0};

	for (size_t i = 0; i < result->n_processes; i++)
		if (is_held_already(&result->processes[i]))
			++*(result->processes[i].method == 's' ? &held.by_signal : &held.by_cgroup);
	return held;
}

static void say_summary(const struct cryocore_freeze_result *result, bool dry_run)
{
	struct held held = dry_run ? count_held(result) : (struct held){0};
	size_t n_held = held.by_signal + held.by_cgroup;

	cli_note(0,
		"%zu %s (%zu by signal, %zu by cgroup), %zu stood still before, %zu spared, "
		"%zu not frozen, in %.3f s",
		result->n_frozen - n_held, dry_run ? "would be frozen" : "frozen",
		result->n_signal - held.by_signal, result->n_cgroup - held.by_cgroup,
		result->n_before, result->n_spared, result->n_failed,
		(double)result->duration_ns / 1e9);
	cli_note(1, "%zu passes, %zu chases", result->passes, result->chases);
	if (result->added && dry_run)
		cli_note(0, "an earlier freeze is in force: it holds %zu of them already", n_held);
	else if (result->added)
		cli_note(0, "an earlier freeze was in force: this one added to it");
	if (result->damaged)
		cli_error("%zu records of the journal were damaged: look for processes in state T "
			  "after thaw",
			result->damaged);
	if (result->guard)
		cli_note(0, "the guard %d thaws if nobody else does", result->guard);
}

/* For a shell: a quote in the name ends the quotes, stands behind a backslash, and begins them. */
static void print_undo_with(const char *journal)
{
	printf("to undo: cryocore thaw --journal '");
	for (; *journal; journal++)
		if (*journal == '\'')
			printf("'\\''");
		else
			putchar(*journal);
	printf("'\n");
}

/* The last line on stdout. */
static void print_undo(const struct cryocore_freeze_result *result, const char *journal)
{
	if (!result->n_frozen && !result->n_failed && !result->added && !result->guard)
		printf("nothing was frozen\n");
	else if (result->cancelled && result->thawed)
		printf("interrupted: what was stopped runs again\n");
	else if (!journal)
		printf("to undo: cryocore thaw\n");
	else
		print_undo_with(result->journal);
}

static int print_result(const struct request *request, const struct cryocore_freeze_result *result)
{
	bool dry_run = request->options.dry_run;
	char *json = NULL;

	for (size_t i = 0; i < result->n_processes; i++)
		say_attack(&result->processes[i]);
	if (request->json)
		return cli_print_json(cryocore_freeze_result_json(result, &json), &json);
	for (size_t i = 0; i < result->n_processes; i++)
		print_process(&result->processes[i], dry_run);
	for (size_t i = 0; i < result->n_processes; i++)
		say_traced(&result->processes[i]);
	say_summary(result, dry_run);
	say_jobs(result);
	if (!dry_run)
		print_undo(result, request->options.journal);
	return 0;
}

static int exit_status(const struct request *request, const struct cryocore_freeze_result *result)
{
	bool dry_run = request->options.dry_run;

	if (result->cancelled)
		return result->thawed || result->n_frozen == 0 ? CLI_FAILED : CLI_PARTIAL;
	if (!dry_run && !result->quiet)
		cli_error("new processes appeared, or stopped ones ran, until the time was over: "
			  "not everything is frozen");
	if (result->n_failed || (!dry_run && !result->quiet))
		return result->n_frozen + result->n_before ? CLI_PARTIAL : CLI_FAILED;
	return CLI_COMPLETE;
}

/* A PID that was named and was not there. */
static size_t say_missing(const struct cli_pids *pids, const struct cryocore_freeze_result *result)
{
	size_t missing = 0;

	for (size_t i = 0; i < pids->count; i++) {
		if (find_process(result, pids->array[i]))
			continue;
		cli_error("pid %d: no such process", pids->array[i]);
		missing++;
	}
	return missing;
}

/* The result has names escaped. */
static bool is_name_of(const struct cryocore_frozen *process, const char *word)
{
	char *name = NULL;
	bool same = cryocore_escape(word, strnlen(word, COMM_SIZE), &name) == 0 &&
		    strcmp(name, process->comm) == 0;

	free(name);
	return same;
}

static bool is_spared_by(const struct cryocore_frozen *process, const char *word)
{
	pid_t pid;

	if (cryocore_parse_pid(word, &pid) == 0 && pid == process->pid)
		return true;
	return is_name_of(process, word) || (word[0] == '/' && process->fate == CRYOCORE_SPARED);
}

static bool is_spared_by_user(const struct cli_words *spare, const struct cryocore_frozen *process)
{
	for (size_t i = 0; i < spare->count; i++)
		if (is_spared_by(process, spare->array[i]))
			return true;
	return false;
}

/* A PID that was named, and must not be stopped. */
static size_t say_spared(const struct request *request, const struct cryocore_freeze_result *result)
{
	size_t spared = 0;

	for (size_t i = 0; i < request->pids.count; i++) {
		const struct cryocore_frozen *process =
			find_process(result, request->pids.array[i]);

		if (!process || process->fate != CRYOCORE_SPARED ||
			is_spared_by_user(&request->spare, process))
			continue;
		cli_error(
			"pid %d is spared though it was named: %s", process->pid, process->reason);
		spared++;
	}
	return spared;
}

static int explain_failure(int r, const char *journal)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{-EBUSY, "another freeze or thaw is at work"},
		{-EXDEV, "the journal belongs to another pid or time namespace: thaw there, or "
			 "remove it "
			 "if that is gone"},
		{-EBADMSG, "the journal is no journal of cryocore: give another --journal"},
		{-EPERM, "the journal is not a plain file of yours that nobody else may write"},
		{-ENOENT, "no place for the journal: give --journal FILE"},
		{-ENOSPC, "no room for the journal: give another --journal"},
		{-EDQUOT, "no room for the journal: give another --journal"},
		{-EROFS, "the journal would be on a read-only file system: give another --journal"},
		{-ENXIO, "a cgroup does not exist any more"},
		{-EINVAL, "--signal must be STOP, TSTP, TTIN or TTOU, and --then not CONT"},
	};

	if (r == -ENOENT && journal) {
		cli_error(
			"no place for the journal at '%s': make its directory: nothing was frozen",
			journal);
		return CLI_FAILED;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].error == r) {
			cli_error("%s: nothing was frozen", texts[i].text);
			return r == -EINVAL ? CLI_USAGE : CLI_FAILED;
		}
	cli_error("%s: nothing was frozen", strerror(-r));
	return CLI_FAILED;
}

static int run(struct request *request)
{
	struct cryocore_freeze_result *result = NULL;
	size_t missing;
	int status, r;

	request->options.cancel = cli_cancel_flag();
	if (cli_check_words(&request->cgroups, &request->spare) < 0)
		return CLI_FAILED;
	r = cryocore_freeze(&request->options, &result);
	if (r < 0)
		return explain_failure(r, request->options.journal);
	missing = say_spared(request, result);
	if (!result->cancelled) /* else they may not have been looked for */
		missing +=
			say_missing(&request->pids, result) + say_missing(&request->trees, result);
	if (result->n_processes == 0 && missing == 0 && !result->cancelled) {
		cli_error("no process fits what was asked for");
		missing = 1;
	}
	status = exit_status(request, result);
	if (missing && status == CLI_COMPLETE)
		status = result->n_frozen + result->n_before ? CLI_PARTIAL : CLI_FAILED;
	if (print_result(request, result) < 0 || fflush(stdout) != 0) {
		cli_error("stdout: the result could not be printed; 'cryocore thaw%s' undoes it",
			request->options.journal ? " --journal FILE" : "");
		status = status == CLI_COMPLETE ? CLI_PARTIAL : status;
	}
	cryocore_freeze_result_free(result);
	return status;
}

static int check(struct request *request)
{
	struct cryocore_freeze_options *options = &request->options;

	options->pids = request->pids.array;
	options->n_pids = request->pids.count;
	options->trees = request->trees.array;
	options->n_trees = request->trees.count;
	options->cgroups = request->cgroups.array;
	options->n_cgroups = request->cgroups.count;
	options->spare = request->spare.array;
	options->n_spare = request->spare.count;
	options->outputs = request->outputs.array;
	options->n_outputs = request->outputs.count;
	if (options->all || options->n_pids || options->n_trees || options->n_cgroups)
		return 0;
	cli_error("freeze what? Give --all, -p LIST, --tree PID or --cgroup PATH");
	return -EINVAL;
}

int cli_cmd_freeze(int argc, char **argv)
{
	struct request request = {0};
	int first, status = CLI_USAGE;

	cryocore_freeze_options_init(&request.options);
	first = cli_options_parse_only(&page, argc, argv, &request);
	if (first < 0)
		status = -1 - first;
	else if (check(&request) == 0)
		status = run(&request);
	cli_pids_clear(&request.pids);
	cli_pids_clear(&request.trees);
	cli_words_clear(&request.cgroups);
	cli_words_clear(&request.spare);
	cli_words_clear(&request.outputs);
	return status;
}
