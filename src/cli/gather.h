// SPDX-License-Identifier: MIT
/*
 * Evidence of many processes from the command line: the options that only it has, and the run.
 */
#pragma once

#include <cryocore/evidence.h>
#include <stdio.h>

#include "values.h"

/**
 * struct cli_gather - what was asked for. It is the first member of the state of an option table
 * that has the rows of CLI_GATHER_OPTIONS.
 */
struct cli_gather {
	struct cryocore_gather_options options;
	struct cli_pids trees;
	struct cli_words cgroups, spare;
	char *directory; /* made up by us */
	const char *tar; /* file of the stream, or "-" */
	FILE *results;   /* stderr while stdout is the stream */
	bool json;
};

/* Setters of the rows below. */
int cli_gather_set_keep_frozen(const struct cli_option *option, void *field, const char *value);
int cli_gather_set_compress(const struct cli_option *option, void *field, const char *value);
int cli_gather_set_jobs(const struct cli_option *option, void *field, const char *value);
int cli_gather_set_bundle(const struct cli_option *option, void *field, const char *value);
int cli_gather_set_size(const struct cli_option *option, void *field, const char *value);

#define CLI_GATHER_OPTIONS                                                                         \
	{"all", 'A', NULL, "evidence of every process", CLI_FLAG(struct cli_gather, options.all)}, \
		{"directory", 'd', "DIR", "evidence, not only cores, into an empty directory",     \
			CLI_TEXT(struct cli_gather, options.directory)},                           \
		{"tar", 0, "FILE", "evidence as one tar stream into FILE, or '-' for stdout",      \
			CLI_TEXT(struct cli_gather, tar)},                                         \
		{"compress", 0, "zstd[:LEVEL]", "compress cores, or the tar stream",               \
			CLI_FIELD(cli_gather_set_compress, struct cli_gather, options.zstd_level,  \
				int)},                                                             \
		{"tree", 0, "PID", "evidence of this process and all its descendants",             \
			CLI_PIDS(struct cli_gather, trees)},                                       \
		{"cgroup", 0, "PATH", "evidence of every process in or below this cgroup",         \
			CLI_FIELD(cli_set_cgroup, struct cli_gather, cgroups, struct cli_words)},  \
		{"freeze", 0, NULL, "stop all of them before the first is read",                   \
			CLI_FLAG(struct cli_gather, options.freeze)},                              \
		{"keep-frozen", 0, NULL, "... and leave them stopped",                             \
			CLI_FIELD(cli_gather_set_keep_frozen, struct cli_gather, options,          \
				struct cryocore_gather_options)},                                  \
		{"spare", 0, "WHO", "neither freeze nor stop this PID, NAME or /CGROUP",           \
			CLI_WORDS(struct cli_gather, spare)},                                      \
		{"jobs", 'j', "N", "captures at the same time",                                    \
			CLI_FIELD(cli_gather_set_jobs, struct cli_gather, options.jobs,            \
				unsigned int)},                                                    \
		{"deleted-files", 0, NULL, "copy open files that have no name any more",           \
			CLI_FLAG(struct cli_gather, options.deleted_files)},                       \
		{"no-stacks", 0, NULL, "make no backtraces of what was captured",                  \
			CLI_FLAG(struct cli_gather, options.no_stacks)},                           \
		{"max-copy", 0, "SIZE", "the most that is copied of a file (default: 1G)",         \
			CLI_FIELD(cli_gather_set_size, struct cli_gather, options.max_copy,        \
				uint64_t)},                                                        \
		{"bundle", 0, "WHICH", "copy none, elf or all of the files that are mapped (elf)", \
			CLI_FIELD(cli_gather_set_bundle, struct cli_gather, options.bundle,        \
				const char *)},                                                    \
		{"bundle-max", 0, "SIZE", "... but none with more data than this (default: 1G)",   \
			CLI_FIELD(cli_gather_set_size, struct cli_gather, options.bundle_max,      \
				uint64_t)},                                                        \
		{"case", 0, "TEXT", "the case, for the log and manifest",                          \
			CLI_TEXT(struct cli_gather, options.case_id)},                             \
		{"examiner", 0, "TEXT", "who does this, for the log and manifest",                 \
			CLI_TEXT(struct cli_gather, options.examiner)},                            \
		{"note", 0, "TEXT", "a note for the log and manifest",                             \
			CLI_TEXT(struct cli_gather, options.note)},                                \
	{                                                                                          \
		"json", 0, NULL, "results as JSON, one line for each process",                     \
			CLI_FLAG(struct cli_gather, json)                                          \
	}

/* Whether evidence was asked for, and not plain cores. */
bool cli_gather_is_wanted(const struct cli_gather *gather);

/* Plain cores were asked for: an option that only evidence has would do nothing. 0, or words and
 * -EINVAL. */
int cli_gather_check_unused(const struct cli_gather *gather);

/* Do it; everything else is in @gather->options by now. The exit status. */
int cli_gather_run(struct cli_gather *gather);

void cli_gather_clear(struct cli_gather *gather);
