// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "trace/inject.h"
#include "trace/inject_frame.h"

Test(inject_frame, a_call_that_is_restarted)
{
	static const struct {
		int64_t number, result, expected;
		uint64_t back;
	} cases[] = {
		{7, -512, 7, 2},
		{7, -513, 7, 2},
		{7, -514, 7, 2},
		{35, -516, 219, 2},
		{7, -4, -4, 0},
		{7, 5, 5, 0},
		{-1, -512, -512, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cryo_frame_registers registers = {.pc = 100,
			.result = (uint64_t)cases[i].result,
			.number = (uint64_t)cases[i].number};

		cryo_frame_go_on(&registers);
		cr_assert_eq((int64_t)registers.result, cases[i].expected, "case %zu", i);
		cr_assert_eq(registers.pc, 100 - cases[i].back, "case %zu", i);
	}
}

Test(inject_frame, lies_below_the_red_zone)
{
	static struct cryo_frame frame = {.state_size = 2432, .restorer = 0x1111, .call = 0x2222};
	struct cryo_frame_registers registers = {.sp = 0x7ffff123, .pc = 0x4444, .bx = 0x5555};
	_cleanup_buffer_ struct cryo_buffer bytes = {0};
	uint64_t stack, child, word;
	uint32_t magic;

	cr_assert_eq(cryo_frame_make(&registers, &frame, &bytes, &stack, &child), 0);
	cr_assert_leq(stack + bytes.size, registers.sp - 128);
	cr_assert_eq(stack % 64, 0);
	cr_assert_lt(stack, child);
	memcpy(&word, bytes.data, 8);
	cr_assert_eq(word, 0x1111, "the `ret` behind the call leads to the restorer");
	memcpy(&word, bytes.data + (child - stack), 8);
	cr_assert_eq(word, 0x1111);
	memcpy(&word, bytes.data + 8 + 184 + 40, 8); /* uc_mcontext.fpstate */
	cr_assert_eq(word % 64, 0);
	memcpy(&magic, bytes.data + (word - stack) + 464, 4);
	cr_assert_eq(magic, 0x46505853);
	memcpy(&magic, bytes.data + (word - stack) + 2432, 4);
	cr_assert_eq(magic, 0x46505845);
}

Test(inject_frame, a_state_of_no_size_is_refused)
{
	static struct cryo_frame frame = {.state_size = 100};
	struct cryo_frame_registers registers = {.sp = 0x7ffff000};
	_cleanup_buffer_ struct cryo_buffer bytes = {0};
	uint64_t stack, child;

	cr_assert_eq(cryo_frame_make(&registers, &frame, &bytes, &stack, &child), -EOPNOTSUPP);
}

Test(inject, finds_code)
{
	static const uint8_t code[] = {0x90, 0x0f, 0x05, 0x90, 0x0f, 0x05, 0xc3, 0x48, 0xc7, 0xc0,
		0x0f, 0, 0, 0, 0x0f, 0x05};
	struct cryo_site site = {0};

	cryo_inject_find_code(&site, 0x1000, code, sizeof(code));
	cr_assert_eq(site.call, 0x1004);
	cr_assert_eq(site.restorer, 0x1007);
	cryo_inject_find_code(&site, 0x2000, code, sizeof(code));
	cr_assert_eq(site.call, 0x1004, "the first is kept");
}
