// SPDX-License-Identifier: MIT
/*
 * A process that never lived, for tests of what is built from one.
 */
#pragma once

#include <stdint.h>

#include "arch/arch.h"
#include "base/buffer.h"
#include "model/process.h"

/* Machines that have a row. */
struct synthetic_machine {
	uint16_t machine;
	uint8_t elf_class;
};
extern const struct synthetic_machine synthetic_machines[4];

const struct cryo_arch *synthetic_arch(size_t index);

/*
 * Two threads with general and floating point registers (byte i of the former is i + 1), three
 * mappings at 0x10000 (a file of 2 pages), 0x20000 (1 page of memory), 0xff000000 ([vdso], 1 page).
 * Freed by cryo_process_clear().
 */
struct cryo_process synthetic_process(const struct cryo_arch *arch);

/* Bytes that are not zero, at an offset of an expected structure. */
struct expected_bytes {
	size_t offset;
	size_t size;
	const char *bytes;
};

/* A structure of `size` bytes is what the pieces say, and zero everywhere else. */
void expect_structure(const char *what, const uint8_t *structure, size_t size,
	const struct expected_bytes *pieces, size_t n_pieces);

/* The desc of note number `index`; its header is checked to be that of owner "CORE" or "LINUX". */
const uint8_t *note_at(const struct cryo_buffer *notes, size_t index, uint32_t *ret_type,
	size_t *ret_size, const char **ret_owner);
