// SPDX-License-Identifier: MIT
/*
 * What the BPF program writes for each thread, and what is made of it: pure.
 */
#pragma once

#include "trace/bpf.h"

/* Registers of x86 that are not in struct pt_regs, in the order of user_regs_struct. */
enum cryo_bpf_extra {
	CRYO_BPF_FS_BASE,
	CRYO_BPF_GS_BASE,
	CRYO_BPF_DS,
	CRYO_BPF_ES,
	CRYO_BPF_FS,
	CRYO_BPF_GS,
	CRYO_BPF_N_EXTRA
};

/**
 * struct cryo_bpf_record - a thread, as the program saw it.
 * @tid, @tgid: in the pid namespace of the reader; 0: it has been unhashed, it is gone
 * @cpu: where it runs or ran last
 * @failed: not 0 if the registers could not be read
 * @on_cpu, @switches: whether it was on a processor, and how often it had been taken off one; each
 *	before and after the registers were read
 * @pending, @blocked: signals, of the thread
 * @user_ns, @system_ns: processor time
 * @mm, @executed, @sequence: see struct cryo_bpf_generation
 * @extra: of task->thread
 * @registers: the beginning of struct pt_regs
 */
struct cryo_bpf_record {
	uint32_t tid, tgid;
	uint32_t cpu;
	uint32_t failed;
	uint32_t on_cpu[2];
	uint64_t voluntary[2], involuntary[2];
	uint64_t pending, blocked, user_ns, system_ns;
	uint64_t mm, executed;
	uint32_t sequence, unused;
	uint64_t extra[CRYO_BPF_N_EXTRA];
	uint8_t registers[CRYO_BPF_GENERAL];
};

/* Whether a row's programs run on the kernel of a machine (EM_*) whose records can be read. */
bool cryo_bpf_record_suits(const struct cryo_arch *arch, uint16_t host_machine);

/* The general regset of i386 out of that of x86-64. */
void cryo_bpf_record_narrow(const uint64_t *words, uint8_t *general);

/**
 * cryo_bpf_record_decode - a regset of @arch out of a record of a kernel that it runs on.
 * @has_extra: @extra was filled
 */
void cryo_bpf_record_decode(const struct cryo_bpf_record *record, const struct cryo_arch *arch,
	bool has_extra, struct cryo_bpf_thread *ret_thread);
