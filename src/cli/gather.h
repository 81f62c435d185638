// SPDX-License-Identifier: MIT
/*
 * Evidence of many processes from the command line: the options that only it has, and the run.
 */
#pragma once

#include <cryocore/evidence.h>
#include <stdio.h>

#include "lists.h"

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

/* Setters for an option table. */
int cli_gather_set_all(void *state, const char *value);
int cli_gather_set_directory(void *state, const char *value);
int cli_gather_set_tar(void *state, const char *value);
int cli_gather_set_compress(void *state, const char *value);
int cli_gather_set_tree(void *state, const char *value);
int cli_gather_set_cgroup(void *state, const char *value);
int cli_gather_set_freeze(void *state, const char *value);
int cli_gather_set_keep_frozen(void *state, const char *value);
int cli_gather_set_spare(void *state, const char *value);
int cli_gather_set_jobs(void *state, const char *value);
int cli_gather_set_deleted(void *state, const char *value);
int cli_gather_set_max_copy(void *state, const char *value);
int cli_gather_set_case(void *state, const char *value);
int cli_gather_set_examiner(void *state, const char *value);
int cli_gather_set_note(void *state, const char *value);

#define CLI_GATHER_OPTIONS                                                                         \
	{"all", 'A', NULL, "evidence of every process", cli_gather_set_all},                       \
		{"directory", 'd', "DIR", "evidence, not only cores, into an empty directory",     \
			cli_gather_set_directory},                                                 \
		{"tar", 0, "FILE", "evidence as one tar stream into FILE, or '-' for stdout",      \
			cli_gather_set_tar},                                                       \
		{"compress", 0, "zstd[:LEVEL]", "compress the tar stream",                         \
			cli_gather_set_compress},                                                  \
		{"tree", 0, "PID", "evidence of this process and all its descendants",             \
			cli_gather_set_tree},                                                      \
		{"cgroup", 0, "PATH", "evidence of every process in or below this cgroup",         \
			cli_gather_set_cgroup},                                                    \
		{"freeze", 0, NULL, "stop all of them before the first is read",                   \
			cli_gather_set_freeze},                                                    \
		{"keep-frozen", 0, NULL, "... and leave them stopped",                             \
			cli_gather_set_keep_frozen},                                               \
		{"spare", 0, "WHO", "neither freeze nor stop this PID, NAME or /CGROUP",           \
			cli_gather_set_spare},                                                     \
		{"jobs", 'j', "N", "captures at the same time", cli_gather_set_jobs},              \
		{"deleted-files", 0, NULL, "copy open files that have no name any more",           \
			cli_gather_set_deleted},                                                   \
		{"max-copy", 0, "BYTES", "the most that is copied of a file (default: 1 GiB)",     \
			cli_gather_set_max_copy},                                                  \
		{"case", 0, "TEXT", "the case, for the log and manifest", cli_gather_set_case},    \
		{"examiner", 0, "TEXT", "who does this, for the log and manifest",                 \
			cli_gather_set_examiner},                                                  \
	{                                                                                          \
		"note", 0, "TEXT", "a note for the log and manifest", cli_gather_set_note          \
	}

/* Whether evidence was asked for, and not plain cores. */
bool cli_gather_is_wanted(const struct cli_gather *gather);

/* Do it; everything else is in @gather->options by now. The exit status. */
int cli_gather_run(struct cli_gather *gather);

void cli_gather_clear(struct cli_gather *gather);
