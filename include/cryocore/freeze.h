// SPDX-License-Identifier: MIT
/*
 * libcryocore: stop what runs on a machine, list it, and give it back as it was found.
 *
 * A freeze writes a journal before each stop; whoever has the journal can thaw, also when the
 * process that froze is dead. Functions return 0 or a negative errno unless they say otherwise.
 * Strings are UTF-8 with everything dangerous escaped as \xNN. The library prints nothing.
 */
#ifndef CRYOCORE_FREEZE_H
#define CRYOCORE_FREEZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* How processes are held. */
enum cryocore_freeze_method {
	CRYOCORE_FREEZE_AUTO,   /* cgroups in place where all members are meant, else signals */
	CRYOCORE_FREEZE_SIGNAL, /* signals only */
	CRYOCORE_FREEZE_CGROUP, /* cgroup version 2, signals only for what outruns it */
};

/* What became of a process. */
enum cryocore_freeze_fate {
	CRYOCORE_FROZEN,        /* stopped by this freeze, or by an earlier one of the journal */
	CRYOCORE_FROZEN_BEFORE, /* it stood still before; thaw leaves it so */
	CRYOCORE_SPARED,        /* not stopped, for the reason that is given */
	CRYOCORE_DEAD,          /* a zombie: there is nothing to stop */
	CRYOCORE_GONE,          /* it ended meanwhile */
	CRYOCORE_NOT_FROZEN,    /* it could not be stopped, for the reason that is given */
};

/**
 * struct cryocore_frozen - a process and what became of it.
 * @pid, @start_time: its identity; the time in clock ticks since boot
 * @ppid, @tracer: its parent and who traces it, 0 for nobody
 * @comm: its name
 * @found: what it did before: 'R' ran or slept, 'D' blocked in the kernel, 'F' held by a cgroup
 *	freezer, 'T' stopped, 't' stopped by its tracer, 'C' the kernel was writing its core,
 *	'Z' dead
 * @method: 's' signal, 'c' its cgroup frozen in place, 'm' moved into a frozen cgroup, 0: not held
 * @order: place in the order of stops, from 1; 0: not stopped by this call
 * @revived: how often another process continued it after it had stopped: an attack
 * @then_sent: the secondary signal was sent to it
 * @is_kernel: a kernel thread
 * @session_leader, @is_tracer: what a secondary signal to it does to others
 * @hidden: from which views of the machine it is hidden, "" if from none: an attack
 * @reason: why it was spared, or not stopped; "" if there is nothing to say
 * @error: positive errno behind it, or 0
 */
struct cryocore_frozen {
	pid_t pid;
	uint64_t start_time;
	pid_t ppid, tracer;
	const char *comm;
	enum cryocore_freeze_fate fate;
	char found;
	char method;
	size_t order;
	unsigned int revived;
	bool then_sent;
	bool is_kernel, session_leader, is_tracer;
	const char *hidden;
	const char *reason;
	int error;
};

/**
 * struct cryocore_freeze_result - read only; cryocore_freeze_result_free().
 * @processes: every process that was looked at, by pid
 * @n_frozen .. @n_failed: how many of each fate
 * @n_revived: processes that others continued
 * @n_signal, @n_cgroup: frozen by either
 * @quiet: at the end nothing was born, died or ran that should not; false: the time was over
 * @cancelled: it was ended by @cancel; @thawed: and what this call stopped runs again
 * @added: an earlier freeze was in force, this one added to it
 * @passes, @chases: how often all processes were looked at, and new pids chased
 * @guard: pid of the guard that thaws later, 0: none
 * @journal: path of the journal; NULL in a dry run
 * @damaged: records of the journal that could not be read
 * @duration_ns: of the whole call
 */
struct cryocore_freeze_result {
	size_t n_processes;
	const struct cryocore_frozen *processes;
	size_t n_frozen, n_before, n_spared, n_dead, n_gone, n_failed;
	size_t n_revived, n_signal, n_cgroup;
	bool quiet, cancelled, thawed, added;
	size_t passes, chases;
	pid_t guard;
	const char *journal;
	size_t damaged;
	uint64_t duration_ns;
};

/**
 * struct cryocore_freeze_options - what to freeze; cryocore_freeze_options_init() first.
 * @size: sizeof(struct cryocore_freeze_options), set by cryocore_freeze_options_init()
 * @all: every process; the selections below are united with it
 * @pids, @trees, @cgroups: these; these with all descendants; whoever is in or below these, which
 *	are as cryocore_count_processes() has them
 * @spare: who is not stopped, words as cryocore_count_processes() takes them
 * @outputs: paths that the caller will write to while it is frozen: who serves them is spared
 * @signal: SIGSTOP (the default), SIGTSTP, SIGTTIN or SIGTTOU
 * @then_signal: sent to those that could not be stopped, and only to those; 0: none
 * @method: how
 * @thaw_after_s: if nobody thaws within so many seconds, a guard process does; 0: no guard
 * @journal: path; NULL: /run/cryocore/journal, or for others than root
 *	$XDG_RUNTIME_DIR/cryocore/journal
 * @dry_run: decide only; nothing is stopped or written
 * @keep_frozen: when cancelled, what is stopped stays so
 * @timeout_ms: the most that freezing may take; 0: 10 seconds
 * @cancel: if not NULL and not 0, stop freezing and thaw what this call stopped
 */
struct cryocore_freeze_options {
	size_t size;
	bool all;
	const pid_t *pids;
	size_t n_pids;
	const pid_t *trees;
	size_t n_trees;
	const char *const *cgroups;
	size_t n_cgroups;
	const char *const *spare;
	size_t n_spare;
	const char *const *outputs;
	size_t n_outputs;
	int signal, then_signal;
	enum cryocore_freeze_method method;
	unsigned int thaw_after_s;
	const char *journal;
	bool dry_run, keep_frozen;
	uint64_t timeout_ms;
	const volatile int *cancel;
};

void cryocore_freeze_options_init(struct cryocore_freeze_options *options);

/**
 * cryocore_freeze - stop processes, parents and tracers first, until nothing escapes any more.
 *
 * Spared are always: the caller and its ancestors, PID 1, kernel threads, who holds the other end
 * of the caller's stdin, stdout, stderr or terminal, who serves the file systems that it uses, and
 * who holds a watchdog device.
 *
 * Returns 0 when there is a result; it may say that some could not be stopped. Else nothing is
 * stopped that was not before: -EINVAL: the options make no sense; -ENXIO: a cgroup of @cgroups or
 * @spare does not exist; -EBUSY: another freeze or thaw is at work; -EXDEV: the journal belongs to
 * another pid namespace; -EBADMSG: the journal is none; -EPERM: the journal is not a plain file of
 * the caller's that nobody else may write; or another -errno.
 */
int cryocore_freeze(
	const struct cryocore_freeze_options *options, struct cryocore_freeze_result **ret_result);
void cryocore_freeze_result_free(struct cryocore_freeze_result *result);

/**
 * cryocore_count_processes - how many processes a word means, the caller left out.
 * @who: a PID; the name of processes (as in /proc/PID/comm; its first 15 bytes count); or a cgroup,
 *	beginning with '/': the path that /proc/PID/cgroup shows, in whatever hierarchy, or one
 *below the mount point of a hierarchy of version 1 or 2. Whoever is below it counts too
 *
 * Returns 0; -ENXIO for a cgroup that does not exist; or -errno.
 */
int cryocore_count_processes(const char *who, size_t *ret_count);

/* What became of a process in a thaw. */
enum cryocore_thaw_fate {
	CRYOCORE_THAWED,
	CRYOCORE_THAW_RUNNING, /* it ran already */
	CRYOCORE_THAW_GONE,    /* it ended, or its number belongs to another process now */
	CRYOCORE_NOT_THAWED,   /* see error; EBUSY: its cgroup holds others that stay frozen */
};

/* One process, in the order in which they were given back. */
struct cryocore_thawed {
	pid_t pid;
	uint64_t start_time;
	const char *comm;
	enum cryocore_thaw_fate fate;
	int error;
};

/**
 * struct cryocore_thaw_result - read only; cryocore_thaw_result_free().
 * @n_thawed .. @n_failed: how many of each fate
 * @nothing: nothing was frozen
 * @stale: the journal belongs to an earlier boot
 * @n_left: processes that stay frozen
 * @journal: path; NULL if there is none
 * @damaged: records of the journal that could not be read; when nothing is left it is
 *JOURNAL.damaged
 * @journal_error: why the journal could not be written or removed, positive errno; what was given
 *	back is given back all the same
 */
struct cryocore_thaw_result {
	size_t n_processes;
	const struct cryocore_thawed *processes;
	size_t n_thawed, n_running, n_gone, n_failed;
	bool nothing, stale;
	size_t n_left;
	const char *journal;
	size_t damaged;
	int journal_error;
};

/**
 * struct cryocore_thaw_options - what to give back; cryocore_thaw_options_init() first.
 * @size: sizeof(struct cryocore_thaw_options), set by cryocore_thaw_options_init()
 * @pids: only these; none: everything
 * @signal: sent to each before SIGCONT; SIGCONT (the default): nothing else is sent
 * @journal: path, NULL as for freeze
 */
struct cryocore_thaw_options {
	size_t size;
	const pid_t *pids;
	size_t n_pids;
	int signal;
	const char *journal;
};

void cryocore_thaw_options_init(struct cryocore_thaw_options *options);

/**
 * cryocore_thaw - give back what the journal names, in the reverse of the order of stops.
 *
 * It can run again, after a crash or a partial thaw; a process that runs gets no signal. When
 * nothing is left the journal is removed and its guard ended. Returns 0 when there is a result, or
 * -errno as cryocore_freeze().
 */
int cryocore_thaw(
	const struct cryocore_thaw_options *options, struct cryocore_thaw_result **ret_result);
void cryocore_thaw_result_free(struct cryocore_thaw_result *result);

/* Whether a listed process is frozen, and by whom. */
enum cryocore_list_hold {
	CRYOCORE_HOLD_NONE,
	CRYOCORE_HOLD_OURS,    /* by a freeze of the journal */
	CRYOCORE_HOLD_STOPPED, /* stopped by a signal of somebody else */
	CRYOCORE_HOLD_TRACER,  /* by its tracer */
	CRYOCORE_HOLD_FREEZER, /* by a cgroup freezer of somebody else */
	CRYOCORE_HOLD_DUMP,    /* it has crashed, and the kernel is writing its core */
};

/**
 * struct cryocore_listed - one process.
 * @pid .. @state: from /proc/PID/stat; '?' for the state of one that procfs does not show
 * @uid: effective user; (uid_t)-1 if unknown
 * @tracer, @tracer_comm: who traces it; 0 and ""
 * @comm: its name; @comm_hex: the raw bytes in hexadecimal if the name had to be escaped, else NULL
 * @hold: frozen or not
 * @is_kernel: a kernel thread
 * @hidden: from which views it is hidden, words divided by ", "; "" if from none
 */
struct cryocore_listed {
	pid_t pid, ppid;
	uint64_t start_time;
	char state;
	int64_t n_threads;
	uid_t uid;
	pid_t tracer;
	const char *tracer_comm;
	const char *comm;
	const char *comm_hex;
	enum cryocore_list_hold hold;
	bool is_kernel;
	const char *hidden;
};

/**
 * struct cryocore_list_result - read only; cryocore_list_result_free().
 * @processes: those that are hidden first, then by pid
 * @n_hidden: hidden from one view or more
 * @journal_error: why the journal could not be read, positive errno; 0 also if there is none
 */
struct cryocore_list_result {
	size_t n_processes;
	const struct cryocore_listed *processes;
	size_t n_hidden;
	int journal_error;
};

/**
 * cryocore_list - every process of this pid namespace, cross-checked by seven views.
 * @journal: path, NULL as for freeze
 *
 * Returns 0 or -errno.
 */
int cryocore_list(const char *journal, struct cryocore_list_result **ret_result);
void cryocore_list_result_free(struct cryocore_list_result *result);

/* Results as one line of JSON, malloc'ed. 0, -ELIBACC (json-c cannot be loaded)
 * or -ENOMEM. */
int cryocore_freeze_result_json(const struct cryocore_freeze_result *result, char **ret_json);
int cryocore_thaw_result_json(const struct cryocore_thaw_result *result, char **ret_json);
int cryocore_list_result_json(const struct cryocore_list_result *result, char **ret_json);

/* "STOP", "SIGSTOP" or "19" as a signal number. 0 or -EINVAL. */
int cryocore_parse_signal(const char *text, int *ret_signal);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
