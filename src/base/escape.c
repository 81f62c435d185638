// SPDX-License-Identifier: MIT
/*
 * A terminal obeys what it is shown, and a JSON parser refuses what is not UTF-8: so nothing that a
 * target wrote reaches either before it went through here. Valid sequences are those of Unicode's
 * table 3-7 (well-formed UTF-8 byte sequences).
 */
#include "base/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/array.h"

struct range {
	uint32_t first, last;
};

static const struct range dangerous[] = {
	{0x0000, 0x001f},
	{0x007f, 0x009f},
	{0x061c, 0x061c},
	{0x200b, 0x200f},
	{0x2028, 0x202e},
	{0x2060, 0x206f},
	{0xd800, 0xdfff},
	{0xfeff, 0xfeff},
};

static bool is_dangerous(uint32_t character)
{
	for (size_t i = 0; i < ARRAY_SIZE(dangerous); i++)
		if (character >= dangerous[i].first && character <= dangerous[i].last)
			return true;
	return false;
}

/* Length of the sequence that a first byte announces, its own bits, and its smallest character. */
static size_t sequence_length(uint8_t first, uint32_t *ret_bits, uint32_t *ret_least)
{
	static const struct {
		uint8_t mask, value;
		uint32_t least;
	} forms[] = {
		{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if ((first & forms[i].mask) == forms[i].value) {
			*ret_bits = first & (uint8_t)~forms[i].mask;
			*ret_least = forms[i].least;
			return i + 1;
		}
	return 0;
}

/* Bytes of the harmless character at `data`; 0 if there is none. */
static size_t harmless_length(const uint8_t *data, size_t size)
{
	uint32_t character, least;
	size_t length = sequence_length(data[0], &character, &least);

	if (length == 0 || length > size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((data[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (data[i] & 0x3f);
	}
	if (character < least || character > 0x10ffff || is_dangerous(character))
		return 0;
	return length;
}

int cryo_escape(struct cryo_buffer *buffer, const void *data, size_t size)
{
	const uint8_t *at = data, *end = size ? at + size : at;
	int r = 0;

	while (at < end && r == 0) {
		size_t length = harmless_length(at, (size_t)(end - at));

		if (length && *at != '\\')
			r = cryo_buffer_add(buffer, at, length);
		else if (length)
			r = cryo_buffer_add(buffer, "\\\\", 2);
		else
			r = cryo_buffer_printf(buffer, "\\x%02x", *at);
		at += length ? length : 1;
	}
	return r;
}

int cryo_escape_word(struct cryo_buffer *buffer, const void *data, size_t size)
{
	const uint8_t *at = data;
	int r = 0;

	while (size && r == 0) {
		const uint8_t *blank = memchr(at, ' ', size);
		size_t length = blank ? (size_t)(blank - at) : size;

		r = cryo_escape(buffer, at, length);
		if (r == 0 && blank)
			r = cryo_buffer_add(buffer, "\\x20", 4);
		at += length + (blank != NULL);
		size -= length + (blank != NULL);
	}
	return r;
}
