// SPDX-License-Identifier: MIT
/*
 * General registers of threads that are not stopped, by a BPF iterator over tasks
 * (Documentation/bpf/bpf_iterators.rst) that calls bpf_task_pt_regs() (Linux 5.15).
 *
 * What a thread had in its registers when it entered the kernel lies on its kernel stack for as
 * long as it is there: asleep in whatever state, waiting for a processor, frozen, or in a stop of
 * another tracer. Nothing is done to the thread, and it cannot notice. In a system call the
 * register of the result (rax) holds what the kernel has put there beforehand: -ENOSYS on x86.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "arch/arch.h"
#include "base/cleanup.h"

/* Most bytes of a general regset that can be had this way: that of aarch64. */
enum {
	CRYO_BPF_GENERAL = 34 * 8
};

/**
 * struct cryo_bpf_thread - one thread.
 * @tid: in our pid namespace
 * @steady: it was on no processor while it was read; else @general may be of an earlier time, or
 *	of several
 * @unknown: bit N: the N-th register (of gpr_word bytes) is not known and 0
 * @general: the regset that PTRACE_GETREGSET NT_PRSTATUS would give, gpr_size bytes
 */
struct cryo_bpf_thread {
	pid_t tid;
	bool steady;
	uint64_t unknown;
	uint8_t general[CRYO_BPF_GENERAL];
};

/**
 * struct cryo_bpf_times - what /proc/PID/task/TID/stat and status would tell of a thread, at a
 * tenth of the time that they take.
 * @pending, @blocked: signals, bit N-1 for signal N
 * @user_ns, @system_ns: processor time
 */
struct cryo_bpf_times {
	pid_t tid;
	uint64_t pending, blocked;
	uint64_t user_ns, system_ns;
};

/**
 * struct cryo_bpf_generation - the state of the mappings of a process.
 * @mm: which struct mm_struct
 * @executed: programs that it has executed
 * @sequence: changes whenever the mmap_lock has been held for writing, without which no mapping and
 *	none of its flags can change (mm_lock_seq, Linux 6.4)
 *
 * Two that are alike in everything: between them, the mappings have not changed.
 */
struct cryo_bpf_generation {
	uint64_t mm, executed;
	uint32_t sequence;
};

/**
 * struct cryo_bpf - the program, loaded; good for any number of processes.
 * @program: descriptor
 * @has_extra: registers that stand in task->thread are read too (x86: fs_base, gs_base, ds, es,
 *	fs, gs)
 * @has_times, @has_generation: cryo_bpf_read_times(), cryo_bpf_read_generation() work here
 */
struct cryo_bpf {
	int program;
	bool has_extra, has_times, has_generation;
};

#define CRYO_BPF_NONE ((struct cryo_bpf){.program = -1})

/**
 * cryo_bpf_open - load the program: some 50 ms, since the kernel's type information is parsed.
 *
 * Returns 0; -EPERM without CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN), or where lockdown or a
 * security module forbids it; -EOPNOTSUPP where the kernel, its BTF, or this build lacks what is
 * needed; -ELIBACC: libbpf cannot be loaded; -ENOMEM.
 */
int cryo_bpf_open(struct cryo_bpf *ret_bpf);
void cryo_bpf_close(struct cryo_bpf *bpf);

/**
 * cryo_bpf_read - the registers of all threads of a process.
 * @pid: in our pid namespace
 * @arch: the layout to give them in: a row of this machine
 * @ret_threads: malloc'ed, in no order; threads that are exiting may be among them
 *
 * A thread that is on a processor is asked again from that same processor, which takes it off for
 * as long as the question lasts; the affinity of the calling thread is changed and put back.
 * Returns 0, -ESRCH (no such process), -EOPNOTSUPP (@arch does not run here) or -errno.
 */
int cryo_bpf_read(const struct cryo_bpf *bpf, pid_t pid, const struct cryo_arch *arch,
	struct cryo_bpf_thread **ret_threads, size_t *ret_count);

/**
 * cryo_bpf_read_times - all threads of a process.
 * @ret_times: malloc'ed, by tid
 *
 * Returns 0, -ESRCH, -EOPNOTSUPP or -errno.
 */
int cryo_bpf_read_times(const struct cryo_bpf *bpf, pid_t pid, struct cryo_bpf_times **ret_times,
	size_t *ret_count);

/* Of a process, by one of its threads. 0, -ESRCH, -EOPNOTSUPP or -errno. */
int cryo_bpf_read_generation(const struct cryo_bpf *bpf, pid_t pid, pid_t tid,
	struct cryo_bpf_generation *ret_generation);

#define _cleanup_bpf_ _cleanup_(cryo_bpf_close)
