// SPDX-License-Identifier: MIT
/* The capacity that follows from the count, and what is too much. */
#include <criterion/criterion.h>

#include "base/array.h"
#include "base/cleanup.h"

Test(array, keeps_every_element)
{
	_cleanup_free_ int *numbers = NULL;
	size_t count = 0;

	for (int i = 0; i < 1000; i++) {
		int *added = cryo_array_add(numbers, count);

		cr_assert_not_null(added);
		*added = i;
	}
	cr_assert_eq(count, 1000);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(numbers[i], i);
}

Test(array, refuses_a_size_that_overflows)
{
	size_t power = SIZE_MAX / 2 + 1;

	cr_assert_null(cryo_array_grow(NULL, power, 16));
	cr_assert_null(cryo_array_grow(NULL, power >> 4, 16));
}
