// SPDX-License-Identifier: MIT
/*
 * libelf knows the two forms of every header and both byte orders; what it must not do is write
 * the file (see the contract). So each header is filled in the form of this machine, translated by
 * elfNN_xlatetof() into a buffer, and written like any other bytes.
 *
 * With 65,535 program headers or more e_phnum is PN_XNUM, and section header 0, behind all data,
 * has the number (elf(5); fs/coredump.c fill_extnum_info()).
 */
#include "elf/header.h"

#include <errno.h>
#include <gelf.h>
#include <string.h>

static bool is_wide(const struct cryo_arch *arch)
{
	return arch->elf_class == ELFCLASS64;
}

uint64_t cryo_header_size(const struct cryo_arch *arch, size_t n_phdrs)
{
	if (is_wide(arch))
		return sizeof(Elf64_Ehdr) + (uint64_t)n_phdrs * sizeof(Elf64_Phdr);
	return sizeof(Elf32_Ehdr) + (uint64_t)n_phdrs * sizeof(Elf32_Phdr);
}

static uint16_t shdr_size(const struct cryo_arch *arch)
{
	return is_wide(arch) ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
}

uint64_t cryo_header_shdr_size(const struct cryo_arch *arch, size_t n_phdrs)
{
	return n_phdrs < PN_XNUM ? 0 : shdr_size(arch);
}

/* Translate one struct of this machine (of the core's class). */
static int translate(
	const struct cryo_arch *arch, void *result, Elf_Type type, void *structure, size_t size)
{
	Elf_Data from = {
		.d_buf = structure, .d_type = type, .d_version = EV_CURRENT, .d_size = size};
	Elf_Data to = from;

	to.d_buf = result;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOMEM;
	if (is_wide(arch))
		return elf64_xlatetof(&to, &from, arch->elf_data) ? 0 : -ENOMEM;
	return elf32_xlatetof(&to, &from, arch->elf_data) ? 0 : -ENOMEM;
}

static void fill_ident(const struct cryo_arch *arch, unsigned char *ident)
{
	memcpy(ident, ELFMAG, SELFMAG);
	ident[EI_CLASS] = arch->elf_class;
	ident[EI_DATA] = arch->elf_data;
	ident[EI_VERSION] = EV_CURRENT;
	ident[EI_OSABI] = ELFOSABI_NONE;
}

static Elf64_Ehdr wide_ehdr(const struct cryo_arch *arch, size_t n_phdrs, uint64_t data_end)
{
	bool many = n_phdrs >= PN_XNUM;
	Elf64_Ehdr ehdr = {
		.e_type = ET_CORE,
		.e_machine = arch->machine,
		.e_version = EV_CURRENT,
		.e_phoff = cryo_header_size(arch, 0),
		.e_shoff = many ? data_end : 0,
		.e_flags = arch->elf_flags,
		.e_ehsize = (uint16_t)cryo_header_size(arch, 0),
		.e_phentsize = is_wide(arch) ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr),
		.e_phnum = many ? PN_XNUM : (uint16_t)n_phdrs,
		.e_shentsize = many ? shdr_size(arch) : 0,
		.e_shnum = many ? 1 : 0,
	};

	fill_ident(arch, ehdr.e_ident);
	return ehdr;
}

static int put_ehdr(const struct cryo_arch *arch, size_t n_phdrs, uint64_t data_end, void *header)
{
	Elf64_Ehdr wide = wide_ehdr(arch, n_phdrs, data_end);
	Elf32_Ehdr narrow = {
		.e_type = wide.e_type,
		.e_machine = wide.e_machine,
		.e_version = wide.e_version,
		.e_phoff = (uint32_t)wide.e_phoff,
		.e_shoff = (uint32_t)wide.e_shoff,
		.e_flags = wide.e_flags,
		.e_ehsize = wide.e_ehsize,
		.e_phentsize = wide.e_phentsize,
		.e_phnum = wide.e_phnum,
		.e_shentsize = wide.e_shentsize,
		.e_shnum = wide.e_shnum,
	};

	if (is_wide(arch))
		return translate(arch, header, ELF_T_EHDR, &wide, sizeof(wide));
	if (wide.e_shoff > UINT32_MAX)
		return -EOVERFLOW;
	memcpy(narrow.e_ident, wide.e_ident, EI_NIDENT);
	return translate(arch, header, ELF_T_EHDR, &narrow, sizeof(narrow));
}

static int put_narrow_phdr(const struct cryo_arch *arch, const struct cryo_phdr *phdr, void *header)
{
	Elf32_Phdr narrow = {
		.p_type = phdr->type,
		.p_offset = (uint32_t)phdr->offset,
		.p_vaddr = (uint32_t)phdr->vaddr,
		.p_filesz = (uint32_t)phdr->filesz,
		.p_memsz = (uint32_t)phdr->memsz,
		.p_flags = phdr->flags,
		.p_align = (uint32_t)phdr->align,
	};

	if ((phdr->offset | phdr->vaddr | phdr->filesz | phdr->memsz | phdr->align) > UINT32_MAX)
		return -EOVERFLOW;
	return translate(arch, header, ELF_T_PHDR, &narrow, sizeof(narrow));
}

static int put_phdr(const struct cryo_arch *arch, const struct cryo_phdr *phdr, void *header)
{
	Elf64_Phdr wide = {
		.p_type = phdr->type,
		.p_flags = phdr->flags,
		.p_offset = phdr->offset,
		.p_vaddr = phdr->vaddr,
		.p_filesz = phdr->filesz,
		.p_memsz = phdr->memsz,
		.p_align = phdr->align,
	};

	if (!is_wide(arch))
		return put_narrow_phdr(arch, phdr, header);
	return translate(arch, header, ELF_T_PHDR, &wide, sizeof(wide));
}

int cryo_header_build(const struct cryo_arch *arch, const struct cryo_phdr *phdrs, size_t n_phdrs,
	uint64_t data_end, void *header)
{
	int r = put_ehdr(arch, n_phdrs, data_end, header);

	for (size_t i = 0; i < n_phdrs && r == 0; i++)
		r = put_phdr(arch, &phdrs[i], (char *)header + cryo_header_size(arch, i));
	return r;
}

int cryo_header_build_shdr(const struct cryo_arch *arch, size_t n_phdrs, struct cryo_buffer *shdr)
{
	Elf64_Shdr wide = {.sh_size = 1, .sh_info = (uint32_t)n_phdrs};
	Elf32_Shdr narrow = {.sh_size = 1, .sh_info = (uint32_t)n_phdrs};

	void *added;

	if (n_phdrs < PN_XNUM)
		return 0;
	added = cryo_buffer_add_zero(shdr, shdr_size(arch));
	if (!added)
		return -ENOMEM;
	if (is_wide(arch))
		return translate(arch, added, ELF_T_SHDR, &wide, sizeof(wide));
	return translate(arch, added, ELF_T_SHDR, &narrow, sizeof(narrow));
}
