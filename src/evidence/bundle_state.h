// SPDX-License-Identifier: MIT
/*
 * A bundle while it is made: what the parent and the child that works for it know in common. The
 * child has a copy of everything from its birth on, and tells what it adds by records.
 */
#pragma once

#include <stdatomic.h>

#include "elf/image.h"
#include "evidence/bundle.h"

/**
 * struct cryo_bundle_shared - a page that both see.
 * @beats: changes while the child moves
 * @subject, @step: where the child is: a file of a process, or behind the last its other names
 */
struct cryo_bundle_shared {
	_Atomic uint64_t beats, subject, step;
};

/**
 * struct cryo_bundle - see above.
 * @files: all that are known; @slots, @n_slots: an index of these by id
 * @directory: files/ in the sink
 * @records: from the child, a memfd
 * @n_linked: files that have been handed to cryo_bundle_link()'s caller
 * @new_bytes: copied in this step
 */
struct cryo_bundle {
	struct cryo_bundle_options options;
	struct cryo_bundle_subject *subjects;
	size_t n_subjects;
	struct cryo_bundle_file *files;
	size_t n_files;
	uint32_t *slots;
	size_t n_slots;
	int directory, records;
	struct cryo_bundle_shared *shared;
	size_t n_linked;
	uint64_t new_bytes;
};

/* The file with an id; SIZE_MAX if it is not known. */
size_t cryo_bundle_find(const struct cryo_bundle *bundle, const struct cryo_file_id *id);

/* Add a file, with its index. 0 or -ENOMEM. */
int cryo_bundle_add(struct cryo_bundle *bundle, const struct cryo_bundle_file *file);

/* ---- the child's side ---- */

/* Do as much as a step has, from shared->subject and shared->step on. 0 or -errno of the sink. */
int cryo_bundle_walk(struct cryo_bundle *bundle);

/**
 * cryo_bundle_copy - copy an open file into files/, under the name of its digest.
 * @file: @sum, @changed, @reason and @error are filled in
 */
void cryo_bundle_copy(struct cryo_bundle *bundle, int fd, struct cryo_bundle_file *file);

/* Whether these bytes are there already, perhaps in a stream by now. */
bool cryo_bundle_has(const struct cryo_bundle *bundle, const uint8_t digest[CRYO_DIGEST_SIZE]);

/* A sign of life. */
void cryo_bundle_beat(void *bundle);

/* The kinds of a record, and what follows its head. */
enum cryo_bundle_record_kind {
	CRYO_BUNDLE_RECORD_FILE,   /* struct cryo_bundle_file */
	CRYO_BUNDLE_RECORD_MAPPED, /* struct cryo_bundled, without paths */
	CRYO_BUNDLE_RECORD_ALIAS,  /* a name that the process has for the file */
};

struct cryo_bundle_record {
	uint32_t kind, size;
	uint64_t subject, mapped;
};

/* Tell the parent. 0 or -errno. */
int cryo_bundle_tell(
	struct cryo_bundle *bundle, const struct cryo_bundle_record *record, const void *body);

/**
 * struct cryo_bundle_process - the process at hand, in the child.
 * @dir: /proc/TID of a thread that lives
 * @memory: a view of its memory that brings no page into it; NULL if there is none
 */
struct cryo_bundle_process {
	pid_t tid;
	int dir;
	struct cryo_view *memory;
};

/* The view of a process's memory, and its end. 0 or -errno. */
int cryo_bundle_memory_open(pid_t tid, int dir, struct cryo_view **ret_view);
void cryo_bundle_memory_close(struct cryo_view *view);

/**
 * cryo_bundle_aliases - the names that the dynamic linker of a process has for its files.
 * @bundled: of @subject; @file is known of each
 *
 * Tells them by records. 0 or -errno of these.
 */
int cryo_bundle_aliases(struct cryo_bundle *bundle, const struct cryo_bundle_process *process,
	size_t subject, const struct cryo_bundled *bundled);
