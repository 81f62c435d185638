// SPDX-License-Identifier: MIT
/*
 * Whether numbers belong to tasks, asked inside the kernel: a BPF program (BPF_PROG_TYPE_SYSCALL)
 * looks them up by bpf_task_from_vpid() (Linux 6.15).
 */
#pragma once

#include <sys/types.h>

#include "base/cleanup.h"
#include "trace/bpf_sweep_program.h"

/**
 * struct cryo_bpf_sweep - the program, loaded, and what it has found.
 * @program, @map: descriptors
 * @seen: a byte for each number: not 0 if a task has it in our pid namespace
 */
struct cryo_bpf_sweep {
	int program, map;
	const unsigned char *seen;
};

#define CRYO_BPF_SWEEP_NONE ((struct cryo_bpf_sweep){-1, -1, NULL})

/* Load the program: a few ms. 0; -EPERM, -EOPNOTSUPP or -ENOMEM as cryo_bpf_open() has them. */
int cryo_bpf_sweep_open(struct cryo_bpf_sweep *ret_sweep);
void cryo_bpf_sweep_close(struct cryo_bpf_sweep *sweep);

/* Ask for @count numbers from @first on, and a few more. Threads may do it at the same time. 0 or
 * -errno. */
int cryo_bpf_sweep_run(const struct cryo_bpf_sweep *sweep, pid_t first, pid_t count);

#define _cleanup_bpf_sweep_ _cleanup_(cryo_bpf_sweep_close)
