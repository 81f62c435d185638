// SPDX-License-Identifier: MIT
/*
 * The flags of all mappings of a process by a BPF iterator over them (Linux 5.12; of one process
 * 6.1), without the walk through all of its pages that smaps makes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct cryo_bpf_vma - one mapping.
 * @flags: vm_flags of the kernel (include/linux/mm.h)
 * @owner: 0 if it has never had a page of its own (vma->anon_vma, which decides for the kernel too)
 * @owner_at: where the kernel keeps @owner, as long as the mapping is not changed: for bpf_words.h
 */
struct cryo_bpf_vma {
	uint64_t start, end, flags, owner, owner_at;
};

/* Load the program. A descriptor, -EPERM, -ENOMEM or -EOPNOTSUPP, as cryo_bpf_open(). */
int cryo_bpf_vmas_open(void);

/**
 * cryo_bpf_vmas_read - the mappings of a process, by one of its threads, in address order.
 * @program: of cryo_bpf_vmas_open()
 * @ret_vmas: malloc'ed
 *
 * It waits for the lock of the address space. 0, -ESRCH, or -errno.
 */
int cryo_bpf_vmas_read(int program, pid_t tid, struct cryo_bpf_vma **ret_vmas, size_t *ret_count);
