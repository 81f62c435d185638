// SPDX-License-Identifier: MIT
/*
 * Freeze and thaw: stop what runs on a machine, tell what resisted, and give everything back in
 * the state in which it was found.
 *
 * A capture of a whole machine is cryo_freeze(), then a capture of each subject that
 * cryo_subject_is_evidence() names, then cryo_thaw() with the journal of the report.
 */
#pragma once

#include "freeze/journal.h"
#include "freeze/roster.h"

/* What became of a process. */
enum cryo_fate {
	CRYO_FATE_STOPPED, /* by us; journaled */
	CRYO_FATE_BEFORE,  /* it stood still before we came and is left so */
	CRYO_FATE_SPARED,
	CRYO_FATE_DEAD,   /* a zombie: there is nothing to stop */
	CRYO_FATE_GONE,   /* it ended meanwhile */
	CRYO_FATE_FAILED, /* it could not be stopped */
};

/* Why it could not be stopped. */
enum cryo_trouble {
	CRYO_TROUBLE_NONE,
	CRYO_TROUBLE_BLOCKED, /* in the kernel, uninterruptibly; it stops when it leaves */
	CRYO_TROUBLE_TRACED,  /* a tracer that runs decides */
	CRYO_TROUBLE_REVIVED, /* another process continued it again and again */
	CRYO_TROUBLE_REFUSED, /* the signal or freeze was refused: see error */
	CRYO_TROUBLE_RUNNING, /* it just did not stop in time */
	CRYO_TROUBLE_IGNORED, /* the stop signal was not SIGSTOP, and did not stop it */
	CRYO_TROUBLE_HIDDEN,  /* procfs does not show it, so it cannot be identified */
	CRYO_TROUBLE_COUNT
};

/* A few words for each, without a full stop. */
const char *cryo_trouble_text(enum cryo_trouble trouble);

/**
 * struct cryo_subject - a process and what became of it.
 * @row: as it was seen first
 * @fate, @spare, @trouble: what and why
 * @error: positive errno behind CRYO_TROUBLE_REFUSED
 * @found: what it did before (a letter of enum cryo_rest)
 * @engine: how it is held
 * @cgroup: the cgroup that holds it, or NULL; owned
 * @sequence: place in the order of stops, from 1
 * @asked_at: when it was first asked to stop (CLOCK_REALTIME, ns); 0: never
 * @revived: how often another process continued it after it had stopped
 * @revived_at: when it did last (CLOCK_MONOTONIC, ns)
 * @then_sent: the secondary signal was sent to it
 * @confirmed: it was seen to stand still after the last signal
 * @resent: signals sent again before it was ever seen to stand still
 * @hidden: views that do not show it (bits of enum cryo_view, freeze/enumerate.h)
 */
struct cryo_subject {
	struct cryo_row row;
	enum cryo_fate fate;
	enum cryo_spare spare;
	enum cryo_trouble trouble;
	int error;
	char found;
	enum cryo_engine engine;
	char *cgroup;
	size_t sequence;
	uint64_t asked_at;
	unsigned int revived;
	uint64_t revived_at;
	bool then_sent;
	bool confirmed;
	unsigned int resent;
	unsigned int hidden;
};

/* Sorted by pid and start time. */
struct cryo_subjects {
	struct cryo_subject *array;
	size_t count;
};

struct cryo_subject *cryo_subjects_find(
	const struct cryo_subjects *subjects, pid_t pid, uint64_t start_time);
void cryo_subjects_clear(struct cryo_subjects *subjects);

/* Whether a subject stands still now, so that a capture of it belongs to the common instant. */
bool cryo_subject_is_evidence(const struct cryo_subject *subject);

/**
 * struct cryo_selection - which processes; the sets are united.
 * @all: every process
 * @pids: these
 * @trees: these with all their descendants
 * @cgroups: every process in or below these, as cryo_cgroup_names_make() takes them
 */
struct cryo_selection {
	bool all;
	const pid_t *pids;
	size_t n_pids;
	const pid_t *trees;
	size_t n_trees;
	const char *const *cgroups;
	size_t n_cgroups;
};

enum cryo_method {
	CRYO_METHOD_AUTO,   /* cgroups in place where all members are meant, else signals */
	CRYO_METHOD_SIGNAL, /* signals only */
	CRYO_METHOD_CGROUP, /* cgroups, made where needed; signals only for what outruns them */
};

/**
 * struct cryo_freeze_request - what to do. All zero is a request for nothing.
 * @spare, @n_spare: words as cryo_who_fits() takes them
 * @outputs, @n_outputs: paths that will be written; whoever serves them is spared
 * @stop_signal: 0 stands for SIGSTOP
 * @then_signal: sent to those that could not be stopped, and only to those; 0: none
 * @thaw_after_s: a guard thaws after so many seconds; 0: no guard
 * @journal: path, NULL for the usual place
 * @dry_run: decide, but stop nothing and write nothing
 * @keep_frozen: when cancelled, leave stopped what is stopped
 * @timeout_ns: the most that freezing may take; 0 stands for 10 s
 * @cancel: not 0: end, and thaw what this call stopped; may be NULL
 */
struct cryo_freeze_request {
	struct cryo_selection select;
	const char *const *spare;
	size_t n_spare;
	const char *const *outputs;
	size_t n_outputs;
	int stop_signal, then_signal;
	enum cryo_method method;
	unsigned int thaw_after_s;
	const char *journal;
	bool dry_run, keep_frozen;
	uint64_t timeout_ns;
	const volatile int *cancel;
};

/**
 * struct cryo_freeze_report - what became of it.
 * @subjects: every process that was looked at
 * @journal: its path; owned; NULL in a dry run
 * @quiet: nothing new, nothing gone, no pid used while two passes looked
 * @cancelled: stopped short by @cancel
 * @thawed: ... and what this call had stopped was given back
 * @added: something was frozen already, by an earlier freeze
 * @passes, @chases: how often the processes were looked at; how often pids were chased
 * @guard: its pid, 0 if there is none
 * @damaged: records of the journal that could not be read
 * @duration_ns: of the whole call
 */
struct cryo_freeze_report {
	struct cryo_subjects subjects;
	char *journal;
	bool quiet, cancelled, thawed, added;
	size_t passes, chases;
	pid_t guard;
	size_t damaged;
	uint64_t duration_ns;
};

/**
 * cryo_freeze - stop processes.
 *
 * Returns 0 when there is a report; else nothing is stopped that was not before: -EINVAL for a
 * request that makes no sense, -ENXIO for a cgroup that does not exist, -errno of
 * cryo_journal_open(), or of what was tried.
 */
int cryo_freeze(const struct cryo_freeze_request *request, struct cryo_freeze_report *ret_report);
void cryo_freeze_report_clear(struct cryo_freeze_report *report);

/**
 * struct cryo_thaw_request - what to give back.
 * @pids, @n_pids: only these; 0: everything
 * @signal: sent before SIGCONT; 0 or SIGCONT: nothing is
 * @journal: path, NULL for the usual place
 * @wait_ms: how long another freeze or thaw is waited for
 */
struct cryo_thaw_request {
	const pid_t *pids;
	size_t n_pids;
	int signal;
	const char *journal;
	int wait_ms;
};

/* What became of a process of the journal. */
enum cryo_thaw_fate {
	CRYO_THAW_DONE,    /* continued */
	CRYO_THAW_RUNNING, /* it ran already */
	CRYO_THAW_GONE,    /* it ended, or its number belongs to another process now */
	CRYO_THAW_FAILED,  /* see error */
};

/* @at: when that was done or found (CLOCK_REALTIME, ns) */
struct cryo_thaw_subject {
	pid_t pid;
	uint64_t start_time;
	char comm[64];
	enum cryo_thaw_fate fate;
	uint64_t at;
	int error; /* positive; EBUSY: its cgroup holds others that are to stay frozen */
};

/**
 * struct cryo_thaw_report - in the order in which they were given back.
 * @nothing: nothing was frozen
 * @stale: the journal was of an earlier boot
 * @journal: path; owned; NULL if there is none
 * @journal_error: why what was done could not be noted there, or the file not be removed; positive
 *	errno
 * @left: processes that stay frozen
 * @damaged: records of the journal that could not be read; it is NAME.damaged when nothing is left
 */
struct cryo_thaw_report {
	struct cryo_thaw_subject *subjects;
	size_t count;
	bool nothing, stale;
	char *journal;
	int journal_error;
	size_t left;
	size_t damaged;
};

/* Give back, newest stop first. 0 when there is a report, or -errno of cryo_journal_open(). */
int cryo_thaw(const struct cryo_thaw_request *request, struct cryo_thaw_report *ret_report);
void cryo_thaw_report_clear(struct cryo_thaw_report *report);

#define _cleanup_freeze_report_ _cleanup_(cryo_freeze_report_clear)
#define _cleanup_thaw_report_ _cleanup_(cryo_thaw_report_clear)
