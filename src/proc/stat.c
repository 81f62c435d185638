// SPDX-License-Identifier: MIT
/*
 * One line: "PID (COMM) STATE" and then numbers divided by blanks. COMM is whatever the process
 * called itself, so its end is the last ')' of the text; behind that the kernel prints only
 * numbers.
 */
#include "proc/stat.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "proc/procfs.h"
#include "proc/text.h"

enum {
	FIRST_NUMBER = 4,   /* ppid; numbering of proc_pid_stat(5) */
	LAST_REQUIRED = 24, /* rss; every kernel since 2.6 prints it */
	LOOKS = 8,          /* at one who goes just now */
};

enum field_type {
	FIELD_PID,
	FIELD_SIGNED,
	FIELD_UNSIGNED,
};

struct field {
	unsigned int number;
	enum field_type type;
	size_t offset;
};

#define FIELD(number, type, name)                                                                  \
	{                                                                                          \
		number, type, offsetof(struct cryo_stat, name)                                     \
	}

/* In the order of the text. */
static const struct field fields[] = {
	FIELD(4, FIELD_PID, ppid),
	FIELD(5, FIELD_PID, pgrp),
	FIELD(6, FIELD_PID, session),
	FIELD(7, FIELD_PID, tty_nr),
	FIELD(8, FIELD_PID, tpgid),
	FIELD(9, FIELD_UNSIGNED, flags),
	FIELD(14, FIELD_UNSIGNED, utime),
	FIELD(15, FIELD_UNSIGNED, stime),
	FIELD(16, FIELD_SIGNED, cutime),
	FIELD(17, FIELD_SIGNED, cstime),
	FIELD(18, FIELD_SIGNED, priority),
	FIELD(19, FIELD_SIGNED, nice),
	FIELD(20, FIELD_SIGNED, num_threads),
	FIELD(22, FIELD_UNSIGNED, starttime),
	FIELD(23, FIELD_UNSIGNED, vsize),
	FIELD(24, FIELD_SIGNED, rss),
	FIELD(48, FIELD_UNSIGNED, arg_start),
	FIELD(49, FIELD_UNSIGNED, arg_end),
	FIELD(50, FIELD_UNSIGNED, env_start),
	FIELD(51, FIELD_UNSIGNED, env_end),
};

static bool store_field(const struct field *field, struct cryo_text *word, struct cryo_stat *stat)
{
	void *at = (char *)stat + field->offset;
	uint64_t number;
	int64_t with_sign;

	if (field->type == FIELD_UNSIGNED) {
		if (!cryo_text_number(word, 10, &number))
			return false;
		memcpy(at, &number, sizeof(number));
		return true;
	}
	if (!cryo_text_signed(word, &with_sign))
		return false;
	if (field->type == FIELD_SIGNED) {
		memcpy(at, &with_sign, sizeof(with_sign));
		return true;
	}
	if (with_sign < INT_MIN || with_sign > INT_MAX)
		return false;
	memcpy(at, &(int){(int)with_sign}, sizeof(int));
	return true;
}

/* "PID (COMM) S ": the part before the numbers. */
static bool parse_head(struct cryo_text *text, struct cryo_stat *stat)
{
	const char *close = memrchr(text->at, ')', cryo_text_size(text));
	size_t comm_size;
	uint64_t pid;

	if (!close || !cryo_text_number(text, 10, &pid) || pid > INT_MAX ||
		!cryo_text_key(text, " (", 2) || text->at > close)
		return false;
	comm_size = (size_t)(close - text->at);
	if (comm_size > sizeof(stat->comm) - 1)
		comm_size = sizeof(stat->comm) - 1;
	memcpy(stat->comm, text->at, comm_size);
	stat->pid = (pid_t)pid;
	text->at = close + 1;
	if (cryo_text_size(text) < 3 || text->at[0] != ' ' || text->at[2] != ' ')
		return false;
	stat->state = text->at[1];
	text->at += 3;
	return true;
}

int cryo_stat_parse(const char *text, size_t size, struct cryo_stat *ret_stat)
{
	struct cryo_text at = cryo_text_of(text, size), line, word;
	struct cryo_stat stat = {0};
	const struct field *field = fields;
	unsigned int number = FIRST_NUMBER;

	if (size == 0 || !parse_head(&at, &stat) || !cryo_text_line(&at, &line))
		return -EBADMSG;
	for (; field < fields + ARRAY_SIZE(fields) && cryo_text_until(&line, ' ', &word); number++)
		if (number == field->number) {
			if (!store_field(field, &word, &stat) || word.at != word.end)
				return -EBADMSG;
			field++;
		}
	if (number <= LAST_REQUIRED)
		return -EBADMSG;
	*ret_stat = stat;
	return 0;
}

static int read_once(int dir, struct cryo_buffer *text, struct cryo_stat *ret_stat)
{
	int r = cryo_procfs_read_record(dir, "stat", text);

	return r < 0 ? r : cryo_stat_parse((const char *)text->data, text->size, ret_stat);
}

/* The kernel prints no threads of one that was reaped meanwhile, and what it does print is then of
 * nobody. A process may go on under this number: by a thread that executes a program; meanwhile
 * there may seem to be no file (proc_pident_instantiate() in fs/proc/base.c), or one of nobody. */
int cryo_stat_read(int dir, struct cryo_stat *ret_stat)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_stat stat = {0};
	int r = -ESRCH;

	for (int i = 0; i < LOOKS && (r == -ESRCH || r == -ENOENT); i++) {
		r = read_once(dir, &text, &stat);
		if (r == 0 && stat.num_threads == 0)
			r = -ESRCH;
	}
	if (r == 0)
		*ret_stat = stat;
	return r;
}
