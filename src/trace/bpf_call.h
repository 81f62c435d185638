// SPDX-License-Identifier: MIT
/*
 * bpf(2), as far as it is needed here. A library for that takes longer to be loaded than the
 * programs.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Types of struct cryo_bpf_code.functions: int main(void *), the program, and long callback(long,
 * void *), each function that is called back. */
enum {
	CRYO_BPF_TYPE_MAIN = 5,
	CRYO_BPF_TYPE_CALLBACK = 7
};

/**
 * struct cryo_bpf_code - a program.
 * @type: BPF_PROG_TYPE_TRACING: an iterator; BPF_PROG_TYPE_SYSCALL: run by cryo_bpf_run()
 * @name: of at most 15 characters
 * @attach: BTF id of the function that an iterator is for
 * @functions: where each of @n_functions begins, if there is more than one
 */
struct cryo_bpf_code {
	enum bpf_prog_type type;
	const char *name;
	const struct bpf_insn *instructions;
	size_t count;
	uint32_t attach;
	const struct bpf_func_info *functions;
	size_t n_functions;
};

/* Descriptor of the loaded program, or -errno. */
int cryo_bpf_load(const struct cryo_bpf_code *code);

/* Descriptor to read what an iterator writes of a process, of one thread of it if @tid is not 0, or
 * of all where the kernel cannot choose (before Linux 6.1); -errno. */
int cryo_bpf_iterate(int program, pid_t pid, pid_t tid);

/* Descriptor of an array of one element that can be mapped, or -errno. */
int cryo_bpf_map(const char *name, uint32_t size);

/* Run a program with a context. 0 or -errno. */
int cryo_bpf_run(int program, const void *context, size_t size);
