// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <elf.h>
#include <string.h>

#include "elf/encode.h"

Test(encode, both_byte_orders_and_nothing_beside_the_field)
{
	uint8_t bytes[8] = "........";

	cryo_encode(ELFDATA2LSB, bytes, (struct cryo_field){1, 4}, 0x11223344);
	cr_assert_arr_eq(bytes, ".\x44\x33\x22\x11...", 8);
	cryo_encode(ELFDATA2MSB, bytes, (struct cryo_field){2, 2}, 0xabcdef01);
	cr_assert_arr_eq(bytes, ".\x44\xef\x01\x11...", 8);
	cryo_encode(ELFDATA2MSB, bytes, (struct cryo_field){3, 0}, 0xff);
	cr_assert_arr_eq(bytes, ".\x44\xef\x01\x11...", 8);
}

Test(encode, decode_is_its_inverse_without_sign)
{
	static const uint8_t bytes[8] = {0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87};

	cr_assert_eq(
		cryo_decode(ELFDATA2LSB, bytes, (struct cryo_field){0, 8}), 0x8786858483828180ULL);
	cr_assert_eq(
		cryo_decode(ELFDATA2MSB, bytes, (struct cryo_field){0, 8}), 0x8081828384858687ULL);
	cr_assert_eq(cryo_decode(ELFDATA2LSB, bytes, (struct cryo_field){6, 2}), 0x8786);
	cr_assert_eq(cryo_decode(ELFDATA2MSB, bytes, (struct cryo_field){0, 1}), 0x80);
}
