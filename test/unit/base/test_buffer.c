// SPDX-License-Identifier: MIT
/* The bytes, and the NUL behind them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/buffer.h"

Test(buffer, adds_and_ends_in_nul)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};

	cr_assert_eq(cryo_buffer_add(&buffer, "", 0), 0);
	cr_assert_eq(buffer.size, 0);
	cr_assert_eq(buffer.data[0], 0);
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(cryo_buffer_add(&buffer, "abc", 3), 0);
		cr_assert_eq(buffer.data[buffer.size], 0);
	}
	cr_assert_eq(buffer.size, 3000);
	cr_assert_eq(memcmp(buffer.data + 2997, "abc", 4), 0);
}

Test(buffer, holds_any_bytes)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};

	cr_assert_eq(cryo_buffer_add(&buffer, "a\0b", 3), 0);
	cr_assert_eq(buffer.size, 3);
	cr_assert_eq(memcmp(buffer.data, "a\0b", 4), 0);
}

Test(buffer, reserves_without_moving)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};
	uint8_t *data;

	cr_assert_eq(cryo_buffer_reserve(&buffer, 5000), 0);
	data = buffer.data;
	cr_assert_not_null(cryo_buffer_add_zero(&buffer, 5000));
	cr_assert_eq(buffer.data, data);
}

Test(buffer, refuses_a_size_that_overflows)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};

	cr_assert_eq(cryo_buffer_add(&buffer, "x", 1), 0);
	cr_assert_eq(cryo_buffer_reserve(&buffer, SIZE_MAX), -ENOMEM);
	cr_assert_eq(cryo_buffer_reserve(&buffer, SIZE_MAX / 2), -ENOMEM);
	cr_assert_null(cryo_buffer_add_zero(&buffer, SIZE_MAX));
	cr_assert_eq(buffer.size, 1);
}

Test(buffer, aligns_with_zeros)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};

	cr_assert_eq(cryo_buffer_align(&buffer, 4), 0);
	cr_assert_eq(buffer.size, 0);
	cr_assert_eq(cryo_buffer_add(&buffer, "abcde", 5), 0);
	cr_assert_eq(cryo_buffer_align(&buffer, 4), 0);
	cr_assert_eq(buffer.size, 8);
	cr_assert_eq(memcmp(buffer.data, "abcde\0\0", 8), 0);
	cr_assert_eq(cryo_buffer_align(&buffer, 4), 0);
	cr_assert_eq(buffer.size, 8);
}

Test(buffer, prints_behind_what_is_there)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};
	char wide[300];

	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = 0;
	cr_assert_eq(cryo_buffer_printf(&buffer, "%s", ""), 0);
	cr_assert_eq(cryo_buffer_printf(&buffer, "%d-", 42), 0);
	cr_assert_eq(cryo_buffer_printf(&buffer, "%s", wide), 0);
	cr_assert_eq(buffer.size, 302);
	cr_assert_eq(strncmp((char *)buffer.data, "42-www", 6), 0);
	cr_assert_eq(strlen((char *)buffer.data), 302);
}

Test(buffer, clear_makes_it_empty)
{
	struct cryo_buffer buffer = {0};

	cr_assert_eq(cryo_buffer_add(&buffer, "x", 1), 0);
	cryo_buffer_clear(&buffer);
	cr_assert_null(buffer.data);
	cr_assert_eq(buffer.size, 0);
	cr_assert_eq(buffer.capacity, 0);
	cryo_buffer_clear(&buffer);
}
