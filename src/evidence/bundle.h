// SPDX-License-Identifier: MIT
/*
 * The bundle: copies of the files that processes have mapped, each once, as files/SHA256, and for
 * each process a tree proc/PID/root in which these have the names that the process has for them
 * (hard links). A debugger on another machine takes that tree for its "sysroot".
 *
 * A child does what can hang or go wrong (opening files, reading them, reading the process), for
 * one process after the other; when nothing moves it is killed, and another one goes on behind the
 * file at which it stood. A file is known by device, inode, size and change time, and is then
 * neither opened nor read again.
 */
#pragma once

#include "evidence/collect.h"
#include "model/build_id.h"
#include "model/mapped.h"

enum cryo_bundle_mode {
	CRYO_BUNDLE_NONE, /* nothing is copied; modules and build-ids are recorded all the same */
	CRYO_BUNDLE_ELF,  /* ELF files, and whatever has no name any more */
	CRYO_BUNDLE_ALL,  /* data files too */
};

/* Why a file is not there. The order is that of the texts. */
enum cryo_bundle_reason {
	CRYO_BUNDLE_STORED, /* it is there */
	CRYO_BUNDLE_UNWANTED,
	CRYO_BUNDLE_NOT_ELF,
	CRYO_BUNDLE_KERNEL,
	CRYO_BUNDLE_SHARED_MEMORY,
	CRYO_BUNDLE_NO_FILE,
	CRYO_BUNDLE_REMOTE,
	CRYO_BUNDLE_TOO_LARGE,
	CRYO_BUNDLE_GONE,
	CRYO_BUNDLE_FAILED,
};

/* A few words; NULL for CRYO_BUNDLE_STORED. */
const char *cryo_bundle_reason_text(enum cryo_bundle_reason reason);

/* Whether it should be there: not left out on purpose. */
bool cryo_bundle_is_missing(enum cryo_bundle_reason reason);

/* "none", "elf", "all". 0 or -EINVAL. */
int cryo_bundle_mode_parse(const char *text, enum cryo_bundle_mode *ret_mode);

enum {
	CRYO_BUNDLE_PATH_SIZE = sizeof("files/") + CRYO_DIGEST_HEX_SIZE
};

/**
 * struct cryo_bundle_file - a file, whoever has mapped it.
 * @id: all zero for one that could not be identified
 * @error: negative, with CRYO_BUNDLE_FAILED and CRYO_BUNDLE_GONE
 * @time: CLOCK_REALTIME in ns, when it was opened
 * @deleted: it had no name any more
 * @changed: it was written to while it was copied: the copy may be of no moment
 * @again: another file before had the same bytes
 * @elf_class: EI_CLASS; 0: it is no ELF file
 * @link_base: see struct cryo_image
 * @sum: of the copy
 * @copy: path of a copy in the sink to which it is to be linked; "": it is in files/
 */
struct cryo_bundle_file {
	struct cryo_file_id id;
	enum cryo_bundle_reason reason;
	int error;
	uint64_t time;
	bool deleted, changed, again;
	uint8_t elf_class;
	uint64_t link_base;
	struct cryo_build_id build_id;
	struct cryo_deposit_sum sum;
	char copy[CRYO_SINK_PATH_MAX];
};

/**
 * struct cryo_bundled - a mapped file of one process.
 * @error: negative; why it is not there
 * @file: index of struct cryo_bundle_file, SIZE_MAX if there is none; for the bundle alone
 * @digest: with CRYO_BUNDLE_STORED, that names the copy
 * @roots: its paths below proc/PID/root; owned
 * @root_error: negative: why it has not every name there that it should have
 */
struct cryo_bundled {
	enum cryo_bundle_reason reason;
	int error;
	size_t file;
	uint8_t digest[CRYO_DIGEST_SIZE];
	struct cryo_build_id build_id;
	char **roots;
	size_t n_roots;
	int root_error;
};

/**
 * struct cryo_bundle_subject - one process.
 * @mapped: its files
 * @bundled: what became of each of them; made by cryo_bundle_new(); the caller's to clear
 */
struct cryo_bundle_subject {
	pid_t pid;
	uint64_t start_time;
	const struct cryo_mapped_list *mapped;
	struct cryo_bundled *bundled;
};

/* Of files that nobody has tried to copy: @error is negative, why. malloc'ed; NULL when memory is
 * short. */
struct cryo_bundled *cryo_bundled_untried(enum cryo_bundle_mode mode, size_t count, int error);

void cryo_bundled_clear(struct cryo_bundled *bundled, size_t count);

/**
 * struct cryo_bundle_options - what is to be done.
 * @sink: a directory; copies go to files/ there
 * @links: where links are made: @sink, or a stream that @sink is emptied into
 * @copies: files whose copies are in @links already
 * @max_file: most bytes of data of one file
 * @batch: a step ends after so many new bytes; 0: never
 * @stall_ms: the child is killed after so long without a sign of life
 * @cancel: if not NULL and not 0: end soon
 */
struct cryo_bundle_options {
	struct cryo_sink *sink, *links;
	int procfs;
	const struct cryo_copies *copies;
	enum cryo_bundle_mode mode;
	uint64_t max_file, batch;
	unsigned int stall_ms;
	const volatile int *cancel;
};

struct cryo_bundle;

/* Begin. 0, -ENOMEM or -errno of the sink. The subjects are borrowed. */
int cryo_bundle_new(const struct cryo_bundle_options *options, struct cryo_bundle_subject *subjects,
	size_t n_subjects, struct cryo_bundle **ret_bundle);

/**
 * cryo_bundle_step - copy files of some processes.
 *
 * Returns 1 if there is more to do, 0 if this was the last, -ECANCELED, or -errno of fork(2) and
 * the like. New files are in files/ of the sink; whoever empties it into a stream does so now, and
 * then calls cryo_bundle_link().
 */
int cryo_bundle_step(struct cryo_bundle *bundle);

/**
 * cryo_bundle_link - give the files of the last step their places below files/.
 * @add: called for each new file, with its path ("files/HEX"); 0 or -errno, which ends this
 *
 * Returns 0 or -errno of @add.
 */
int cryo_bundle_link(struct cryo_bundle *bundle,
	int (*add)(void *user, const char *path, const struct cryo_bundle_file *file), void *user);

/* How many subjects, from the first on, need no more steps. */
size_t cryo_bundle_done(const struct cryo_bundle *bundle);

/**
 * cryo_bundle_link_roots - give the files of a process their names below root/.
 * @bundled, @count: what became of its files, which all have their places
 *
 * A link that cannot be made is no error: its file has root_error. Threads may do it for different
 * processes at the same time, where the sink lets them.
 */
void cryo_bundle_link_roots(
	struct cryo_sink *links, pid_t pid, struct cryo_bundled *bundled, size_t count);

void cryo_bundle_free(struct cryo_bundle *bundle);

/* "files/HEX". */
void cryo_bundle_path(const uint8_t digest[CRYO_DIGEST_SIZE], char ret_path[CRYO_BUNDLE_PATH_SIZE]);
