// SPDX-License-Identifier: MIT
/*
 * A line for each process on stdout as it is done, and a summary at the end. While processes are
 * frozen nobody may be there to read what we print, so the library calls us about single processes
 * only when everything runs again.
 */
#include "gather.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "apart.h"
#include "cli.h"
#include "progress.h"

static const char *const outcomes[] = {"complete", "partial", "failed"};

/* ---- options ---- */

int cli_gather_set_keep_frozen(const struct cli_option *option, void *field, const char *value)
{
	struct cryocore_gather_options *options = field;

	(void)option;
	(void)value;
	options->freeze = options->keep_frozen = true;
	return 0;
}

/* "zstd" or "zstd:LEVEL", 1 to 19. */
int cli_gather_set_compress(const struct cli_option *option, void *field, const char *value)
{
	static const char method[] = "zstd";
	size_t length = strlen(method);
	uint64_t level = 3;

	if (strncmp(value, method, length) != 0 || (value[length] && value[length] != ':')) {
		cli_error("--compress: '%s' is not known: give zstd or zstd:LEVEL", value);
		return -EINVAL;
	}
	if (value[length] && cli_parse_number(option, value + length + 1, 19, &level) < 0)
		return -EINVAL;
	*(int *)field = (int)level;
	return 0;
}

int cli_gather_set_jobs(const struct cli_option *option, void *field, const char *value)
{
	uint64_t jobs = 0;
	int r = cli_parse_number(option, value, 64, &jobs);

	*(unsigned int *)field = (unsigned int)jobs;
	return r;
}

/* Bytes, or with K, M or G so many KiB, MiB or GiB. */
int cli_gather_set_size(const struct cli_option *option, void *field, const char *value)
{
	static const char units[] = "KMG";
	size_t digits = strspn(value, "0123456789");
	const char *unit = value[digits] && !value[digits + 1] ? strchr(units, value[digits]) : "";
	unsigned int shift = unit && *unit ? 10 * (unsigned int)(unit - units + 1) : 0;
	char number[32];
	int r;

	snprintf(number, sizeof(number), "%.*s", shift ? (int)digits : -1, value);
	r = cli_parse_number(option, number, INT64_MAX >> shift, field);
	if (r == 0)
		*(uint64_t *)field <<= shift;
	return r;
}

int cli_gather_set_bundle(const struct cli_option *option, void *field, const char *value)
{
	static const char *const modes[] = {"none", "elf", "all"};

	(void)option;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(value, modes[i]) == 0) {
			*(const char **)field = modes[i];
			return 0;
		}
	cli_error("--bundle: '%s' is not known: give none, elf or all", value);
	return -EINVAL;
}

bool cli_gather_is_wanted(const struct cli_gather *gather)
{
	const struct cryocore_gather_options *options = &gather->options;

	return options->all || options->directory || gather->tar || gather->trees.count ||
	       gather->cgroups.count || options->freeze;
}

int cli_gather_check_unused(const struct cli_gather *gather)
{
	const struct cryocore_gather_options *options = &gather->options;
	struct cryocore_gather_options defaults;

	cryocore_gather_options_init(&defaults);
	const struct {
		const char *name;
		bool is_given;
	} rows[] = {
		{"spare", gather->spare.count},
		{"deleted-files", options->deleted_files},
		{"no-stacks", options->no_stacks},
		{"max-copy", options->max_copy != defaults.max_copy},
		{"bundle", options->bundle},
		{"bundle-max", options->bundle_max != defaults.bundle_max},
		{"case", options->case_id},
		{"examiner", options->examiner},
		{"note", options->note},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].is_given) {
			cli_error("--%s is for evidence: give --directory, --tar or --freeze too",
				rows[i].name);
			return -EINVAL;
		}
	return 0;
}

void cli_gather_clear(struct cli_gather *gather)
{
	cli_pids_clear(&gather->trees);
	cli_words_clear(&gather->cgroups);
	cli_words_clear(&gather->spare);
	free(gather->directory);
}

/* ---- output ---- */

static const char *first_words(const struct cryocore_gathered *process)
{
	const struct cryocore_result *capture = process->capture;

	for (size_t i = 0; capture && i < capture->n_messages; i++)
		if (capture->messages[i].severity != CRYOCORE_INFO)
			return capture->messages[i].text;
	if (process->gone && !process->start_time && !process->hidden)
		return "no such process";
	if (process->gone)
		return "it ended before everything was read";
	if (process->kernel_thread)
		return "kernel thread";
	return process->zombie ? "zombie" : "";
}

static void print_text(const struct cli_gather *gather, const struct cryocore_gathered *process)
{
	const char *words = first_words(process);
	char missing[64];

	if (!words[0] && process->items_missing) {
		snprintf(missing, sizeof(missing), "%zu items are missing: see the manifest",
			process->items_missing);
		words = missing;
	}
	fprintf(gather->results, "%7d  %-8s  %3zu files  %s%s%s%s%s\n", process->pid,
		outcomes[process->outcome], process->items, process->comm,
		process->hidden ? "  HIDDEN FROM " : "", process->hidden ? process->hidden : "",
		words[0] ? "  " : "", words);
}

static void on_process(const struct cryocore_gathered *process, void *user)
{
	const struct cli_gather *gather = user;
	char *json = NULL;

	cli_progress_end();
	if (!gather->json) {
		print_text(gather, process);
	} else if (cryocore_gathered_json(process, &json) == 0) {
		fprintf(gather->results, "%s\n", json);
		free(json);
	}
}

static void say_result(const struct cryocore_gather_result *result)
{
	for (size_t i = 0; i < result->n_messages; i++)
		cli_note(result->messages[i].severity == CRYOCORE_INFO ? 1 : -1, "%s",
			result->messages[i].text);
}

static void print_summary(
	const struct cli_gather *gather, const struct cryocore_gather_result *result)
{
	char *json = NULL;

	say_result(result);
	if (gather->json) {
		if (cryocore_gather_result_json(result, &json) == 0)
			fprintf(gather->results, "%s\n", json);
		free(json);
		return;
	}
	if (!result->manifest_sha256[0])
		return;
	fprintf(gather->results,
		"%zu processes (%zu kernel threads): %zu complete, %zu partial, %zu failed; "
		"%" PRIu64 " files, %" PRIu64 " bytes, %" PRIu64 " items not to be had, %.1f s\n",
		result->processes, result->kernel_threads, result->complete, result->partial,
		result->failed, result->files, result->bytes, result->items_missing,
		(double)result->total_ns / 1e9);
	if (gather->options.freeze)
		fprintf(gather->results,
			"%zu processes were frozen, %zu could not be, %zu are still%s\n",
			result->frozen, result->not_frozen, result->left_frozen,
			result->left_frozen ? ": 'cryocore thaw' gives them back" : "");
	fprintf(gather->results, "%s  %s/manifest.json\n", result->manifest_sha256,
		gather->tar ? gather->tar : gather->options.directory);
}

/* ---- the run ---- */

static int make_up_directory(struct cli_gather *gather)
{
	time_t now = time(NULL);
	char stamp[32];

	if (gather->options.directory)
		return 0;
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime(&now));
	if (asprintf(&gather->directory, "cryocore-%s", stamp) < 0)
		return -ENOMEM;
	gather->options.directory = gather->directory;
	return 0;
}

static void complete(struct cli_gather *gather)
{
	struct cryocore_gather_options *options = &gather->options;

	options->trees = gather->trees.array;
	options->n_trees = gather->trees.count;
	options->cgroups = gather->cgroups.array;
	options->n_cgroups = gather->cgroups.count;
	options->spare = gather->spare.array;
	options->n_spare = gather->spare.count;
	options->cancel = cli_cancel_flag();
	options->on_process = on_process;
	options->on_progress = cli_gather_progress_callback();
	options->user = gather;
}

/* stdout, or FILE.partial, made here and nowhere followed by a link. 0 or -errno, and words. */
static int open_tar(struct cli_gather *gather, char **ret_partial)
{
	gather->results = stdout;
	if (!gather->tar)
		return 0;
	if (strcmp(gather->tar, "-") == 0) {
		if (isatty(STDOUT_FILENO)) {
			cli_error(
				"stdout is a terminal: give a file, or send the stream somewhere");
			return -ENOTTY;
		}
		gather->results = stderr;
		gather->options.tar_fd = STDOUT_FILENO;
		return 0;
	}
	if (faccessat(AT_FDCWD, gather->tar, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		errno = EEXIST;
	else if (asprintf(ret_partial, "%s.partial", gather->tar) >= 0)
		gather->options.tar_fd = open(
			*ret_partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (gather->options.tar_fd >= 0)
		return 0;
	cli_error("%s: %s: give a new file", gather->tar, strerror(errno));
	return -errno;
}

/* To rename so that nothing is replaced is not known to every file system (FUSE, NFS). */
static int give_name(const char *partial, const char *name)
{
	if (renameat2(AT_FDCWD, partial, AT_FDCWD, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(partial, name) == 0)
		return unlink(partial) < 0 ? -errno : 0;
	if (faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return rename(partial, name) < 0 ? -errno : 0;
}

/* The stream gets its name if it has its end. 0, also where it has none, or -errno. What a server
 * has not taken may be known only when the file is closed. */
static int close_tar(struct cli_gather *gather, const char *partial, bool is_whole)
{
	struct stat found;
	bool is_empty = fstat(gather->options.tar_fd, &found) == 0 && found.st_size == 0;
	int r;

	if (!partial)
		return 0;
	r = close(gather->options.tar_fd) < 0 ? -errno : 0;
	if (r == 0 && is_whole)
		r = give_name(partial, gather->tar);
	if (is_empty)
		unlink(partial);
	else if (r < 0)
		cli_error("%s: %s: the tar stream is in %s", gather->tar, strerror(-r), partial);
	else if (!is_whole)
		cli_error("what there is of the tar stream is in %s", partial);
	return r;
}

/* A server that has not taken the stream would not let go of its file either. */
static bool has_timed_out(const struct cryocore_gather_result *result)
{
	for (size_t i = 0; i < result->n_messages; i++)
		if (result->messages[i].error == ETIMEDOUT && !result->manifest_sha256[0])
			return true;
	return false;
}

static int end_tar(
	struct cli_gather *gather, const char *partial, const struct cryocore_gather_result *result)
{
	if (partial && result && has_timed_out(result) && cryocore_is_served(partial)) {
		cli_error("what there is of the tar stream is in %s", partial);
		return 0;
	}
	return close_tar(gather, partial, result && result->manifest_sha256[0]);
}

/* 0; 1: the evidence is there, but not where it was wanted; or -errno. */
static int gather_into(struct cli_gather *gather, struct cryocore_gather_result **ret_result)
{
	char *partial = NULL;
	int r = open_tar(gather, &partial), closed = 0;

	cli_apart_note(CLI_APART_WORK, CLI_FAILED);
	if (r == 0)
		r = cryocore_gather(&gather->options, ret_result);
	cli_apart_note(CLI_APART_CLOSE, r < 0 ? CLI_FAILED : (int)(*ret_result)->outcome);
	if (gather->options.tar_fd >= 0)
		closed = end_tar(gather, partial, r == 0 ? *ret_result : NULL);
	free(partial);
	return r == 0 && closed < 0 ? 1 : r;
}

static int collect(void *user)
{
	struct cli_gather *gather = user;
	struct cryocore_gather_result *result = NULL;
	int r = gather_into(gather, &result), outcome;

	cli_progress_end();
	if (r == -EINVAL) {
		cli_error("no process is named: give PIDs, --tree, --cgroup or --all");
		return CLI_USAGE;
	}
	if (r < 0) {
		cli_error("%s: nothing was collected", strerror(-r));
		return CLI_FAILED;
	}
	print_summary(gather, result);
	outcome = (int)result->outcome;
	cryocore_gather_result_free(result);
	return r > 0 && outcome == CLI_COMPLETE ? CLI_PARTIAL : outcome;
}

int cli_gather_run(struct cli_gather *gather)
{
	const char *place;

	if (!gather->tar && make_up_directory(gather) < 0) {
		cli_error("%s: nothing was collected", strerror(ENOMEM));
		return CLI_FAILED;
	}
	complete(gather);
	if (cli_check_words(&gather->cgroups, &gather->spare) < 0)
		return CLI_FAILED;
	place = gather->tar ? gather->tar : gather->options.directory;
	if ((gather->tar && strcmp(gather->tar, "-") == 0) || !cryocore_is_served(place))
		return collect(gather);
	return cli_apart(collect, gather, place, gather->options.timeout_ms);
}
