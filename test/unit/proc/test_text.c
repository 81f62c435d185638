// SPDX-License-Identifier: MIT
/* The cursor moves only when it succeeds. */
#include <criterion/criterion.h>

#include "fixture.h"
#include "proc/text.h"

Test(text, lines_with_and_without_a_last_newline)
{
	struct cryo_text text = cryo_text_of("a\n\nbc", 5), line;

	cr_assert(cryo_text_line(&text, &line));
	cr_assert_eq(cryo_text_size(&line), 1);
	cr_assert(cryo_text_line(&text, &line));
	cr_assert_eq(cryo_text_size(&line), 0);
	cr_assert(cryo_text_line(&text, &line));
	cr_assert_eq(cryo_text_size(&line), 2);
	cr_assert_not(cryo_text_line(&text, &line));
	text = cryo_text_of("a\n", 2);
	cr_assert(cryo_text_line(&text, &line));
	cr_assert_not(cryo_text_line(&text, &line));
}

Test(text, nothing_is_no_line)
{
	struct cryo_text text = cryo_text_of(NULL, 0), line;

	cr_assert_not(cryo_text_line(&text, &line));
}

static bool parse_signed(const char *text, int64_t *ret_number)
{
	struct cryo_text at = cryo_text_of(text, strlen(text));
	bool found = cryo_text_signed(&at, ret_number);

	cr_assert_eq(at.at, found ? at.end : text);
	return found;
}

Test(text, signed_numbers)
{
	int64_t number = 7;

	cr_assert(parse_signed("-9223372036854775808", &number));
	cr_assert_eq(number, INT64_MIN);
	cr_assert(parse_signed(" 9223372036854775807", &number));
	cr_assert_eq(number, INT64_MAX);
	cr_assert(parse_signed("-0", &number));
	cr_assert_eq(number, 0);
	cr_assert_not(parse_signed("9223372036854775808", &number));
	cr_assert_not(parse_signed("-9223372036854775809", &number));
	cr_assert_not(parse_signed("- 1", &number));
	cr_assert_not(parse_signed("--1", &number));
	cr_assert_not(parse_signed("-", &number));
	cr_assert_not(parse_signed("", &number));
}
