// SPDX-License-Identifier: MIT
/*
 * Options of the public functions: the first member is their size, as their caller knows it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/**
 * cryo_options_read - put what a caller gives in place of what is usual.
 * @given: NULL: nothing
 * @complete: @size bytes, with all that is usual
 *
 * Whether that can be: not if it is more than we know, or not even a size.
 */
static inline bool cryo_options_read(const void *given, void *complete, size_t size)
{
	size_t known;

	if (!given)
		return true;
	memcpy(&known, given, sizeof(known));
	if (known < sizeof(known) || known > size)
		return false;
	memcpy(complete, given, known);
	return true;
}
