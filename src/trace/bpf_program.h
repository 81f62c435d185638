// SPDX-License-Identifier: MIT
/*
 * The BPF program that writes a struct cryo_bpf_record for each task, for a kernel whose structures
 * are laid out as told: pure.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* More than any program of ours has. */
enum {
	CRYO_BPF_ROOM = 512
};

/**
 * struct cryo_bpf_layout - where things stand in the running kernel; byte offsets.
 * @thread_pid, @group_leader: in struct task_struct
 * @level, @number: in struct pid: its depth, and its number in the outermost namespace
 * @number_size: from the number in one namespace to that in the next (struct upid)
 * @mm: in struct task_struct; @sequence: in struct mm_struct, four bytes; 0 if it is not to be had
 * @registers: bytes of struct pt_regs that are wanted
 */
struct cryo_bpf_layout {
	uint32_t thread_pid, group_leader;
	uint32_t level, number, number_size;
	uint32_t mm, sequence;
	uint32_t registers;
};

/**
 * struct cryo_bpf_field - a piece of struct task_struct that is copied into the record.
 * @from: its offset there
 * @to: offset in struct cryo_bpf_record
 * @size: bytes
 * @late: copied after the registers
 */
struct cryo_bpf_field {
	uint32_t from;
	uint16_t to, size;
	_Bool late;
};

/**
 * cryo_bpf_program_make - write the program.
 * @instructions: room for CRYO_BPF_ROOM
 *
 * Returns how many instructions it has, 0 if they are more than the room.
 */
size_t cryo_bpf_program_make(const struct cryo_bpf_layout *layout,
	const struct cryo_bpf_field *fields, size_t n_fields, struct bpf_insn *instructions);
