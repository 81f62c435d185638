// SPDX-License-Identifier: MIT
/*
 * Words of kernel memory whose addresses a BPF program has told, read all at once by another:
 * 60,000 of them in 3 ms. Whether there is still at an address what was there has to be proved
 * otherwise. What cannot be read is 0.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* An address, and what stood there when it was asked. */
struct cryo_bpf_word {
	uint64_t at, value;
};

/**
 * struct cryo_bpf_words - a question that can be put more than once.
 * @words: shared with the kernel
 */
struct cryo_bpf_words {
	int program, map;
	struct cryo_bpf_word *words;
	size_t count;
};

#define CRYO_BPF_WORDS_NONE ((struct cryo_bpf_words){.program = -1, .map = -1})

/* Get room for @count addresses (at least one), which are then to be written. 0, -EPERM, -ENOMEM,
 * or -EOPNOTSUPP. */
int cryo_bpf_words_open(size_t count, struct cryo_bpf_words *ret_words);
void cryo_bpf_words_close(struct cryo_bpf_words *words);

/* Read all of them. 0 or -errno. */
int cryo_bpf_words_read(const struct cryo_bpf_words *words);
