// SPDX-License-Identifier: MIT
/*
 * strtoull() takes signs, blanks and prefixes, follows the locale, and wants a NUL; the texts here
 * are hostile and need not end in one.
 */
#include "base/number.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static unsigned int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return (unsigned int)(digit - '0');
	if (digit >= 'a' && digit <= 'f')
		return (unsigned int)(digit - 'a') + 10;
	if (digit >= 'A' && digit <= 'F')
		return (unsigned int)(digit - 'A') + 10;
	return UINT_MAX;
}

/* Digits up to the first byte that is none. 0, -EINVAL without any, -ERANGE. */
static int scan_digits(const char **cursor, const char *end, unsigned int base, uint64_t *ret)
{
	const char *at = *cursor;
	uint64_t number = 0;

	for (; at < end && digit_value(*at) < base; at++)
		if (__builtin_mul_overflow(number, base, &number) ||
			__builtin_add_overflow(number, digit_value(*at), &number))
			return -ERANGE;
	if (at == *cursor)
		return -EINVAL;
	*cursor = at;
	*ret = number;
	return 0;
}

int cryo_number_parse(const char *text, unsigned int base, uint64_t *ret_number)
{
	const char *end = text + strlen(text);
	uint64_t number;
	int r = scan_digits(&text, end, base, &number);

	if (r < 0)
		return r;
	if (text != end)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

int cryo_number_parse_pid(const char *text, pid_t *ret_pid)
{
	uint64_t number;
	int r = cryo_number_parse(text, 10, &number);

	if (r < 0)
		return r;
	if (number == 0)
		return -EINVAL;
	if (number > INT_MAX)
		return -ERANGE;
	*ret_pid = (pid_t)number;
	return 0;
}

bool cryo_number_scan(const char **cursor, const char *end, unsigned int base, uint64_t *ret_number)
{
	const char *at = *cursor;

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if (scan_digits(&at, end, base, ret_number) < 0)
		return false;
	*cursor = at;
	return true;
}
