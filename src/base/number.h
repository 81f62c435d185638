// SPDX-License-Identifier: MIT
/*
 * Numbers out of text: strict for what a user types, a cursor for what the kernel prints.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * cryo_number_parse - a whole string as an unsigned number.
 * @text: NUL-terminated; digits of @base only, no sign, no blank, no prefix
 *
 * Returns 0, -EINVAL (not a number) or -ERANGE (over UINT64_MAX).
 */
int cryo_number_parse(const char *text, unsigned int base, uint64_t *ret_number);

/* A positive pid_t in decimal. 0, -EINVAL or -ERANGE. */
int cryo_number_parse_pid(const char *text, pid_t *ret_pid);

/**
 * cryo_number_scan - a number at a cursor inside a text.
 * @cursor: moved behind the digits on success, untouched otherwise
 * @end: first byte that may not be read
 *
 * Blanks and tabs before the number are skipped. Returns whether there was one that fits.
 */
bool cryo_number_scan(
	const char **cursor, const char *end, unsigned int base, uint64_t *ret_number);
