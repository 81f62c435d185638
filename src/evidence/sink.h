// SPDX-License-Identifier: MIT
/*
 * Where evidence goes: a directory today, a stream of an archive beside it. Whoever produces
 * evidence knows only this: a file is created under a path, its bytes come strictly in order, holes
 * are announced instead of written, and then it is committed (it is whole) or abandoned (what there
 * is stays, and its name says that it is not whole).
 *
 * Paths are relative and made of names and numbers of our own, never of anything that a process
 * chose; "/" divides them; directories come into being as they are needed. A path with an empty
 * component, "." or ".." is refused with -EINVAL. Only a link may have a name that a process has
 * chosen, made harmless (evidence/root_path.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cryo_sink;
struct cryo_sink_file;

enum {
	CRYO_SINK_PATH_MAX = 256,
	CRYO_SINK_LINK_MAX = 4096 /* the path of a link */
};

/* A stretch of data in a sparse file. */
struct cryo_sink_extent {
	uint64_t offset, size;
};

/**
 * struct cryo_sink_entry - what is known of a file before its first byte.
 * @size: bytes, holes included
 * @extents, @n_extents: where its data lies, in order; all between is holes
 *
 * A stream needs this before it can begin. Without it (NULL) a stream has to keep the whole file
 * until it is committed, so it is for what is small; a directory never needs it.
 */
struct cryo_sink_entry {
	uint64_t size;
	const struct cryo_sink_extent *extents;
	size_t n_extents;
};

/**
 * struct cryo_sink_ops - what a kind of sink can do. Every function returns 0 or -errno.
 * @create: a new file; -EEXIST if the path is taken, which @commit may also be the first to find
 * @write: append bytes
 * @skip: append a hole
 * @commit: the file is whole: give it its name; the file is gone from then on, also after an error
 * @abandon: keep what there is as PATH.partial; the file is gone from then on
 * @link: the committed file @from also under the path @to; -EOPNOTSUPP if that cannot be done
 * @reserve: set so many bytes of room aside, or (0) give back what was; best effort
 * @close: release the sink; what was not committed counts as abandoned
 * @survives_kill: a process forked from the owner may write and be killed at any moment, and what
 *	it committed before is whole. False for a stream, which then has to be fed by its owner.
 */
struct cryo_sink_ops {
	int (*create)(struct cryo_sink *sink, const char *path, const struct cryo_sink_entry *entry,
		struct cryo_sink_file **ret_file);
	int (*write)(struct cryo_sink_file *file, const void *data, size_t size);
	int (*skip)(struct cryo_sink_file *file, uint64_t size);
	int (*commit)(struct cryo_sink_file *file);
	void (*abandon)(struct cryo_sink_file *file);
	int (*link)(struct cryo_sink *sink, const char *from, const char *to);
	void (*reserve)(struct cryo_sink *sink, uint64_t size);
	void (*close)(struct cryo_sink *sink);
	_Bool survives_kill;
};

/* The first members of what each kind of sink allocates. */
struct cryo_sink {
	const struct cryo_sink_ops *ops;
};

struct cryo_sink_file {
	struct cryo_sink *sink;
};

int cryo_sink_create(struct cryo_sink *sink, const char *path, const struct cryo_sink_entry *entry,
	struct cryo_sink_file **ret_file);
int cryo_sink_write(struct cryo_sink_file *file, const void *data, size_t size);
int cryo_sink_skip(struct cryo_sink_file *file, uint64_t size);
int cryo_sink_commit(struct cryo_sink_file *file);
void cryo_sink_abandon(struct cryo_sink_file *file);
int cryo_sink_link(struct cryo_sink *sink, const char *from, const char *to);
void cryo_sink_reserve(struct cryo_sink *sink, uint64_t size);
void cryo_sink_close(struct cryo_sink *sink);

/* Whether a path is made as the head of this file says, and with its NUL fits @size bytes. */
_Bool cryo_sink_path_is_valid(const char *path, size_t size);

static inline void cryo_sink_closep(struct cryo_sink **sink)
{
	cryo_sink_close(*sink);
}

#define _cleanup_sink_ __attribute__((cleanup(cryo_sink_closep)))

/**
 * cryo_sink_open_directory - evidence as files below a directory.
 * @path: made (mode 0700) if it does not exist; its parent must
 *
 * Files are created as *.partial with O_EXCL and O_NOFOLLOW, mode 0600, below directories of mode
 * 0700 that are never links, and renamed without replacing anything. Several threads and processes
 * may use the sink at the same time, for different paths.
 *
 * Returns 0; -ENOTEMPTY if there is anything in it; or -errno of mkdir(2) or open(2).
 */
int cryo_sink_open_directory(const char *path, struct cryo_sink **ret_sink);

/**
 * cryo_sink_open_below - a part of such a sink as one of its own: spares the way down for each
 * file.
 * @path: of a directory below it, made if need be
 *
 * Must be closed before @sink is. 0 or -errno.
 */
int cryo_sink_open_below(
	const struct cryo_sink *sink, const char *path, struct cryo_sink **ret_sink);

/* The descriptor of the directory of such a sink; the sink's. */
int cryo_sink_directory_fd(const struct cryo_sink *sink);

/**
 * cryo_sink_directory_enter - open a directory below such a sink, made if need be.
 *
 * For writers that need a descriptor of their own (a core). Returns a descriptor or -errno.
 */
int cryo_sink_directory_enter(const struct cryo_sink *sink, const char *path);
