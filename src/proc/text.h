// SPDX-License-Identifier: MIT
/*
 * A cursor over text that /proc printed: no terminating NUL is needed, nothing is copied, nothing
 * is read twice. Each function moves the cursor only when it succeeds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* The bytes from @at up to @end. */
struct cryo_text {
	const char *at, *end;
};

static inline struct cryo_text cryo_text_of(const char *text, size_t size)
{
	return (struct cryo_text){text, size ? text + size : text};
}

static inline size_t cryo_text_size(const struct cryo_text *text)
{
	return (size_t)(text->end - text->at);
}

/* Take everything up to a separator, and the separator; or all that is left, if that is not empty.
 */
static inline bool cryo_text_until(
	struct cryo_text *text, char separator, struct cryo_text *ret_part)
{
	const char *end;

	if (text->at == text->end)
		return false;
	end = memchr(text->at, separator, cryo_text_size(text));
	*ret_part = (struct cryo_text){text->at, end ? end : text->end};
	text->at = end ? end + 1 : text->end;
	return true;
}

/* Take the next line; its newline is not part of it and may be missing at the end of the text. */
static inline bool cryo_text_line(struct cryo_text *text, struct cryo_text *ret_line)
{
	return cryo_text_until(text, '\n', ret_line);
}

static inline void cryo_text_skip_blanks(struct cryo_text *text)
{
	while (text->at < text->end && (*text->at == ' ' || *text->at == '\t'))
		text->at++;
}

/* Take one certain byte. */
static inline bool cryo_text_byte(struct cryo_text *text, char byte)
{
	if (text->at == text->end || *text->at != byte)
		return false;
	text->at++;
	return true;
}

/* Take a key at the beginning of a line, as "Pid:". */
static inline bool cryo_text_key(struct cryo_text *text, const char *key, size_t key_size)
{
	if (cryo_text_size(text) < key_size || memcmp(text->at, key, key_size) != 0)
		return false;
	text->at += key_size;
	return true;
}

/* Take a number, and blanks before it. False without one, and if it does not fit. */
static inline bool cryo_text_number(struct cryo_text *text, unsigned int base, uint64_t *ret_number)
{
	return cryo_number_scan(&text->at, text->end, base, ret_number);
}

/* Take a decimal number that may be negative, and blanks before it. */
static inline bool cryo_text_signed(struct cryo_text *text, int64_t *ret_number)
{
	struct cryo_text at = *text;
	uint64_t magnitude;
	bool negative;

	cryo_text_skip_blanks(&at);
	negative = cryo_text_byte(&at, '-');
	if (at.at == at.end || *at.at < '0' || *at.at > '9' ||
		!cryo_text_number(&at, 10, &magnitude) ||
		magnitude > (uint64_t)INT64_MAX + negative)
		return false;
	*ret_number = (int64_t)(negative ? -magnitude : magnitude);
	*text = at;
	return true;
}

/* The text as a malloc'ed string; NULL when memory is short. */
static inline char *cryo_text_dup(const struct cryo_text *text)
{
	return strndup(text->at, cryo_text_size(text));
}
