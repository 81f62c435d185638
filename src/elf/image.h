// SPDX-License-Identifier: MIT
/*
 * The headers of an ELF program or library, read through a view: the same code for a file (where
 * an address is an offset) and for the mapped image in a target's memory.
 */
#pragma once

#include <stdbool.h>

#include "elf/header.h"
#include "elf/view.h"
#include "model/build_id.h"

enum {
	CRYO_IMAGE_PHDRS = 128,   /* program headers looked at */
	CRYO_IMAGE_HEADER = 4096, /* where ELF header and program headers must lie */
};

/**
 * struct cryo_image - what the headers say.
 * @machine, @elf_class, @type: e_machine, EI_CLASS, e_type (ET_EXEC or ET_DYN)
 * @shoff: e_shoff
 * @link_start, @link_end: lowest p_vaddr and highest p_vaddr + p_memsz of the PT_LOADs
 * @link_base: the address, as linked, of file offset 0
 */
struct cryo_image {
	uint16_t machine;
	uint16_t type;
	uint8_t elf_class;
	uint64_t shoff;
	uint64_t link_start, link_end, link_base;
	struct cryo_phdr phdrs[CRYO_IMAGE_PHDRS];
	size_t n_phdrs;
};

/**
 * cryo_image_read - ELF header and program headers.
 * @address: where the ELF header stands
 *
 * Returns 0; -ENOEXEC (not a little-endian ELF program or library whose headers lie in its first
 * page and that has a PT_LOAD); -EFAULT (its headers are not all there).
 */
int cryo_image_read(struct cryo_view *view, uint64_t address, struct cryo_image *ret_image);

/* The first program header of a type (PT_*), or NULL. */
const struct cryo_phdr *cryo_image_phdr(const struct cryo_image *image, uint32_t type);

/**
 * cryo_image_build_id - find the build-id.
 * @bias: added to p_vaddr to have an address of the view
 * @by_offset: the view is a file: use p_offset instead
 */
void cryo_image_build_id(const struct cryo_image *image, struct cryo_view *view, uint64_t bias,
	bool by_offset, struct cryo_build_id *ret_id);
