// SPDX-License-Identifier: MIT
/*
 * Reading a core: our own when it is finished, anybody's for `verify` and `stacks`.
 *
 * The file is hostile. Nothing in it is believed before it was compared with the size of the file;
 * what is kept in memory grows with the program headers only (at most CRYO_CORE_PHDRS_MAX of
 * them); notes are bounded by the CRYO_CORE_NOTE limits. A core that is damaged is opened as far as
 * it can be read, and its damage listed, since half a core is often all there is.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "arch/arch.h"
#include "base/buffer.h"
#include "elf/header.h"

/* Program headers that are ever read: 64 times the default of vm.max_map_count; 224 MiB of memory.
 */
#define CRYO_CORE_PHDRS_MAX (1u << 22)

/* Bytes of one note's desc that are read into memory: NT_FILE of a million mappings fits. */
#define CRYO_CORE_NOTE_MAX (256u << 20)

/* Notes, and bytes of notes, that one walk visits: twice what a million threads have. */
#define CRYO_CORE_NOTES_MAX (1u << 24)
#define CRYO_CORE_NOTE_BYTES_MAX UINT32_MAX

/* What can be wrong with the frame of a core. */
enum cryo_core_damage {
	CRYO_CORE_PHDRS_CUT = 1 << 0,    /* the file ends inside the program headers */
	CRYO_CORE_PHNUM = 1 << 1,        /* PN_XNUM without a readable section header 0 */
	CRYO_CORE_SEGMENT_CUT = 1 << 2,  /* bytes of a segment lie beyond the end of the file */
	CRYO_CORE_SEGMENT_SIZE = 1 << 3, /* p_filesz over p_memsz, or an end that wraps */
	CRYO_CORE_ORDER = 1 << 4,        /* PT_LOADs not by address; kernel.core_sort_vma does so */
	CRYO_CORE_OVERLAP = 1 << 5,      /* two PT_LOADs claim one address */
	CRYO_CORE_FILE_OVERLAP = 1
				 << 6, /* two segments, or one and the headers, share file bytes */
	CRYO_CORE_NO_NOTES = 1 << 7,   /* no PT_NOTE */
	CRYO_CORE_HEADER_SIZES = 1 << 8, /* e_ehsize or e_phentsize is not that of the class */
};

/* Fields of the ELF header that only a check looks at (elf(5)). */
struct cryo_core_header {
	uint8_t ident_version, ident_osabi;
	uint8_t ident_zeros; /* all bytes behind EI_OSABI, or-ed */
	uint32_t version, flags;
	uint64_t entry, phoff, shoff;
	uint16_t shentsize, shnum, shstrndx;
};

/**
 * struct cryo_core - an open core.
 * @fd: of the file; owned
 * @size: of the file, bytes
 * @arch: NULL if no row has its machine and class
 * @machine, @elf_class, @elf_data: from its ELF header
 * @header: the rest of it
 * @phdrs: owned; in the order of the file
 * @n_phdrs: of those that could be read
 * @n_phdrs_claimed: what the headers say
 * @damage: enum cryo_core_damage
 * @by_address, @n_loads: indexes into @phdrs of the PT_LOADs with memory, by address; owned
 */
struct cryo_core {
	int fd;
	uint64_t size;
	const struct cryo_arch *arch;
	uint16_t machine;
	uint8_t elf_class, elf_data;
	struct cryo_core_header header;
	struct cryo_phdr *phdrs;
	size_t n_phdrs;
	uint64_t n_phdrs_claimed;
	uint32_t damage;
	uint32_t *by_address;
	size_t n_loads;
};

#define CRYO_CORE_NONE ((struct cryo_core){.fd = -1})

/**
 * cryo_core_open_fd - a core in an open file.
 * @fd: readable and seekable; duplicated, so it stays the caller's
 *
 * Returns 0 (look at damage), -ENOEXEC (not an ELF file of a known class and byte order),
 * -EMEDIUMTYPE (ELF, but not a core), -E2BIG (more program headers than are ever read), -ENOMEM, or
 * -errno of fcntl(2), fstat(2), pread(2).
 */
int cryo_core_open_fd(int fd, struct cryo_core *ret_core);

/* The same by path, read-only; a FIFO or device is -EINVAL. Also -errno of open(2). */
int cryo_core_open(const char *path, struct cryo_core *ret_core);

void cryo_core_close(struct cryo_core *core);

#define _cleanup_core_ _cleanup_(cryo_core_close)

/**
 * struct cryo_core_note - a note.
 * @owner: NUL-terminated, cut at 31 bytes; bytes from an enemy
 * @type: NT_*
 * @desc, @size: valid until the visitor returns
 * @offset: of @desc in the file
 */
struct cryo_core_note {
	char owner[32];
	uint32_t type;
	const uint8_t *desc;
	uint64_t size;
	uint64_t offset;
};

/* Called for each note. Anything but 0 ends the walk and is what it returns. */
typedef int cryo_core_note_visitor(const struct cryo_core_note *note, void *data);

/**
 * cryo_core_for_each_note - every note of every PT_NOTE, in the order of the file.
 *
 * Returns 0, what the visitor returned, -EBADMSG (a note reaches beyond its segment or the file;
 * those before it were visited), -E2BIG (over one of the limits above), -ENOMEM or -errno
 * of pread(2).
 */
int cryo_core_for_each_note(
	const struct cryo_core *core, cryo_core_note_visitor *visitor, void *data);

/**
 * cryo_core_read - memory of the process, as the core has it.
 * @address, @size: the range
 *
 * Returns the number of bytes read from @address on: fewer than @size if the range runs out of the
 * mappings of the core, or into bytes that the core does not hold (p_filesz ends before p_memsz, or
 * the file is cut). A hole of the file reads as zeros. 0 if nothing is there; -errno of pread(2).
 */
ssize_t cryo_core_read(const struct cryo_core *core, uint64_t address, void *data, size_t size);

/* The PT_LOAD that has an address in its memory; NULL if none. */
const struct cryo_phdr *cryo_core_find_load(const struct cryo_core *core, uint64_t address);

/* A sentence about one bit of enum cryo_core_damage. */
const char *cryo_core_damage_text(enum cryo_core_damage damage);
