// SPDX-License-Identifier: MIT
/*
 * The running kernel's structures, from its BTF (Documentation/bpf/btf.rst).
 */
#pragma once

#include <stdbool.h>

#include "trace/bpf_program.h"

enum {
	CRYO_BPF_FIELDS = 24
};

/**
 * struct cryo_bpf_kernel - what the program and its loader need to know.
 * @attach: BTF id of the function that the iterator over tasks stands for
 * @has_extra, @has_times, @has_generation: all of these are among the fields
 */
struct cryo_bpf_kernel {
	struct cryo_bpf_layout layout;
	struct cryo_bpf_field fields[CRYO_BPF_FIELDS];
	size_t n_fields;
	uint32_t attach;
	bool has_extra, has_times, has_generation;
};

/* 0; -EOPNOTSUPP if there is no BTF or something is not in it; -ENOMEM. */
int cryo_bpf_kernel_read(struct cryo_bpf_kernel *ret_kernel);
