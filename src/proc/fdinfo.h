// SPDX-License-Identifier: MIT
/*
 * /proc/PID/fdinfo/N (proc_pid_fdinfo(5); fs/proc/fd.c seq_show(), and the show_fdinfo() of each
 * kind of file): lines "KEY:\tVALUE", the first of which every file has.
 */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "proc/text.h"

/**
 * struct cryo_fdinfo - what is common to all files.
 * @position: of the file offset
 * @flags: O_* of open(2), with O_CLOEXEC of the descriptor
 * @mount: mnt_id, as in mountinfo; -1 if not printed
 * @inode: 0 if not printed (before Linux 5.14)
 * @rest: the text behind these lines; refers to the text that was parsed
 */
struct cryo_fdinfo {
	uint64_t position;
	uint64_t flags;
	int64_t mount;
	uint64_t inode;
	struct cryo_text rest;
};

/* Returns 0, or -EBADMSG if "pos:" and "flags:" are not what it begins with. */
int cryo_fdinfo_parse(const char *text, size_t size, struct cryo_fdinfo *ret_fdinfo);

/**
 * cryo_fdinfo_next - the next line of the rest as key and value, blanks around both taken away.
 *
 * A line without a colon comes with an empty key. Returns whether there was a line.
 */
bool cryo_fdinfo_next(
	struct cryo_text *rest, struct cryo_text *ret_key, struct cryo_text *ret_value);

/**
 * cryo_fdinfo_word - the value behind "NAME:" inside a line of several such pairs.
 * @line: e.g. "       5 events: 19 data: 5  pos:0 ino:1a sdev:8"
 *
 * Returns whether it is there; the value ends at the next blank.
 */
bool cryo_fdinfo_word(const struct cryo_text *line, const char *name, struct cryo_text *ret_value);

/* Append "r", "w", "rw" or "path" and the names of further flags, with commas. 0 or -ENOMEM. */
int cryo_fdinfo_format_flags(uint64_t flags, struct cryo_buffer *buffer);
