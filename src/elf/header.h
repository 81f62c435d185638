// SPDX-License-Identifier: MIT
/*
 * The frame of a core: ELF header, program headers, and section header 0 where the number of
 * program headers needs it (PN_XNUM). Encoded by libelf's elf32_xlatetof() and elf64_xlatetof();
 * nothing is ever written by libelf itself, since elf_update() cuts files that hold segments.
 */
#pragma once

#include "arch/arch.h"
#include "base/buffer.h"

/* A program header in its widest form; its bytes in the file stand at @offset. */
struct cryo_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, memsz, filesz, align;
};

/**
 * cryo_header_size - bytes of the ELF header and program headers of a core.
 * @n_phdrs: PT_NOTE counted
 */
uint64_t cryo_header_size(const struct cryo_arch *arch, size_t n_phdrs);

/* Bytes of the section header table behind the data: 0 if @n_phdrs < PN_XNUM. */
uint64_t cryo_header_shdr_size(const struct cryo_arch *arch, size_t n_phdrs);

/**
 * cryo_header_build - ELF header and program headers.
 * @data_end: end of the last segment's bytes, where section header 0 would stand
 * @header: cryo_header_size() bytes
 *
 * Returns 0, -ENOMEM, or -EOVERFLOW (a value does not fit a 32-bit core).
 */
int cryo_header_build(const struct cryo_arch *arch, const struct cryo_phdr *phdrs, size_t n_phdrs,
	uint64_t data_end, void *header);

/* Section header 0 with the real number of program headers. 0 or -ENOMEM. */
int cryo_header_build_shdr(const struct cryo_arch *arch, size_t n_phdrs, struct cryo_buffer *shdr);
