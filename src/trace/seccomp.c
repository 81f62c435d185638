// SPDX-License-Identifier: MIT
/*
 * The instructions are those that seccomp_check_filter() of the kernel lets through
 * (kernel/seccomp.c): of classic BPF, without packets. All jumps lead forward, so that each filter
 * ends.
 */
#include "trace/seccomp.h"

#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>

#include "base/buffer.h"
#include "base/cleanup.h"

enum {
	MAX_FILTERS = 1024, /* the kernel has 32768 instructions for all of them */
};

struct registers {
	uint32_t a, x, memory[BPF_MEMWORDS];
};

static uint32_t load(const struct registers *registers, const struct sock_filter *at,
	const struct seccomp_data *data)
{
	uint32_t value = 0;

	switch (BPF_MODE(at->code)) {
	case BPF_ABS:
		if (at->k <= sizeof(*data) - sizeof(value))
			memcpy(&value, (const char *)data + at->k, sizeof(value));
		return value;
	case BPF_LEN:
		return sizeof(*data);
	case BPF_MEM:
		return at->k < BPF_MEMWORDS ? registers->memory[at->k] : 0;
	default:
		return at->k;
	}
}

static void store(struct registers *registers, const struct sock_filter *at)
{
	if (at->k < BPF_MEMWORDS)
		registers->memory[at->k] =
			BPF_CLASS(at->code) == BPF_ST ? registers->a : registers->x;
}

static uint32_t compute(uint16_t code, uint32_t left, uint32_t right)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		return left + right;
	case BPF_SUB:
		return left - right;
	case BPF_MUL:
		return left * right;
	case BPF_DIV:
		return right ? left / right : 0;
	case BPF_OR:
		return left | right;
	case BPF_AND:
		return left & right;
	case BPF_XOR:
		return left ^ right;
	case BPF_LSH:
		return left << (right & 31);
	case BPF_RSH:
		return left >> (right & 31);
	default:
		return -left;
	}
}

/* How many instructions a jump leaves out. */
static size_t skipped(const struct sock_filter *at, uint32_t left, uint32_t right)
{
	bool is_true = false;

	switch (BPF_OP(at->code)) {
	case BPF_JA:
		return at->k;
	case BPF_JEQ:
		is_true = left == right;
		break;
	case BPF_JGT:
		is_true = left > right;
		break;
	case BPF_JGE:
		is_true = left >= right;
		break;
	case BPF_JSET:
		is_true = left & right;
		break;
	}
	return is_true ? at->jt : at->jf;
}

static void move(struct registers *registers, const struct sock_filter *at)
{
	if (BPF_MISCOP(at->code) == BPF_TAX)
		registers->x = registers->a;
	else
		registers->a = registers->x;
}

uint32_t cryo_seccomp_run(
	const struct sock_filter *filter, size_t count, const struct seccomp_data *data)
{
	struct registers registers = {0};

	for (size_t i = 0; i < count; i++) {
		const struct sock_filter *at = &filter[i];
		uint32_t operand = BPF_SRC(at->code) == BPF_X ? registers.x : at->k;

		switch (BPF_CLASS(at->code)) {
		case BPF_LD:
			registers.a = load(&registers, at, data);
			break;
		case BPF_LDX:
			registers.x = load(&registers, at, data);
			break;
		case BPF_ST:
		case BPF_STX:
			store(&registers, at);
			break;
		case BPF_ALU:
			registers.a = compute(at->code, registers.a, operand);
			break;
		case BPF_JMP:
			i += skipped(at, registers.a, operand);
			break;
		case BPF_RET:
			return BPF_RVAL(at->code) == BPF_A ? registers.a : at->k;
		case BPF_MISC:
			move(&registers, at);
			break;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* Instructions of the filter that was added as the @index-th before the last; negative if there is
 * none or it may not be read. */
static long get_filter(pid_t tid, unsigned long index, struct sock_filter *filter)
{
	return ptrace((enum __ptrace_request)PTRACE_SECCOMP_GET_FILTER, tid, (void *)index, filter);
}

static bool lets_pass(uint32_t answer)
{
	uint32_t action = answer & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

bool cryo_seccomp_refuses(pid_t tid, const struct seccomp_data *data)
{
	for (unsigned long index = 0; index < MAX_FILTERS; index++) {
		_cleanup_buffer_ struct cryo_buffer filter = {0};
		long count = get_filter(tid, index, NULL);

		if (count <= 0 ||
			cryo_buffer_reserve(&filter, (size_t)count * sizeof(struct sock_filter)) <
				0 ||
			get_filter(tid, index, (struct sock_filter *)filter.data) != count)
			return false;
		if (!lets_pass(cryo_seccomp_run(
			    (const struct sock_filter *)filter.data, (size_t)count, data)))
			return true;
	}
	return false;
}
