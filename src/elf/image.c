// SPDX-License-Identifier: MIT
/*
 * An ELF image describes itself: its first page, which the kernel maps and (by default) dumps, has
 * the program headers, and these say where everything lies that an unwinder needs. No section is
 * needed, and no name. (elf(5))
 */
#include "elf/image.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

static void widen32(const Elf32_Phdr *in, struct cryo_phdr *out)
{
	*out = (struct cryo_phdr){
		.type = le32toh(in->p_type),
		.flags = le32toh(in->p_flags),
		.offset = le32toh(in->p_offset),
		.vaddr = le32toh(in->p_vaddr),
		.memsz = le32toh(in->p_memsz),
		.filesz = le32toh(in->p_filesz),
		.align = le32toh(in->p_align),
	};
}

static void widen64(const Elf64_Phdr *in, struct cryo_phdr *out)
{
	*out = (struct cryo_phdr){
		.type = le32toh(in->p_type),
		.flags = le32toh(in->p_flags),
		.offset = le64toh(in->p_offset),
		.vaddr = le64toh(in->p_vaddr),
		.memsz = le64toh(in->p_memsz),
		.filesz = le64toh(in->p_filesz),
		.align = le64toh(in->p_align),
	};
}

/* Where the program headers are: offset, size of one, count. */
struct phdr_table {
	uint64_t offset;
	size_t entry, count;
};

static int read_header(struct cryo_view *view, uint64_t address, struct cryo_image *image,
	struct phdr_table *table)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} header = {0};
	int r = cryo_view_read(view, address, header.ident, sizeof(header.e32));

	if (r < 0)
		return r;
	if (memcmp(header.ident, ELFMAG, SELFMAG) != 0 || header.ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	image->elf_class = header.ident[EI_CLASS];
	image->type = le16toh(header.e32.e_type);
	image->machine = le16toh(header.e32.e_machine);
	if (image->elf_class == ELFCLASS32) {
		image->shoff = le32toh(header.e32.e_shoff);
		*table = (struct phdr_table){le32toh(header.e32.e_phoff), sizeof(Elf32_Phdr),
			le16toh(header.e32.e_phnum)};
		return le16toh(header.e32.e_phentsize) == sizeof(Elf32_Phdr) ? 0 : -ENOEXEC;
	}
	r = cryo_view_read(view, address, &header.e64, sizeof(header.e64));
	if (r < 0 || image->elf_class != ELFCLASS64)
		return r < 0 ? r : -ENOEXEC;
	image->shoff = le64toh(header.e64.e_shoff);
	*table = (struct phdr_table){
		le64toh(header.e64.e_phoff), sizeof(Elf64_Phdr), le16toh(header.e64.e_phnum)};
	return le16toh(header.e64.e_phentsize) == sizeof(Elf64_Phdr) ? 0 : -ENOEXEC;
}

static int read_phdrs(struct cryo_view *view, uint64_t address, const struct phdr_table *table,
	struct cryo_image *image)
{
	union {
		Elf32_Phdr e32;
		Elf64_Phdr e64;
	} raw;

	if (table->count > CRYO_IMAGE_PHDRS || table->offset > CRYO_IMAGE_HEADER)
		return -ENOEXEC;
	for (size_t i = 0; i < table->count; i++) {
		uint64_t at = address + table->offset + i * table->entry;
		int r = cryo_view_read(view, at, &raw, table->entry);

		if (r < 0)
			return r;
		if (image->elf_class == ELFCLASS32)
			widen32(&raw.e32, &image->phdrs[i]);
		else
			widen64(&raw.e64, &image->phdrs[i]);
	}
	image->n_phdrs = table->count;
	return 0;
}

static int find_extent(struct cryo_image *image)
{
	const struct cryo_phdr *first = NULL;

	image->link_start = UINT64_MAX;
	for (size_t i = 0; i < image->n_phdrs; i++) {
		const struct cryo_phdr *phdr = &image->phdrs[i];
		uint64_t end;

		if (phdr->type != PT_LOAD)
			continue;
		if (__builtin_add_overflow(phdr->vaddr, phdr->memsz, &end))
			return -ENOEXEC;
		if (!first || phdr->offset < first->offset)
			first = phdr;
		if (phdr->vaddr < image->link_start)
			image->link_start = phdr->vaddr;
		if (end > image->link_end)
			image->link_end = end;
	}
	if (!first)
		return -ENOEXEC;
	image->link_base = first->vaddr - first->offset;
	return 0;
}

int cryo_image_read(struct cryo_view *view, uint64_t address, struct cryo_image *ret_image)
{
	struct cryo_image image = {0};
	struct phdr_table table = {0};
	int r = read_header(view, address, &image, &table);

	if (r < 0)
		return r;
	if (image.type != ET_EXEC && image.type != ET_DYN)
		return -ENOEXEC;
	r = read_phdrs(view, address, &table, &image);
	if (r == 0)
		r = find_extent(&image);
	if (r == 0)
		*ret_image = image;
	return r;
}

const struct cryo_phdr *cryo_image_phdr(const struct cryo_image *image, uint32_t type)
{
	for (size_t i = 0; i < image->n_phdrs; i++)
		if (image->phdrs[i].type == type)
			return &image->phdrs[i];
	return NULL;
}

/* Notes are padded to 4 bytes, or to 8 in a segment whose p_align is 8 (GNU property notes). */
static uint64_t pad(uint64_t size, uint64_t align)
{
	return (size + align - 1) & ~(align - 1);
}

/* One PT_NOTE. Whether it had a build-id. */
static bool scan_notes(struct cryo_view *view, uint64_t at, uint64_t size, uint64_t align,
	struct cryo_build_id *ret_id)
{
	struct {
		Elf64_Nhdr header; /* the same for both classes */
		char owner[4];
	} note;

	for (uint64_t end = at + size; at < end && end - at >= sizeof(note);) {
		uint64_t desc, desc_size;

		if (cryo_view_read(view, at, &note, sizeof(note)) < 0)
			return false;
		desc_size = le32toh(note.header.n_descsz);
		desc = at + pad(sizeof(note.header) + le32toh(note.header.n_namesz), align);
		if (le32toh(note.header.n_type) == NT_GNU_BUILD_ID &&
			le32toh(note.header.n_namesz) == 4 && memcmp(note.owner, "GNU", 4) == 0 &&
			desc_size > 0 && desc_size <= CRYO_BUILD_ID_MAX) {
			ret_id->size = desc_size;
			return cryo_view_read(view, desc, ret_id->data, desc_size) == 0;
		}
		if (desc < at)
			return false;
		at = desc + pad(desc_size, align);
	}
	return false;
}

void cryo_image_build_id(const struct cryo_image *image, struct cryo_view *view, uint64_t bias,
	bool by_offset, struct cryo_build_id *ret_id)
{
	for (size_t i = 0; i < image->n_phdrs; i++) {
		const struct cryo_phdr *phdr = &image->phdrs[i];
		uint64_t at = by_offset ? phdr->offset : bias + phdr->vaddr;

		if (phdr->type != PT_NOTE || phdr->filesz > CRYO_IMAGE_HEADER)
			continue;
		if (scan_notes(view, at, phdr->filesz, phdr->align == 8 ? 8 : 4, ret_id))
			return;
	}
	*ret_id = (struct cryo_build_id){0};
}
