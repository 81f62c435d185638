// SPDX-License-Identifier: MIT
/* What is kept and what is not. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/array.h"
#include "base/escape.h"

static const struct {
	const char *bytes;
	size_t size;
	const char *shown;
} cases[] = {
	{"", 0, ""}, {"plain text", 10, "plain text"}, {"a\\b", 3, "a\\\\b"},
	{"\\x1b", 4, "\\\\x1b"}, {"\0\n\t\x1b[0m\x7f", 8, "\\x00\\x0a\\x09\\x1b[0m\\x7f"},
	{"gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f"},
	{"\xe2\x82\xac \xf0\x9f\x90\xa7", 8, "\xe2\x82\xac \xf0\x9f\x90\xa7"},
	{"\xc2\x9b", 2, "\\xc2\\x9b"},                   /* C1: CSI */
	{"\xc0\xaf", 2, "\\xc0\\xaf"},                   /* overlong '/' */
	{"\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf"},          /* overlong '/' */
	{"\xf0\x80\x80\xaf", 4, "\\xf0\\x80\\x80\\xaf"}, /* overlong '/' */
	{"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},          /* surrogate */
	{"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"}, /* over U+10FFFF */
	{"\xf8\x88\x80\x80\x80", 5, "\\xf8\\x88\\x80\\x80\\x80"},
	{"\xe2\x82", 2, "\\xe2\\x82"}, /* cut */
	{"\xe2\x82z", 3, "\\xe2\\x82z"}, {"\x80", 1, "\\x80"},
	{"\xe2\x80\xae", 3, "\\xe2\\x80\\xae"}, /* right-to-left override */
	{"\xe2\x80\x8b", 3, "\\xe2\\x80\\x8b"}, /* zero width space */
	{"\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6"}, /* isolate */
	{"\xef\xbb\xbf", 3, "\\xef\\xbb\\xbf"}, /* byte order mark */
	{"\xd8\x9c", 2, "\\xd8\\x9c"},          /* Arabic letter mark */
	{"\xe2\x80\x90", 3, "\xe2\x80\x90"},    /* a hyphen is harmless */
};

Test(escape, keeps_or_escapes)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct cryo_buffer buffer = {0};

		cr_assert_eq(cryo_escape(&buffer, cases[i].bytes, cases[i].size), 0);
		cr_assert_eq(buffer.size, strlen(cases[i].shown), "case %zu", i);
		cr_assert(buffer.size == 0 || memcmp(buffer.data, cases[i].shown, buffer.size) == 0,
			"case %zu: %s", i, (char *)buffer.data);
	}
}

Test(escape, appends)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};

	cr_assert_eq(cryo_escape(&buffer, "a\n", 2), 0);
	cr_assert_eq(cryo_escape(&buffer, NULL, 0), 0);
	cr_assert_eq(cryo_escape(&buffer, "b", 1), 0);
	cr_assert_str_eq((char *)buffer.data, "a\\x0ab");
}

Test(escape, no_two_texts_look_alike)
{
	_cleanup_buffer_ struct cryo_buffer real = {0}, faked = {0};

	cr_assert_eq(cryo_escape(&real, "\n", 1), 0);
	cr_assert_eq(cryo_escape(&faked, "\\x0a", 4), 0);
	cr_assert_str_neq((char *)real.data, (char *)faked.data);
}
