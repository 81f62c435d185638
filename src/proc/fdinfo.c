// SPDX-License-Identifier: MIT
/*
 * Nothing here knows the kinds of files: a line is a key and a value, and so what a future kernel
 * tells about a future kind of file is understood too.
 */
#include "proc/fdinfo.h"

#include <errno.h>
#include <fcntl.h>

#include "base/array.h"

static void trim(struct cryo_text *text)
{
	cryo_text_skip_blanks(text);
	while (text->end > text->at && (text->end[-1] == ' ' || text->end[-1] == '\t'))
		text->end--;
}

bool cryo_fdinfo_next(
	struct cryo_text *rest, struct cryo_text *ret_key, struct cryo_text *ret_value)
{
	struct cryo_text line, key;

	if (!cryo_text_line(rest, &line))
		return false;
	key = (struct cryo_text){line.at, line.at};
	if (memchr(line.at, ':', cryo_text_size(&line)))
		cryo_text_until(&line, ':', &key);
	trim(&key);
	trim(&line);
	*ret_key = key;
	*ret_value = line;
	return true;
}

static bool is(const struct cryo_text *text, const char *word)
{
	return cryo_text_size(text) == strlen(word) &&
	       memcmp(text->at, word, cryo_text_size(text)) == 0;
}

static bool take_common(
	const struct cryo_text *key, struct cryo_text *value, struct cryo_fdinfo *fdinfo)
{
	if (is(key, "pos"))
		return cryo_text_number(value, 10, &fdinfo->position);
	if (is(key, "flags"))
		return cryo_text_number(value, 8, &fdinfo->flags);
	if (is(key, "mnt_id"))
		return cryo_text_signed(value, &fdinfo->mount);
	return is(key, "ino") && cryo_text_number(value, 10, &fdinfo->inode);
}

int cryo_fdinfo_parse(const char *text, size_t size, struct cryo_fdinfo *ret_fdinfo)
{
	struct cryo_text rest = cryo_text_of(text, size), next = rest, key, value;
	struct cryo_fdinfo fdinfo = {.mount = -1};
	unsigned int taken = 0;

	while (cryo_fdinfo_next(&next, &key, &value) && take_common(&key, &value, &fdinfo)) {
		rest = next;
		taken++;
	}
	if (taken < 2)
		return -EBADMSG;
	fdinfo.rest = rest;
	*ret_fdinfo = fdinfo;
	return 0;
}

bool cryo_fdinfo_word(const struct cryo_text *line, const char *name, struct cryo_text *ret_value)
{
	size_t length = strlen(name);

	for (const char *at = line->at; at < line->end; at++) {
		struct cryo_text value = {at, line->end};

		if (at > line->at && at[-1] != ' ')
			continue;
		if (!cryo_text_key(&value, name, length) || !cryo_text_byte(&value, ':'))
			continue;
		cryo_text_skip_blanks(&value);
		return cryo_text_until(&value, ' ', ret_value);
	}
	return false;
}

/*
 * The kernel's O_LARGEFILE is 0 in the headers of a 64-bit C library, and __O_TMPFILE has no name
 * without its O_DIRECTORY; both are in include/uapi/asm-generic/fcntl.h.
 */
static const struct {
	uint64_t mask;
	const char *name;
} flag_names[] = {
	{O_APPEND, "append"},
	{O_NONBLOCK, "nonblock"},
	{O_SYNC & ~O_DSYNC, "sync"},
	{O_DSYNC, "dsync"},
	{O_ASYNC, "async"},
	{O_DIRECT, "direct"},
	{O_DIRECTORY, "directory"},
	{O_NOFOLLOW, "nofollow"},
	{O_NOATIME, "noatime"},
	{O_TMPFILE & ~O_DIRECTORY, "tmpfile"},
	{O_CLOEXEC, "cloexec"},
};

int cryo_fdinfo_format_flags(uint64_t flags, struct cryo_buffer *buffer)
{
	static const char *const access[] = {"r", "w", "rw", "none"};
	const char *first = flags & O_PATH ? "path" : access[flags & O_ACCMODE];
	int r = cryo_buffer_add(buffer, first, strlen(first));

	for (size_t i = 0; i < ARRAY_SIZE(flag_names) && r == 0; i++)
		if (flags & flag_names[i].mask)
			r = cryo_buffer_printf(buffer, ",%s", flag_names[i].name);
	return r;
}
