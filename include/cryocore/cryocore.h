// SPDX-License-Identifier: MIT
/*
 * libcryocore: core files of live processes, taken without harm.
 *
 * A capture stops a process by ptrace, reads it, writes an ELF core as the Linux kernel would have
 * written it, and lets the process go as it was found. The work is done in two child processes of
 * the caller (one that only traces, one that only reads), so that whatever the target does, the
 * call returns within its time limit and the target is released even if the caller is killed. Who
 * captures many processes lets them live on in a struct cryocore_session.
 *
 * Functions return 0 or a negative errno unless they say otherwise. Strings are UTF-8 with
 * everything dangerous escaped as \xNN, except where "raw" is said. The library prints nothing,
 * installs no signal handlers in the caller and keeps no global state; different threads may
 * capture different processes at the same time. Its children have none of the caller's handlers,
 * and block no signal; he may wait for them, or ignore their end, as for any others.
 */
#ifndef CRYOCORE_H
#define CRYOCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* How a capture ended. */
enum cryocore_outcome {
	CRYOCORE_COMPLETE = 0, /* everything that was asked for */
	CRYOCORE_PARTIAL = 1,  /* a core, but something is missing: the messages say what */
	CRYOCORE_FAILED = 2,   /* no core, or the target could not be given back */
};

enum cryocore_severity {
	CRYOCORE_INFO,
	CRYOCORE_WARNING,
	CRYOCORE_ERROR,
};

/* How a target may go on while its memory is copied. */
enum cryocore_snapshot {
	CRYOCORE_SNAPSHOT_NONE = 0, /* it stands still until everything is copied */
	CRYOCORE_SNAPSHOT_AUTO,     /* the first of the following that works */
	CRYOCORE_SNAPSHOT_PRECOPY,  /* copied while it runs; stopped for what was written meanwhile
				     */
	CRYOCORE_SNAPSHOT_FORK,     /* copied by fork(2); the copy is read while it runs */
};

/**
 * struct cryocore_message - something that a person should know.
 * @severity: CRYOCORE_WARNING makes a capture partial
 * @error: the errno behind it, positive; 0 if there is none
 * @text: one line, without pid and without a final full stop
 */
struct cryocore_message {
	enum cryocore_severity severity;
	int error;
	const char *text;
};

/**
 * struct cryocore_mapping - one mapping in the plan of a core.
 * @start, @end: addresses
 * @file_size: bytes of it in the core
 * @present: bytes of it that are in memory or swap (what there is to copy)
 * @permissions: as in /proc/PID/maps
 * @reason: why that much
 * @name: file or [name]; "" if there is none
 */
struct cryocore_mapping {
	uint64_t start, end;
	uint64_t file_size;
	uint64_t present;
	char permissions[5];
	const char *reason;
	const char *name;
};

/* A range that could not be read and is a hole in the core. */
struct cryocore_gap {
	uint64_t start, end;
	int error; /* positive errno */
};

/**
 * struct cryocore_unstopped - a thread that was not stopped.
 * @tid: its id
 * @registers: where its general ones come from: "bpf", "syscall" (program counter and stack pointer
 *	only), "none"; of its others (floating point, vectors) none are known
 * @unknown_mask: bit N: the N-th of the general registers is not known, and 0 in the core
 * @unknown: their names: "" if all are known, "all", "all but rip,rsp", "fs_base,gs_base"
 */
struct cryocore_unstopped {
	pid_t tid;
	const char *registers;
	uint64_t unknown_mask;
	const char *unknown;
};

/**
 * struct cryocore_result - what became of one capture. Read only; cryocore_result_free().
 * @pid: of the target
 * @comm: its name
 * @core_path, @exe_path: the files; NULL if there is none
 * @core_size: apparent size of the core, bytes
 * @data_bytes: bytes of memory in it (holes and pages of zeros are not written)
 * @pause_ns: how long the target stood still, from the first stop request to the last release; of
 *	several stops the longest
 * @total_ns: of the whole capture
 * @started_ns, @ended_ns: CLOCK_REALTIME
 * @n_threads: threads in the core; @n_registers of them have all their registers
 * @n_gaps: gaps found; @gaps holds the first of them, @gaps_kept in number
 * @gap_bytes: bytes in all gaps
 * @mappings: the plan
 * @unstopped: threads that were not stopped
 * @snapshot: how its memory was copied while it ran; CRYOCORE_SNAPSHOT_NONE if it stood still
 * @n_stops: how often it was stopped; @pauses_ns: for how long in all
 */
struct cryocore_result {
	enum cryocore_outcome outcome;
	pid_t pid;
	const char *comm;
	const char *core_path, *exe_path;
	uint64_t core_size, data_bytes;
	uint64_t pause_ns, total_ns, started_ns, ended_ns;
	uint64_t n_threads, n_registers;
	uint64_t n_gaps, gaps_kept, gap_bytes;
	const struct cryocore_gap *gaps;
	size_t n_messages;
	const struct cryocore_message *messages;
	size_t n_mappings;
	const struct cryocore_mapping *mappings;
	size_t n_unstopped;
	const struct cryocore_unstopped *unstopped;
	enum cryocore_snapshot snapshot;
	uint64_t n_stops, pauses_ns;
};

/* How far a capture is, for a callback. */
struct cryocore_progress {
	pid_t pid;
	const char *stage;       /* "inspect", "write", "finish" */
	uint64_t bytes_done;     /* memory looked at so far */
	uint64_t bytes_expected; /* resident bytes of what is to be dumped; an estimate */
	uint64_t elapsed_ns;
};

/**
 * struct cryocore_session - what captures one after the other can share.
 *
 * Without one each capture makes two child processes and an instance of procfs for itself, and
 * nothing of them is left behind it. That is half of what the capture of a small process costs;
 * with a session they are made for its first capture and used for the following ones, until
 * cryocore_session_free(). Children with which anything went wrong (they died, got stuck, or their
 * capture failed or was cancelled) are ended at once, and the next capture makes new ones; so does
 * one behind a @snapshot, or behind a @stream_fd that is neither a pipe nor a socket.
 *
 * A session is used by one thread at a time, best always by the same one: the end of the thread
 * that was the first to capture ends the children, who are then made anew. A process that was
 * forked does not use, and does not free, a session of its parent's.
 *
 * The children are a copy of the process as it was at their first capture: its ids, limits, umask
 * and working directory (of which a relative @prefix is). They may keep files open that were open
 * then, and a page of memory that is written while they live takes room twice. So begin early, and
 * free the session when there is nothing more to capture.
 */
struct cryocore_session;

/* An empty one. 0 or -ENOMEM. */
int cryocore_session_new(struct cryocore_session **ret_session);

/* End its children. NULL is allowed. */
void cryocore_session_free(struct cryocore_session *session);

/**
 * struct cryocore_options - what to do; cryocore_options_init() gives the defaults.
 * @size: sizeof(struct cryocore_options), set by cryocore_options_init()
 * @prefix: the core is PREFIX.PID, the copy of the executable PREFIX.PID.exe; NULL stands for
 * "core"
 * @stream_fd: if not -1, the core goes there, strictly sequentially, and no file is made
 * @sparse_stream: the stream leaves holes out: three u64 {0x31767370736f7963, size of the core,
 * number of stretches}, a pair of u64 {offset, size} for each stretch, then their bytes, in order
 * @content: which mappings, as --content has it; NULL stands for "kernel"
 * @no_exe: make no copy of the executable
 * @overwrite: existing files are replaced
 * @dry_run: only make the plan; nothing is stopped and nothing written
 * @no_syscall_restart: leave the registers of threads alone whose system call a stop ended early
 * @no_stop: do not stop the target: memory as it changes, registers as far as they can be had
 * @require_registers: threads that cannot be stopped are an error, and nothing is written
 * @snapshot: see enum cryocore_snapshot; system calls are run in the target for it. Where it cannot
 *	be done the target is captured the ordinary way, and a message says why
 * @max_pause_ms: if not 0, and the target would presumably stand still for longer, it is captured
 * by a snapshot, if @snapshot allows that, or not at all (-ETIME is in the message)
 * @timeout_ms: the most that the whole capture may take; 0: no limit but the internal ones
 * @cancel: if not NULL and not 0, the capture ends as soon as the target is released
 * @on_progress: called about ten times a second in the calling thread; may be NULL
 * @user: passed to @on_progress
 * @zstd_level: compress the core, with threads; its name ends with .zst; 1 to 19, 0: do not. Not
 * for a @sparse_stream
 * @session: if not NULL, what this capture shares with those before and after it
 */
struct cryocore_options {
	size_t size;
	const char *prefix;
	int stream_fd;
	bool sparse_stream;
	const char *content;
	bool no_exe;
	bool overwrite;
	bool dry_run;
	bool no_syscall_restart;
	bool no_stop;
	bool require_registers;
	uint64_t timeout_ms;
	const volatile int *cancel;
	void (*on_progress)(const struct cryocore_progress *progress, void *user);
	void *user;
	int zstd_level;
	enum cryocore_snapshot snapshot;
	uint64_t max_pause_ms;
	struct cryocore_session *session;
};

void cryocore_options_init(struct cryocore_options *options);

/* Whether --content would be understood; else -EINVAL and the offending word, inside @content. */
int cryocore_content_check(const char *content, const char **ret_bad);

/**
 * cryocore_capture - take a core of a live process.
 * @options: NULL stands for the defaults
 * @ret_result: what became of it; the caller's, also when nothing was captured
 *
 * Returns 0 when there is a result (which may say CRYOCORE_FAILED, with a message), or -ENOMEM,
 * -EINVAL (an option that this version does not know) and then no result.
 */
int cryocore_capture(
	pid_t pid, const struct cryocore_options *options, struct cryocore_result **ret_result);

void cryocore_result_free(struct cryocore_result *result);

/**
 * cryocore_drop_privileges - for a program that is installed setuid root or with file capabilities.
 *
 * Call it first. All ids become those of the user who started the program; of the capabilities
 * CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH are kept, not effective, for cryocore_capture(), which
 * then captures that user's own processes only. Elsewhere it does nothing. 0 or -errno.
 */
int cryocore_drop_privileges(void);

/**
 * cryocore_fence - for a program that from now on does nothing but read files of anybody's making:
 * cryocore_verify(), cryocore_stacks_core().
 *
 * The whole process, with all that it will fork, can start no program, open no file for writing and
 * change none, reach no network, trace, signal or reschedule no other process, for ever. What is
 * open already stays as it is. A parser that a crafted file has brought to do something else is
 * then of little use. Files it still reads, those of /proc too: the memory of another process is
 * out of reach only where there is Landlock (Linux 6.2); elsewhere /proc/PID/mem can be read as far
 * as the rights of the caller go. Call it before there are other threads: those that there are stay
 * outside. Needs Linux with seccomp filters, and takes Landlock where there is one. 0 or -errno:
 * there is no fence.
 */
int cryocore_fence(void);

/* The result as one line of JSON, malloc'ed. 0, -ELIBACC (json-c cannot be loaded)
 * or -ENOMEM. */
int cryocore_result_json(const struct cryocore_result *result, char **ret_json);

/* Any bytes made safe to print, malloc'ed. 0 or -ENOMEM. */
int cryocore_escape(const void *data, size_t size, char **ret_text);

/* A strict decimal pid. 0, -EINVAL or -ERANGE. */
int cryocore_parse_pid(const char *text, pid_t *ret_pid);

/* "0.1.0" */
const char *cryocore_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
