// SPDX-License-Identifier: MIT
/*
 * Threads that run code of another size of word than their program has: on x86-64 a far jump leads
 * a 64-bit program into 32-bit code, and back ("Heaven's Gate"). PTRACE_GETREGSET then has the sets
 * of what the thread runs, while the kernel's core has for all threads those of the one that died.
 */
#pragma once

#include "arch/arch.h"
#include "base/buffer.h"

/* The row of the program that a thread runs, by its auxiliary vector; NULL if that does not tell.
 * @process_dir: /proc/PID, of our pid namespace */
const struct cryo_arch *cryo_foreign_program(int process_dir, pid_t tid);

/**
 * cryo_foreign_general - the general regset of a stopped tracee, in the form of its program.
 * @program: 64-bit for a thread in 32-bit code, or the other way round
 * @ret: room for @program->gpr_size bytes
 *
 * Of a 32-bit program these are the lower halves. Returns 0, or -errno; -EOPNOTSUPP where there is
 * no such thing.
 */
int cryo_foreign_general(pid_t tid, const struct cryo_arch *program, void *ret);

/* Its floating point registers for a 64-bit program (NT_PRFPREG), @size bytes. 0 or -errno. */
int cryo_foreign_floating(pid_t tid, void *ret, size_t size);
