// SPDX-License-Identifier: MIT
/*
 * Growing arrays: a pointer and a count in any struct, the capacity follows from the count (the
 * next power of two), so that it needs no field of its own.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/**
 * cryo_array_grow - make room for one element more.
 * @array: the array (malloc'ed or NULL)
 * @count: elements in use
 * @size: bytes of one element
 *
 * Returns the array, perhaps moved; NULL when memory is short (the old array is still valid).
 */
static inline void *cryo_array_grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1) || count == 1)
		return count == 1 ? realloc(array, 2 * size) : array;
	if (count > SIZE_MAX / 2 / size)
		return NULL;
	return realloc(array, (count ? 2 * count : 1) * size);
}

/*
 * cryo_array_add(array, count): a pointer to a new element at the end (not initialised), or NULL
 * when memory is short. `array` and `count` are lvalues.
 */
#define cryo_array_add(array, count)                                                               \
	({                                                                                         \
		void *_grown = cryo_array_grow((array), (count), sizeof(*(array)));                \
		if (_grown)                                                                        \
			(array) = _grown;                                                          \
		_grown ? &(array)[(count)++] : NULL;                                               \
	})
