// SPDX-License-Identifier: MIT
/*
 * The frame beyond what the reader checks: fields of the ELF header that have one right value in a
 * core (fs/binfmt_elf.c fill_elf_header(), elf_core_dump()), section headers where there are some
 * (gdb's cores; PN_XNUM), and the rules that segments follow.
 */
#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "base/io.h"
#include "elf/encode.h"
#include "verify/subject.h"

enum {
	PAGE = 4096,            /* the smallest of any architecture */
	MTE = 0x70000000 + 0x2, /* PT_AARCH64_MEMTAG_MTE */
};

#define SHDR_FIELD(N, member)                                                                      \
	{                                                                                          \
		offsetof(Elf##N##_Shdr, member), sizeof(((Elf##N##_Shdr *)NULL)->member)           \
	}

/* Section headers of both classes. */
static const struct section_layout {
	uint16_t size;
	struct cryo_field type, offset, bytes;
} sections32 = {sizeof(Elf32_Shdr), SHDR_FIELD(32, sh_type), SHDR_FIELD(32, sh_offset),
	SHDR_FIELD(32, sh_size)},
  sections64 = {sizeof(Elf64_Shdr), SHDR_FIELD(64, sh_type), SHDR_FIELD(64, sh_offset),
	  SHDR_FIELD(64, sh_size)};

static void check_header(struct cryo_subject *subject)
{
	const struct cryo_core_header *header = &subject->core->header;
	const struct cryo_arch *arch = subject->core->arch;
	uint64_t own_size =
		subject->core->elf_class == ELFCLASS64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);

	if (header->ident_version != EV_CURRENT || header->version != EV_CURRENT)
		cryo_verdict_add(subject->verdict, "header", "the ELF version is not 1");
	if (header->ident_zeros ||
		(header->ident_osabi != ELFOSABI_NONE && header->ident_osabi != ELFOSABI_LINUX))
		cryo_verdict_add(
			subject->verdict, "header", "the ELF identification is not Linux's");
	if (header->entry)
		cryo_verdict_add(subject->verdict, "header",
			"a core has no entry, this one says 0x%" PRIx64, header->entry);
	if (arch && arch->machine != EM_RISCV && header->flags != arch->elf_flags)
		cryo_verdict_add(subject->verdict, "header", "e_flags is 0x%x instead of 0x%x",
			header->flags, arch->elf_flags);
	if (header->phoff != own_size)
		cryo_verdict_add(subject->verdict, "header",
			"the program headers do not follow the ELF header");
}

static void extend(struct cryo_subject *subject, uint64_t offset, uint64_t size, const char *what)
{
	uint64_t end;

	if (__builtin_add_overflow(offset, size, &end) || end > subject->core->size)
		cryo_verdict_add(subject->verdict, "sections",
			"%s at %" PRIu64 " of %" PRIu64 " bytes lies outside the file", what,
			offset, size);
	else if (end > subject->end)
		subject->end = end;
}

static int check_section(
	struct cryo_subject *subject, const struct section_layout *layout, uint64_t offset)
{
	uint8_t raw[sizeof(Elf64_Shdr)], order = subject->core->elf_data;
	ssize_t n = cryo_io_pread(subject->core->fd, raw, layout->size, (off_t)offset);
	uint64_t type;

	if (n < 0)
		return (int)n;
	if (n != layout->size)
		return 0;
	type = cryo_decode(order, raw, layout->type);
	if (type != SHT_NULL && type != SHT_NOBITS)
		extend(subject, cryo_decode(order, raw, layout->offset),
			cryo_decode(order, raw, layout->bytes), "a section");
	return 0;
}

static int check_sections(struct cryo_subject *subject)
{
	const struct cryo_core_header *header = &subject->core->header;
	const struct section_layout *layout =
		subject->core->elf_class == ELFCLASS64 ? &sections64 : &sections32;
	uint64_t found = subject->verdict->n_findings;
	int r = 0;

	if (header->shoff == 0 && header->shnum == 0 && header->shstrndx == 0 &&
		(header->shentsize == 0 || header->shentsize == layout->size))
		return 0;
	if (header->shoff == 0 || header->shnum == 0 || header->shentsize != layout->size ||
		header->shstrndx >= header->shnum) {
		cryo_verdict_add(subject->verdict, "sections",
			"the ELF header contradicts itself about sections");
		return 0;
	}
	extend(subject, header->shoff, (uint64_t)header->shnum * layout->size,
		"the table of sections");
	if (subject->verdict->n_findings != found)
		return 0;
	for (uint16_t i = 1; i < header->shnum && r == 0; i++)
		r = check_section(subject, layout, header->shoff + (uint64_t)i * layout->size);
	return r;
}

static void check_segment(struct cryo_subject *subject, size_t i)
{
	const struct cryo_phdr *phdr = &subject->core->phdrs[i];
	uint64_t end;

	if (phdr->type != PT_LOAD && phdr->type != PT_NOTE && phdr->type != MTE)
		cryo_verdict_add(subject->verdict, "segment",
			"program header %zu has the type 0x%x, which is not that of a core", i,
			phdr->type);
	if (phdr->flags & ~(uint32_t)(PF_R | PF_W | PF_X))
		cryo_verdict_add(subject->verdict, "segment",
			"program header %zu has the unknown flags 0x%x", i, phdr->flags);
	if (phdr->type == PT_LOAD && (phdr->vaddr % PAGE || phdr->memsz % PAGE || !phdr->memsz))
		cryo_verdict_add(subject->verdict, "segment",
			"segment %zu at 0x%" PRIx64 " is not made of pages", i, phdr->vaddr);
	if (phdr->type == PT_NOTE && (phdr->vaddr || phdr->memsz || phdr->align > 8))
		cryo_verdict_add(subject->verdict, "segment",
			"program header %zu: notes have no address and no great alignment", i);
	if (phdr->filesz && !__builtin_add_overflow(phdr->offset, phdr->filesz, &end) &&
		end > subject->core->size)
		cryo_verdict_add(subject->verdict, "truncated",
			"program header %zu ends at %" PRIu64 " in the file, which has %" PRIu64
			" bytes",
			i, end, subject->core->size);
	else if (phdr->filesz && end > subject->end)
		subject->end = end;
}

static bool most(size_t part, size_t all)
{
	return part > 0 && all - part <= all / 4;
}

/* The rules of the kernel's layout, for one segment and the one before it. */
static bool follows(const struct cryo_phdr *last, const struct cryo_phdr *phdr)
{
	return last->offset + last->filesz == phdr->offset;
}

/* Nothing of a mapping, all of it, or the page with its ELF header (vma_dump_size()). */
static bool is_usual(const struct cryo_phdr *phdr)
{
	return phdr->filesz == 0 || phdr->filesz == phdr->memsz || phdr->filesz == phdr->align;
}

struct rule_counts {
	size_t loads, following, usual;
};

static struct rule_counts count_rules(const struct cryo_core *core)
{
	struct rule_counts counts = {0};
	const struct cryo_phdr *last = NULL;

	for (size_t i = 0; i < core->n_phdrs; i++) {
		const struct cryo_phdr *phdr = &core->phdrs[i];

		if (phdr->type != PT_LOAD)
			continue;
		counts.loads++;
		counts.following += !last || follows(last, phdr);
		counts.usual += is_usual(phdr);
		last = phdr;
	}
	return counts;
}

void cryo_check_rules(struct cryo_subject *subject)
{
	const struct cryo_core *core = subject->core;
	struct rule_counts counts = count_rules(core);
	bool following = !subject->is_snapshot && most(counts.following, counts.loads);
	bool usual = most(counts.usual, counts.loads);
	const struct cryo_phdr *last = NULL;

	for (size_t i = 0; i < core->n_phdrs; i++) {
		const struct cryo_phdr *phdr = &core->phdrs[i];

		if (phdr->type != PT_LOAD)
			continue;
		if (following && last && !follows(last, phdr))
			cryo_verdict_add(subject->verdict, "segment",
				"the data of segment %zu do not follow those of the one before", i);
		if (usual && !is_usual(phdr))
			cryo_verdict_add(subject->verdict, "segment",
				"segment %zu holds an unusual part of its mapping", i);
		if (last && last->align != phdr->align)
			cryo_verdict_add(subject->verdict, "segment",
				"segment %zu has another alignment than the one before", i);
		last = phdr;
	}
}

int cryo_check_layout(struct cryo_subject *subject)
{
	size_t n_notes = 0, n_loads = 0;

	check_header(subject);
	for (size_t i = 0; i < subject->core->n_phdrs; i++) {
		check_segment(subject, i);
		n_notes += subject->core->phdrs[i].type == PT_NOTE;
		n_loads += subject->core->phdrs[i].type == PT_LOAD;
	}
	if (n_notes > 1)
		cryo_verdict_add(
			subject->verdict, "segment", "there are %zu note segments", n_notes);
	if (n_loads == 0)
		cryo_verdict_add(subject->verdict, "segment", "there is no memory in it");
	return check_sections(subject);
}
