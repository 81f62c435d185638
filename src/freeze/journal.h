// SPDX-License-Identifier: MIT
/*
 * The journal: what freeze is about to do, written and synced before it does it, so that thaw can
 * undo exactly that, whatever became of the freeze that wrote it.
 *
 * A journal belongs to one boot, pid namespace and time namespace; processes in it are named by pid
 *and start time. It is a text file, one record a line, each with its own checksum:
 *
 *	CHECKSUM H 1 BOOT-ID PIDNS-INODE [CLOCK]  head, always the first; CLOCK as in struct
 *	                                          cryo_world, if it is not empty
 *	CHECKSUM P PID START FOUND ENGINE [PATH]  this process will be stopped; FOUND is a letter of
 *	                                          enum cryo_rest, ENGINE of enum cryo_engine, PATH
 *	                                          the cgroup that holds it
 *	CHECKSUM F PATH                           this cgroup will be frozen in place
 *	CHECKSUM N PATH                           this cgroup will be made, to move processes into
 *	CHECKSUM C TICKS                          from now on processes that begin are stopped
 * unseen CHECKSUM E TICKS                          ... until now; all have records of their own
 *	CHECKSUM G PID START                      this process is a guard that thaws later
 *	CHECKSUM T PID START                      this process was thawed
 *	CHECKSUM U PATH                           this cgroup was thawed
 *
 * PATHs are in hexadecimal, so that no byte of them can end a record.
 *
 * A record that is torn or damaged is left out and counted; the others count.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* How a process is held. */
enum cryo_engine {
	CRYO_ENGINE_NONE = 0,
	CRYO_ENGINE_SIGNAL = 's',
	CRYO_ENGINE_CGROUP = 'c', /* with its whole cgroup, in place */
	CRYO_ENGINE_MOVED = 'm',  /* in a frozen cgroup below its own */
};

/*
 * Which boot, which pid namespace, and by what boot time is shifted (time_namespaces(7)): pids and
 * start times mean something only inside of these. @clock: "SECONDS.NANOSECONDS", or "" for
 * nothing.
 */
struct cryo_world {
	char boot_id[40];
	uint64_t pid_namespace;
	char clock[40];
};

/* The world of the caller, as a procfs tells it. 0 or -errno. */
int cryo_world_read(int procfs, struct cryo_world *ret_world);

/**
 * struct cryo_journal_process - a process of the journal, as its latest records have it.
 * @found: what it was doing before (a letter of enum cryo_rest)
 * @thawed: it was given back since
 * @cgroup: the cgroup that holds it; owned; NULL under CRYO_ENGINE_SIGNAL
 */
struct cryo_journal_process {
	pid_t pid;
	uint64_t start_time;
	char found;
	enum cryo_engine engine;
	bool thawed;
	char *cgroup;
};

/* A cgroup that was frozen in place, or made (@made) to hold moved processes. @path is owned. */
struct cryo_journal_cgroup {
	char *path;
	bool made;
	bool thawed;
};

/**
 * struct cryo_journal_state - what the records say together.
 * @processes: in the order in which they were to be stopped
 * @chase_start, @chase_open: clock ticks since boot of an unfinished chase
 * @guard: pid 0: none
 * @damaged: records left out
 * @index: positions in @processes, sorted by pid and start time
 */
struct cryo_journal_state {
	struct cryo_world world;
	struct cryo_journal_process *processes;
	size_t n_processes;
	struct cryo_journal_cgroup *cgroups;
	size_t n_cgroups;
	uint64_t chase_start;
	bool chase_open;
	pid_t guard;
	uint64_t guard_start;
	size_t damaged;
	size_t *index;
};

/**
 * cryo_journal_parse - the text of a journal.
 *
 * Returns 0, -EBADMSG if the head is missing or damaged, or -ENOMEM.
 */
int cryo_journal_parse(const char *text, size_t size, struct cryo_journal_state *ret_state);
void cryo_journal_state_clear(struct cryo_journal_state *state);

/* The process of an identity, or NULL. */
struct cryo_journal_process *cryo_journal_find(
	const struct cryo_journal_state *state, pid_t pid, uint64_t start_time);

/* The checksum of a record (FNV-1a, 32 bits): it finds torn writes, not forgers. */
uint32_t cryo_journal_checksum(const char *text, size_t size);

/* Whether anything in it is still to be given back. */
bool cryo_journal_is_open(const struct cryo_journal_state *state);

/* An open journal, locked against every other freeze and thaw. */
struct cryo_journal;

/**
 * cryo_journal_open - open, lock and read a journal.
 * @path: the file; NULL for the usual place (cryo_journal_default_path())
 * @create: make it, and its directory, if it is not there; a journal of another boot is replaced
 * @wait_ms: how long another holder of the lock is waited for
 *
 * Without @create one on a read-only file system is read, too: then what was stopped can be given
 * back, and cryo_journal_commit() and the end of it return -EROFS.
 *
 * Returns 0; -ENOENT: there is none; -EBUSY: another freeze or thaw holds it; -EXDEV: it belongs to
 * another pid or time namespace; -ESTALE: to another boot; -EBADMSG: it is no journal; -EPERM: it
 * is not a plain file of ours; or -errno. @ret_state may be NULL.
 */
int cryo_journal_open(const char *path, const struct cryo_world *world, bool create, int wait_ms,
	struct cryo_journal **ret_journal, struct cryo_journal_state *ret_state);

/**
 * cryo_journal_peek - read a journal without locking it.
 *
 * For those who only want to know: a freeze may be adding to it. Errors as cryo_journal_open().
 */
int cryo_journal_peek(
	const char *path, const struct cryo_world *world, struct cryo_journal_state *ret_state);

/* Unlock and forget; records that were not committed are lost. NULL is fine. */
void cryo_journal_close(struct cryo_journal *journal);

/* Where the file is. */
const char *cryo_journal_path(const struct cryo_journal *journal);

/* Queue a record. 0 or -ENOMEM. */
int cryo_journal_add_process(struct cryo_journal *journal, pid_t pid, uint64_t start_time,
	char found, enum cryo_engine engine, const char *cgroup);
int cryo_journal_add_cgroup(struct cryo_journal *journal, const char *cgroup, bool made);
int cryo_journal_add_chase(struct cryo_journal *journal, bool is_begin, uint64_t ticks);
int cryo_journal_add_guard(struct cryo_journal *journal, pid_t pid, uint64_t start_time);
int cryo_journal_add_thawed(struct cryo_journal *journal, pid_t pid, uint64_t start_time);
int cryo_journal_add_thawed_cgroup(struct cryo_journal *journal, const char *cgroup);

/* Write and sync what is queued. 0 or -errno; after an error nothing may be stopped. */
int cryo_journal_commit(struct cryo_journal *journal);

/* Everything was given back: remove the file. 0 or -errno. */
int cryo_journal_remove(struct cryo_journal *journal);

/*
 * Everything that could be read was given back: name the file NAME.damaged, so that somebody can
 * look at the rest. 0 or -errno.
 */
int cryo_journal_set_aside(struct cryo_journal *journal);

/* The usual place: /run/cryocore/journal for root, else below XDG_RUNTIME_DIR; malloc'ed, or NULL.
 */
char *cryo_journal_default_path(void);

#define _cleanup_journal_state_ _cleanup_(cryo_journal_state_clear)
