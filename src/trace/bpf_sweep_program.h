// SPDX-License-Identifier: MIT
/*
 * The BPF program that tells which numbers belong to tasks of our pid namespace: pure.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* PID_MAX_LIMIT, include/linux/threads.h: no number is as high as that. */
	CRYO_BPF_PID_LIMIT = 1 << 22,
	CRYO_BPF_SWEEP_STEP = 4096,
	CRYO_BPF_SWEEP_SLOTS = 64, /* of a node of the kernel's table (XA_CHUNK_SIZE) */
	CRYO_BPF_SWEEP_FUNCTIONS = 4,
	CRYO_BPF_SWEEP_ROOM = 512 /* more instructions than the program has */
};

/* What the program is given: the first number, a multiple of a step, and how many steps. */
struct cryo_bpf_sweep_context {
	uint64_t first, steps;
};

/**
 * struct cryo_bpf_sweep_layout - what the program has to know of the running kernel.
 * @find, @release: BTF ids of bpf_task_from_vpid() and bpf_task_release()
 * @lock, @unlock: of bpf_rcu_read_lock() and its end
 * @has_table: whether all that follows, and @lock, are known: then only what has a node
 *	in the table of numbers (idr of struct pid_namespace) is asked for, else each number
 * @thread_pid: offset in struct task_struct
 * @level, @namespaces, @number_size: in struct pid: its depth, where the outermost namespace stands
 *	in it, and from there to the next
 * @root: in struct pid_namespace: the entry that leads to the uppermost node of the table
 * @shift, @slots: in struct xa_node; a byte, and CRYO_BPF_SWEEP_SLOTS entries
 */
struct cryo_bpf_sweep_layout {
	int find, release, lock, unlock;
	_Bool has_table;
	uint32_t thread_pid, level, namespaces, number_size, root, shift, slots;
};

/**
 * struct cryo_bpf_sweep_program - its instructions.
 * @functions: where each function begins; the first is the program, each other one is called back
 *	by the one before it
 */
struct cryo_bpf_sweep_program {
	struct bpf_insn instructions[CRYO_BPF_SWEEP_ROOM];
	size_t count, functions[CRYO_BPF_SWEEP_FUNCTIONS], n_functions;
};

/* @map: descriptor of an array with one value, a byte for each number. */
void cryo_bpf_sweep_program_make(const struct cryo_bpf_sweep_layout *layout, int map,
	struct cryo_bpf_sweep_program *ret_program);
