// SPDX-License-Identifier: MIT
/*
 * The program, as C:
 *
 *	level = current->thread_pid->level;
 *	record.tid = task->thread_pid->numbers[level].nr;
 *	record.tgid = task->group_leader->thread_pid->numbers[level].nr;
 *	record.sequence = task->mm->mm_lock_seq;
 *	copy the early fields; bpf_task_pt_regs(task) into record.registers; copy the late fields
 *	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
 *
 * It is instructions and not C so that no compiler for BPF is needed to build, and no library to
 * relocate it. All reads go through bpf_probe_read_kernel(), which gives zeros for what cannot be
 * read, so that the verifier has nothing to say about pointers. Task ids are translated into the
 * reader's pid namespace because the kernel's own mean nothing inside a container.
 */
#include "trace/bpf_program.h"

#include <stdbool.h>

#include "trace/bpf_record.h"

/* The frame: the record, and below it a word to read pointers through. */
enum {
	RECORD = -(int)sizeof(struct cryo_bpf_record),
	SCRATCH = RECORD - 8
};

_Static_assert(sizeof(struct cryo_bpf_record) % 8 == 0, "it is zeroed by words");
_Static_assert(-SCRATCH <= 512, "MAX_BPF_STACK");

enum {
	CONTEXT = BPF_REG_6,
	TASK = BPF_REG_7,
	POINTER = BPF_REG_8,
	NUMBER = BPF_REG_9
};

struct writer {
	struct bpf_insn *to;
	size_t count;
};

static void emit(struct writer *writer, struct bpf_insn instruction)
{
	if (writer->count < CRYO_BPF_ROOM)
		writer->to[writer->count] = instruction;
	writer->count++;
}

static void emit_move(struct writer *writer, uint8_t to, uint8_t from)
{
	emit(writer, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X,
			     .dst_reg = to & 15,
			     .src_reg = from & 15});
}

static void emit_constant(struct writer *writer, uint8_t operation, uint8_t to, int32_t value)
{
	emit(writer,
		(struct bpf_insn){
			.code = BPF_ALU64 | operation | BPF_K, .dst_reg = to & 15, .imm = value});
}

/* to = *(from + offset) */
static void emit_load(struct writer *writer, uint8_t size, uint8_t to, uint8_t from, int16_t offset)
{
	emit(writer, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | size,
			     .dst_reg = to & 15,
			     .src_reg = from & 15,
			     .off = offset});
}

static void emit_call(struct writer *writer, int32_t helper)
{
	emit(writer, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = helper});
}

/* bpf_probe_read_kernel(frame + to, size, from + offset) */
static void emit_read(
	struct writer *writer, int32_t to, uint32_t size, uint8_t from, uint32_t offset)
{
	emit_move(writer, BPF_REG_3, from);
	emit_constant(writer, BPF_ADD, BPF_REG_3, (int32_t)offset);
	emit_move(writer, BPF_REG_1, BPF_REG_10);
	emit_constant(writer, BPF_ADD, BPF_REG_1, to);
	emit_constant(writer, BPF_MOV, BPF_REG_2, (int32_t)size);
	emit_call(writer, BPF_FUNC_probe_read_kernel);
}

/* POINTER = *(from + offset) */
static void emit_follow(struct writer *writer, uint8_t from, uint32_t offset)
{
	emit_read(writer, SCRATCH, 8, from, offset);
	emit_load(writer, BPF_DW, POINTER, BPF_REG_10, SCRATCH);
}

static void emit_zero_record(struct writer *writer)
{
	for (int offset = RECORD; offset < 0; offset += 8)
		emit(writer, (struct bpf_insn){.code = BPF_ST | BPF_MEM | BPF_DW,
				     .dst_reg = BPF_REG_10,
				     .off = (int16_t)offset});
}

/* NUMBER = offset in struct pid of the number in our namespace */
static void emit_find_level(struct writer *writer, const struct cryo_bpf_layout *layout)
{
	emit_call(writer, BPF_FUNC_get_current_task);
	emit_move(writer, POINTER, BPF_REG_0);
	emit_follow(writer, POINTER, layout->thread_pid);
	emit_read(writer, SCRATCH, 4, POINTER, layout->level);
	emit_load(writer, BPF_W, NUMBER, BPF_REG_10, SCRATCH);
	emit_constant(writer, BPF_MUL, NUMBER, (int32_t)layout->number_size);
	emit_constant(writer, BPF_ADD, NUMBER, (int32_t)layout->number);
}

/* frame + to = the number of the task at `task` */
static void emit_number(
	struct writer *writer, const struct cryo_bpf_layout *layout, uint8_t task, int32_t to)
{
	emit_follow(writer, task, layout->thread_pid);
	emit(writer, (struct bpf_insn){.code = BPF_ALU64 | BPF_ADD | BPF_X,
			     .dst_reg = POINTER,
			     .src_reg = NUMBER});
	emit_read(writer, to, 4, POINTER, 0);
}

static void emit_fields(
	struct writer *writer, const struct cryo_bpf_field *fields, size_t count, bool late)
{
	for (size_t i = 0; i < count; i++)
		if (fields[i].late == late)
			emit_read(writer, RECORD + fields[i].to, fields[i].size, TASK,
				fields[i].from);
}

static void emit_sequence(struct writer *writer, const struct cryo_bpf_layout *layout)
{
	if (!layout->sequence)
		return;
	emit_follow(writer, TASK, layout->mm);
	emit_read(writer, RECORD + (int)offsetof(struct cryo_bpf_record, sequence), 4, POINTER,
		layout->sequence);
}

static void emit_registers(struct writer *writer, uint32_t size)
{
	emit_move(writer, BPF_REG_1, TASK);
	emit_call(writer, BPF_FUNC_task_pt_regs);
	emit_read(writer, RECORD + (int)offsetof(struct cryo_bpf_record, registers), size,
		BPF_REG_0, 0);
	emit(writer, (struct bpf_insn){.code = BPF_STX | BPF_MEM | BPF_W,
			     .dst_reg = BPF_REG_10,
			     .src_reg = BPF_REG_0,
			     .off = RECORD + (int)offsetof(struct cryo_bpf_record, failed)});
}

static void emit_output(struct writer *writer)
{
	emit_load(writer, BPF_DW, BPF_REG_1, CONTEXT, 0); /* struct bpf_iter_meta */
	emit_load(writer, BPF_DW, BPF_REG_1, BPF_REG_1, 0);
	emit_move(writer, BPF_REG_2, BPF_REG_10);
	emit_constant(writer, BPF_ADD, BPF_REG_2, RECORD);
	emit_constant(writer, BPF_MOV, BPF_REG_3, sizeof(struct cryo_bpf_record));
	emit_call(writer, BPF_FUNC_seq_write);
}

static void emit_body(struct writer *writer, const struct cryo_bpf_layout *layout,
	const struct cryo_bpf_field *fields, size_t n_fields)
{
	emit_zero_record(writer);
	emit_find_level(writer, layout);
	emit_number(writer, layout, TASK, RECORD + (int)offsetof(struct cryo_bpf_record, tid));
	emit_follow(writer, TASK, layout->group_leader);
	emit_number(writer, layout, POINTER, RECORD + (int)offsetof(struct cryo_bpf_record, tgid));
	emit_sequence(writer, layout);
	emit_fields(writer, fields, n_fields, false);
	emit_registers(writer, layout->registers);
	emit_fields(writer, fields, n_fields, true);
	emit_output(writer);
}

/* The iterator calls with a task that is NULL once, at the end. */
size_t cryo_bpf_program_make(const struct cryo_bpf_layout *layout,
	const struct cryo_bpf_field *fields, size_t n_fields, struct bpf_insn *instructions)
{
	struct writer writer = {instructions, 0};
	size_t branch;

	emit_move(&writer, CONTEXT, BPF_REG_1);
	emit_load(&writer, BPF_DW, TASK, CONTEXT, 8); /* struct bpf_iter__task */
	branch = writer.count;
	emit(&writer, (struct bpf_insn){.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = TASK});
	emit_body(&writer, layout, fields, n_fields);
	instructions[branch].off = (int16_t)(writer.count - branch - 1);
	emit_constant(&writer, BPF_MOV, BPF_REG_0, 0);
	emit(&writer, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
	return writer.count <= CRYO_BPF_ROOM ? writer.count : 0;
}
