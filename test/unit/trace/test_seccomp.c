// SPDX-License-Identifier: MIT
#include "trace/seccomp.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"

#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define RETURN_A BPF_STMT(BPF_RET | BPF_A, 0)
#define RUN(filter, data) cryo_seccomp_run(filter, ARRAY_SIZE(filter), data)

static const struct seccomp_data call = {
	.nr = 219,
	.arch = 0xc000003e,
	.instruction_pointer = 0x1122334455667788,
	.args = {7, 8, 9, 10, 11, 12},
};

Test(seccomp, jumps)
{
	const struct sock_filter filter[] = {
		NUMBER,
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 219, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 219, 0, 5),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 219, 1, 0),
		RETURN(1),
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		RETURN(2),
		RETURN(SECCOMP_RET_ERRNO | 5),
	};

	cr_assert_eq(RUN(filter, &call), SECCOMP_RET_ERRNO | 5);
}

Test(seccomp, loads)
{
	const struct sock_filter high[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, instruction_pointer) + 4),
		RETURN_A,
	};
	const struct sock_filter argument[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		RETURN_A,
	};
	const struct sock_filter length[] = {
		BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_MISC | BPF_TXA, 0),
		RETURN_A,
	};
	const struct sock_filter beyond[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data) - 3),
		RETURN_A,
	};

	cr_assert_eq(RUN(high, &call), 0x11223344);
	cr_assert_eq(RUN(argument, &call), 12);
	cr_assert_eq(RUN(length, &call), sizeof(call));
	cr_assert_eq(RUN(beyond, &call), 0);
}

static uint32_t computed(uint16_t operation, uint32_t left, uint32_t right)
{
	const struct sock_filter constant[] = {
		BPF_STMT(BPF_LD | BPF_IMM, left),
		BPF_STMT(BPF_ALU | operation | BPF_K, right),
		RETURN_A,
	};
	const struct sock_filter index[] = {
		BPF_STMT(BPF_LD | BPF_IMM, right),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_IMM, left),
		BPF_STMT(BPF_ALU | operation | BPF_X, 0),
		RETURN_A,
	};

	cr_assert_eq(RUN(constant, &call), RUN(index, &call));
	return RUN(constant, &call);
}

Test(seccomp, arithmetic)
{
	cr_assert_eq(computed(BPF_ADD, 7, UINT32_MAX), 6);
	cr_assert_eq(computed(BPF_SUB, 7, 8), UINT32_MAX);
	cr_assert_eq(computed(BPF_MUL, 7, 3), 21);
	cr_assert_eq(computed(BPF_DIV, 7, 3), 2);
	cr_assert_eq(computed(BPF_DIV, 7, 0), 0);
	cr_assert_eq(computed(BPF_OR, 5, 2), 7);
	cr_assert_eq(computed(BPF_AND, 5, 4), 4);
	cr_assert_eq(computed(BPF_XOR, 5, 4), 1);
	cr_assert_eq(computed(BPF_LSH, 1, 31), 0x80000000);
	cr_assert_eq(computed(BPF_RSH, 0x80000000, 31), 1);
	cr_assert_eq(computed(BPF_NEG, 1, 0), UINT32_MAX);
}

Test(seccomp, memory)
{
	const struct sock_filter filter[] = {
		NUMBER,
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LDX | BPF_IMM, 1),
		BPF_STMT(BPF_STX, 4),
		BPF_STMT(BPF_ST, BPF_MEMWORDS),
		BPF_STMT(BPF_LDX | BPF_MEM, 3),
		BPF_STMT(BPF_LD | BPF_MEM, 4),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		RETURN_A,
	};

	cr_assert_eq(RUN(filter, &call), 220);
}

/* A jump behind the end, or none at all: the kernel takes no such filter. */
Test(seccomp, without_an_end)
{
	const struct sock_filter filter[] = {BPF_JUMP(BPF_JMP | BPF_JA, UINT32_MAX, 0, 0)};

	cr_assert_eq(RUN(filter, &call), SECCOMP_RET_KILL_PROCESS);
	cr_assert_eq(cryo_seccomp_run(filter, 0, &call), SECCOMP_RET_KILL_PROCESS);
}

/* Who is not traced, or has none, refuses nothing. */
Test(seccomp, no_filter)
{
	cr_assert_not(cryo_seccomp_refuses(getpid(), &call));
}
