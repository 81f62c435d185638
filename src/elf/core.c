// SPDX-License-Identifier: MIT
/*
 * Opening a core. libelf is not asked to open it: elf_begin() makes room for every section that the
 * header claims, and lowers the number of program headers of a truncated file without a word. What
 * is needed is three structs of elf.h; tables made from their two forms read them through one path
 * for both classes and both byte orders, after their place was compared with the size of the file.
 */
#include "elf/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "elf/core_check.h"
#include "elf/encode.h"

#define FIELD(type, member)                                                                        \
	{                                                                                          \
		offsetof(type, member), sizeof(((type *)NULL)->member)                             \
	}

#define LAYOUT(N)                                                                                  \
	{                                                                                          \
		.ehdr_size = sizeof(Elf##N##_Ehdr), .phdr_size = sizeof(Elf##N##_Phdr),            \
		.shdr_size = sizeof(Elf##N##_Shdr), .e_type = FIELD(Elf##N##_Ehdr, e_type),        \
		.e_machine = FIELD(Elf##N##_Ehdr, e_machine),                                      \
		.e_phoff = FIELD(Elf##N##_Ehdr, e_phoff),                                          \
		.e_shoff = FIELD(Elf##N##_Ehdr, e_shoff),                                          \
		.e_ehsize = FIELD(Elf##N##_Ehdr, e_ehsize),                                        \
		.e_phentsize = FIELD(Elf##N##_Ehdr, e_phentsize),                                  \
		.e_phnum = FIELD(Elf##N##_Ehdr, e_phnum),                                          \
		.e_version = FIELD(Elf##N##_Ehdr, e_version),                                      \
		.e_flags = FIELD(Elf##N##_Ehdr, e_flags),                                          \
		.e_entry = FIELD(Elf##N##_Ehdr, e_entry),                                          \
		.e_shentsize = FIELD(Elf##N##_Ehdr, e_shentsize),                                  \
		.e_shnum = FIELD(Elf##N##_Ehdr, e_shnum),                                          \
		.e_shstrndx = FIELD(Elf##N##_Ehdr, e_shstrndx),                                    \
		.p_type = FIELD(Elf##N##_Phdr, p_type), .p_flags = FIELD(Elf##N##_Phdr, p_flags),  \
		.p_offset = FIELD(Elf##N##_Phdr, p_offset),                                        \
		.p_vaddr = FIELD(Elf##N##_Phdr, p_vaddr),                                          \
		.p_filesz = FIELD(Elf##N##_Phdr, p_filesz),                                        \
		.p_memsz = FIELD(Elf##N##_Phdr, p_memsz),                                          \
		.p_align = FIELD(Elf##N##_Phdr, p_align),                                          \
		.sh_info = FIELD(Elf##N##_Shdr, sh_info),                                          \
	}

static const struct layout {
	uint16_t ehdr_size, phdr_size, shdr_size;
	struct cryo_field e_type, e_machine, e_phoff, e_shoff, e_ehsize, e_phentsize, e_phnum;
	struct cryo_field e_version, e_flags, e_entry, e_shentsize, e_shnum, e_shstrndx;
	struct cryo_field p_type, p_flags, p_offset, p_vaddr, p_filesz, p_memsz, p_align;
	struct cryo_field sh_info;
} layout32 = LAYOUT(32), layout64 = LAYOUT(64);

enum {
	PHDR_STEP = 1024, /* program headers read at once */
};

static const struct layout *layout_of(const struct cryo_core *core)
{
	return core->elf_class == ELFCLASS64 ? &layout64 : &layout32;
}

void cryo_core_close(struct cryo_core *core)
{
	cryo_cleanup_close(&core->fd);
	free(core->phdrs);
	free(core->by_address);
	*core = CRYO_CORE_NONE;
}

/* Exactly `size` bytes. 0, -ENODATA at the end of the file, or -errno. */
static int read_exactly(const struct cryo_core *core, void *data, size_t size, uint64_t offset)
{
	ssize_t n;

	if (offset > core->size || size > core->size - offset)
		return -ENODATA;
	n = cryo_io_pread(core->fd, data, size, (off_t)offset);
	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -ENODATA;
}

static int read_ident(struct cryo_core *core)
{
	unsigned char ident[EI_NIDENT];
	int r = read_exactly(core, ident, sizeof(ident), 0);

	if (r < 0)
		return r == -ENODATA ? -ENOEXEC : r;
	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64)
		return -ENOEXEC;
	if (ident[EI_DATA] != ELFDATA2LSB && ident[EI_DATA] != ELFDATA2MSB)
		return -ENOEXEC;
	core->elf_class = ident[EI_CLASS];
	core->elf_data = ident[EI_DATA];
	return 0;
}

/* The number of program headers as the file claims it (elf(5): e_phnum, sh_info). */
static int read_phnum(struct cryo_core *core, const uint8_t *ehdr)
{
	const struct layout *layout = layout_of(core);
	uint64_t shoff = core->header.shoff;
	uint8_t shdr[sizeof(Elf64_Shdr)];
	int r;

	core->n_phdrs_claimed = cryo_decode(core->elf_data, ehdr, layout->e_phnum);
	if (core->n_phdrs_claimed != PN_XNUM)
		return 0;
	r = shoff ? read_exactly(core, shdr, layout->shdr_size, shoff) : -ENODATA;
	if (r == 0)
		core->n_phdrs_claimed = cryo_decode(core->elf_data, shdr, layout->sh_info);
	if (r == -ENODATA)
		core->damage |= CRYO_CORE_PHNUM;
	return r == -ENODATA ? 0 : r;
}

static struct cryo_core_header decode_header(const struct cryo_core *core, const uint8_t *ehdr)
{
	const struct layout *layout = layout_of(core);
	uint8_t order = core->elf_data;
	struct cryo_core_header header = {
		.ident_version = ehdr[EI_VERSION],
		.ident_osabi = ehdr[EI_OSABI],
		.version = (uint32_t)cryo_decode(order, ehdr, layout->e_version),
		.flags = (uint32_t)cryo_decode(order, ehdr, layout->e_flags),
		.entry = cryo_decode(order, ehdr, layout->e_entry),
		.phoff = cryo_decode(order, ehdr, layout->e_phoff),
		.shoff = cryo_decode(order, ehdr, layout->e_shoff),
		.shentsize = (uint16_t)cryo_decode(order, ehdr, layout->e_shentsize),
		.shnum = (uint16_t)cryo_decode(order, ehdr, layout->e_shnum),
		.shstrndx = (uint16_t)cryo_decode(order, ehdr, layout->e_shstrndx),
	};

	for (size_t i = EI_ABIVERSION; i < EI_NIDENT; i++)
		header.ident_zeros |= ehdr[i];
	return header;
}

static int read_ehdr(struct cryo_core *core)
{
	const struct layout *layout = layout_of(core);
	uint8_t ehdr[sizeof(Elf64_Ehdr)];
	uint8_t order = core->elf_data;
	int r = read_exactly(core, ehdr, layout->ehdr_size, 0);

	if (r < 0)
		return r == -ENODATA ? -ENOEXEC : r;
	if (cryo_decode(order, ehdr, layout->e_type) != ET_CORE)
		return -EMEDIUMTYPE;
	core->machine = (uint16_t)cryo_decode(order, ehdr, layout->e_machine);
	core->arch = cryo_arch_by_elf(core->machine, core->elf_class);
	if (core->arch && core->arch->elf_data != order)
		core->arch = NULL;
	if (cryo_decode(order, ehdr, layout->e_ehsize) != layout->ehdr_size ||
		cryo_decode(order, ehdr, layout->e_phentsize) != layout->phdr_size)
		core->damage |= CRYO_CORE_HEADER_SIZES;
	core->header = decode_header(core, ehdr);
	return read_phnum(core, ehdr);
}

static struct cryo_phdr decode_phdr(const struct cryo_core *core, const uint8_t *phdr)
{
	const struct layout *layout = layout_of(core);
	uint8_t order = core->elf_data;

	return (struct cryo_phdr){
		.type = (uint32_t)cryo_decode(order, phdr, layout->p_type),
		.flags = (uint32_t)cryo_decode(order, phdr, layout->p_flags),
		.offset = cryo_decode(order, phdr, layout->p_offset),
		.vaddr = cryo_decode(order, phdr, layout->p_vaddr),
		.memsz = cryo_decode(order, phdr, layout->p_memsz),
		.filesz = cryo_decode(order, phdr, layout->p_filesz),
		.align = cryo_decode(order, phdr, layout->p_align),
	};
}

/* Take in up to PHDR_STEP program headers from an offset. */
static int read_phdr_step(struct cryo_core *core, uint64_t offset, size_t count)
{
	size_t size = layout_of(core)->phdr_size;
	uint8_t raw[PHDR_STEP * sizeof(Elf64_Phdr)];
	int r = read_exactly(core, raw, count * size, offset);

	for (size_t i = 0; i < count && r == 0; i++)
		core->phdrs[core->n_phdrs++] = decode_phdr(core, raw + i * size);
	return r;
}

/* How many of the claimed program headers lie inside the file. */
static uint64_t count_present(struct cryo_core *core, uint64_t phoff)
{
	uint64_t room = phoff < core->size ? core->size - phoff : 0;
	uint64_t fit = room / layout_of(core)->phdr_size;

	if (fit >= core->n_phdrs_claimed)
		return core->n_phdrs_claimed;
	core->damage |= CRYO_CORE_PHDRS_CUT;
	return fit;
}

static int read_phdrs(struct cryo_core *core)
{
	uint64_t phoff = core->header.phoff;
	uint64_t size = layout_of(core)->phdr_size, present = count_present(core, phoff);
	int r = 0;

	if (present > CRYO_CORE_PHDRS_MAX)
		return -E2BIG;
	core->phdrs = calloc(present + 1, sizeof(*core->phdrs));
	if (!core->phdrs)
		return -ENOMEM;
	while (core->n_phdrs < present && r == 0) {
		uint64_t left = present - core->n_phdrs;

		r = read_phdr_step(core, phoff + core->n_phdrs * size,
			left < PHDR_STEP ? (size_t)left : PHDR_STEP);
	}
	if (r == -ENODATA) /* the file became shorter meanwhile */
		core->damage |= CRYO_CORE_PHDRS_CUT;
	return r == -ENODATA ? 0 : r;
}

/* The core of a descriptor that now belongs to `core`. */
static int read_frame(struct cryo_core *core)
{
	struct stat info;
	int r;

	if (fstat(core->fd, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode))
		return -EINVAL;
	core->size = (uint64_t)info.st_size;
	r = read_ident(core);
	if (r == 0)
		r = read_ehdr(core);
	if (r == 0)
		r = read_phdrs(core);
	if (r < 0)
		return r;
	return cryo_core_check(
		core, core->header.phoff + core->n_phdrs * layout_of(core)->phdr_size);
}

static int open_owned(int fd, struct cryo_core *ret_core)
{
	_cleanup_core_ struct cryo_core core = {.fd = fd};
	int r = fd < 0 ? -errno : read_frame(&core);

	if (r < 0)
		return r;
	*ret_core = core;
	core = CRYO_CORE_NONE;
	return 0;
}

int cryo_core_open_fd(int fd, struct cryo_core *ret_core)
{
	return open_owned(fcntl(fd, F_DUPFD_CLOEXEC, 3), ret_core);
}

int cryo_core_open(const char *path, struct cryo_core *ret_core)
{
	return open_owned(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret_core);
}
