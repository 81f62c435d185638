// SPDX-License-Identifier: MIT
/*
 * The program is run here, by an interpreter of the few instructions that it has, over a kernel of
 * our own: a task_struct with offsets of our choice, in a pid namespace one level down.
 */
#include "trace/bpf_program.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "trace/bpf_record.h"

struct fake_pid {
	uint64_t other;
	uint32_t level;
	struct {
		uint32_t nr;
		uint64_t namespace;
	} numbers[3];
};

struct fake_task {
	uint8_t padding[4000];
	struct fake_pid *thread_pid;
	struct fake_task *group_leader;
	uint32_t on_cpu;
	uint16_t selector;
};

static const struct cryo_bpf_layout layout = {
	.thread_pid = offsetof(struct fake_task, thread_pid),
	.group_leader = offsetof(struct fake_task, group_leader),
	.level = offsetof(struct fake_pid, level),
	.number = offsetof(struct fake_pid, numbers[0].nr),
	.number_size = sizeof(((struct fake_pid *)NULL)->numbers[0]),
	.registers = 168,
};

static const struct cryo_bpf_field fields[] = {
	{offsetof(struct fake_task, on_cpu), offsetof(struct cryo_bpf_record, on_cpu[0]), 4, false},
	{offsetof(struct fake_task, selector), offsetof(struct cryo_bpf_record, extra[2]), 2,
		false},
	{offsetof(struct fake_task, on_cpu), offsetof(struct cryo_bpf_record, on_cpu[1]), 4, true},
};

/* The machine: registers, a frame of MAX_BPF_STACK bytes filled with rubbish, and what the helpers
 * answer. */
struct machine {
	uint64_t registers[11];
	uint64_t frame[512 / 8];
	struct fake_task *current;
	uint8_t pt_regs[168];
	bool no_stack;
	uint64_t written_to;
	struct cryo_bpf_record written;
	int n_written;
};

static bool in_frame(const struct machine *machine, uint64_t address, size_t size)
{
	uint64_t start = (uint64_t)(uintptr_t)machine->frame;

	return address >= start && size <= sizeof(machine->frame) &&
	       address - start <= sizeof(machine->frame) - size;
}

static uint64_t probe_read(struct machine *machine, uint64_t to, uint64_t size, uint64_t from)
{
	cr_assert(in_frame(machine, to, size), "a read leaves the frame");
	if (from < 4096 || (machine->no_stack && from == (uintptr_t)machine->pt_regs)) {
		memset((void *)(uintptr_t)to, 0, size);
		return (uint64_t)-EFAULT;
	}
	memcpy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size);
	return 0;
}

/* As a helper does, it leaves nothing in r1 to r5. */
static void call(struct machine *machine, int32_t helper)
{
	uint64_t *r = machine->registers;

	switch (helper) {
	case BPF_FUNC_get_current_task:
		r[0] = (uintptr_t)machine->current;
		break;
	case BPF_FUNC_probe_read_kernel:
		r[0] = probe_read(machine, r[1], r[2], r[3]);
		break;
	case BPF_FUNC_task_pt_regs:
		/* The registers change while they are read: the late fields must see it. */
		((struct fake_task *)(uintptr_t)r[1])->on_cpu++;
		r[0] = (uintptr_t)machine->pt_regs;
		break;
	case BPF_FUNC_seq_write:
		cr_assert(in_frame(machine, r[2], r[3]));
		cr_assert_eq(r[3], sizeof(machine->written));
		memcpy(&machine->written, (const void *)(uintptr_t)r[2], r[3]);
		machine->written_to = r[1];
		machine->n_written++;
		r[0] = 0;
		break;
	default:
		cr_assert_fail("helper %d", helper);
	}
	memset(r + 1, 0xcc, 5 * sizeof(*r));
}

static void load(struct machine *machine, const struct bpf_insn *insn, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)(uintptr_t)(machine->registers[insn->src_reg] + insn->off),
		size);
	machine->registers[insn->dst_reg] = value;
}

static void store(struct machine *machine, const struct bpf_insn *insn, uint64_t value, size_t size)
{
	uint64_t to = machine->registers[insn->dst_reg] + insn->off;

	cr_assert(in_frame(machine, to, size), "a store leaves the frame");
	memcpy((void *)(uintptr_t)to, &value, size);
}

/* One instruction; how many to jump over, or -1 at the end. */
static int step(struct machine *machine, const struct bpf_insn *insn)
{
	uint64_t *to = &machine->registers[insn->dst_reg];
	uint64_t from = machine->registers[insn->src_reg], constant = (uint64_t)(int64_t)insn->imm;

	switch (insn->code) {
	case BPF_ALU64 | BPF_MOV | BPF_X:
		*to = from;
		return 0;
	case BPF_ALU64 | BPF_MOV | BPF_K:
		*to = constant;
		return 0;
	case BPF_ALU64 | BPF_ADD | BPF_X:
		*to += from;
		return 0;
	case BPF_ALU64 | BPF_ADD | BPF_K:
		*to += constant;
		return 0;
	case BPF_ALU64 | BPF_MUL | BPF_K:
		*to *= constant;
		return 0;
	case BPF_LDX | BPF_MEM | BPF_DW:
		load(machine, insn, 8);
		return 0;
	case BPF_LDX | BPF_MEM | BPF_W:
		load(machine, insn, 4);
		return 0;
	case BPF_ST | BPF_MEM | BPF_DW:
		store(machine, insn, constant, 8);
		return 0;
	case BPF_STX | BPF_MEM | BPF_W:
		store(machine, insn, from, 4);
		return 0;
	case BPF_JMP | BPF_JEQ | BPF_K:
		return *to == constant ? insn->off : 0;
	case BPF_JMP | BPF_CALL:
		call(machine, insn->imm);
		return 0;
	case BPF_JMP | BPF_EXIT:
		return -1;
	default:
		cr_assert_fail("instruction %#x", insn->code);
	}
	return -1;
}

static void execute(struct machine *machine, struct fake_task *task)
{
	struct bpf_insn program[CRYO_BPF_ROOM];
	size_t count = cryo_bpf_program_make(&layout, fields, ARRAY_SIZE(fields), program);
	uint64_t seq = 0x5e95e9, meta[] = {seq}, context[] = {(uintptr_t)meta, (uintptr_t)task};
	int skip = 0;

	cr_assert_gt(count, 0);
	memset(machine->frame, 0xcc, sizeof(machine->frame));
	machine->registers[1] = (uintptr_t)context;
	machine->registers[10] = (uintptr_t)(machine->frame + ARRAY_SIZE(machine->frame));
	for (size_t i = 0; skip >= 0; i += (size_t)skip + 1) {
		cr_assert_lt(i, count, "it runs off its end");
		skip = step(machine, &program[i]);
	}
	cr_assert_eq(machine->registers[0], 0, "the iterator takes 0 for: go on");
	if (machine->n_written)
		cr_assert_eq(machine->written_to, seq);
}

static struct fake_pid reader_pid = {.level = 1, .numbers = {{900, 0}, {90, 0}}},
		       leader_pid = {.level = 2, .numbers = {{500, 0}, {50, 0}, {5, 0}}},
		       thread_pid = {.level = 2, .numbers = {{700, 0}, {70, 0}, {7, 0}}};
static struct fake_task reader = {.thread_pid = &reader_pid},
			leader = {.thread_pid = &leader_pid, .group_leader = &leader};

static struct machine machine_of(const char *filler)
{
	struct machine machine = {.current = &reader};

	memset(machine.pt_regs, *filler, sizeof(machine.pt_regs));
	return machine;
}

Test(bpf_program, writes_what_it_sees)
{
	struct machine machine = machine_of("x");
	struct fake_task task = {.thread_pid = &thread_pid,
		.group_leader = &leader,
		.on_cpu = 3,
		.selector = 0xabcd};

	execute(&machine, &task);
	cr_assert_eq(machine.n_written, 1);
	cr_assert_eq(machine.written.tid, 70, "the number in the reader's namespace");
	cr_assert_eq(machine.written.tgid, 50);
	cr_assert_eq(machine.written.failed, 0);
	cr_assert_eq(machine.written.extra[2], 0xabcd, "zeros above a small field");
	cr_assert_eq(machine.written.on_cpu[0], 3, "before the registers");
	cr_assert_eq(machine.written.on_cpu[1], 4, "behind them");
	cr_assert_arr_eq(machine.written.registers, machine.pt_regs, sizeof(machine.pt_regs));
	for (size_t i = sizeof(machine.pt_regs); i < CRYO_BPF_GENERAL; i++)
		cr_assert_eq(machine.written.registers[i], 0);
}

Test(bpf_program, does_nothing_at_the_end_of_the_list)
{
	struct machine machine = machine_of("x");

	execute(&machine, NULL);
	cr_assert_eq(machine.n_written, 0);
}

Test(bpf_program, says_that_the_stack_is_gone)
{
	struct machine machine = machine_of("x");
	struct fake_task task = {.thread_pid = &thread_pid, .group_leader = &leader};

	machine.no_stack = true;
	execute(&machine, &task);
	cr_assert_eq(machine.written.failed, (uint32_t)-EFAULT);
	cr_assert_eq(machine.written.tid, 70);
}

/* What has been unhashed has no thread_pid. */
Test(bpf_program, a_task_that_is_gone_has_no_number)
{
	struct machine machine = machine_of("x");
	struct fake_task task = {.group_leader = &leader};

	execute(&machine, &task);
	cr_assert_eq(machine.written.tid, 0);
	cr_assert_eq(machine.written.tgid, 50);
}

Test(bpf_program, too_many_fields_are_refused)
{
	static struct cryo_bpf_field many[CRYO_BPF_ROOM];
	struct bpf_insn program[CRYO_BPF_ROOM];

	cr_assert_eq(cryo_bpf_program_make(&layout, many, ARRAY_SIZE(many), program), 0);
}
