// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/header.h"
#include "synthetic.h"

static const size_t counts[] = {3, 65534, 65535, 70000};

static struct cryo_phdr phdr_number(size_t i)
{
	return (struct cryo_phdr){
		.type = i ? PT_LOAD : PT_NOTE,
		.flags = i % 8,
		.offset = 0x1000 + i,
		.vaddr = 0x10000 + i * 4096,
		.memsz = 4096,
		.filesz = i % 4096,
		.align = 4096,
	};
}

/* Headers, a megabyte of nothing, section header 0: a file as far as its frame goes. */
static int build_file(const struct cryo_arch *arch, size_t count, uint64_t data_end)
{
	struct cryo_phdr *phdrs = calloc(count, sizeof(*phdrs));
	_cleanup_buffer_ struct cryo_buffer header = {0}, shdr = {0};
	int fd = memfd_create("header", MFD_CLOEXEC);

	for (size_t i = 0; i < count; i++)
		phdrs[i] = phdr_number(i);
	cr_assert(cryo_buffer_add_zero(&header, cryo_header_size(arch, count)));
	cr_assert_eq(cryo_header_build(arch, phdrs, count, data_end, header.data), 0);
	cr_assert_eq(cryo_header_build_shdr(arch, count, &shdr), 0);
	cr_assert_eq(shdr.size, cryo_header_shdr_size(arch, count));
	cr_assert_eq(pwrite(fd, header.data, header.size, 0), (ssize_t)header.size);
	cr_assert_eq(ftruncate(fd, (off_t)data_end), 0);
	cr_assert_eq(pwrite(fd, shdr.data, shdr.size, (off_t)data_end), (ssize_t)shdr.size);
	free(phdrs);
	return fd;
}

static void expect_libelf(int fd, const struct cryo_arch *arch, size_t count)
{
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	GElf_Ehdr ehdr;
	size_t n;

	cr_assert_eq(elf_kind(elf), ELF_K_ELF);
	cr_assert_not_null(gelf_getehdr(elf, &ehdr));
	cr_assert_eq(ehdr.e_type, ET_CORE);
	cr_assert_eq(ehdr.e_machine, arch->machine);
	cr_assert_eq(elf_getphdrnum(elf, &n), 0);
	cr_assert_eq(n, count);
	for (size_t i = 0; i < count; i++) {
		struct cryo_phdr expected = phdr_number(i);
		GElf_Phdr phdr;

		cr_assert_not_null(gelf_getphdr(elf, (int)i, &phdr));
		cr_assert(phdr.p_type == expected.type && phdr.p_flags == expected.flags &&
				  phdr.p_offset == expected.offset &&
				  phdr.p_vaddr == expected.vaddr && phdr.p_paddr == 0 &&
				  phdr.p_memsz == expected.memsz &&
				  phdr.p_filesz == expected.filesz &&
				  phdr.p_align == expected.align,
			"%s, header %zu", arch->name, i);
	}
	elf_end(elf);
}

Test(header, libelf_reads_every_program_header_back)
{
	elf_version(EV_CURRENT);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++) {
			const struct cryo_arch *arch = synthetic_arch(i);
			int fd = build_file(arch, counts[j], 8 << 20);

			expect_libelf(fd, arch, counts[j]);
			close(fd);
		}
}

Test(header, every_byte_of_a_64_bit_elf_header)
{
	static const struct expected_bytes pieces[] = {
		{0, 7,
			"\x7f"
			"ELF\x02\x01\x01"},
		{16, 2, "\x04\x00"}, /* e_type */
		{18, 2, "\xb7\x00"}, /* e_machine */
		{20, 4, "\x01\x00\x00\x00"},
		{32, 8, "\x40\x00\x00\x00\x00\x00\x00\x00"}, /* e_phoff */
		{52, 2, "\x40\x00"},                         /* e_ehsize */
		{54, 2, "\x38\x00"},                         /* e_phentsize */
		{56, 2, "\x03\x00"},                         /* e_phnum */
	};
	uint8_t bytes[64];
	int fd = build_file(synthetic_arch(2), 3, 4096);

	cr_assert_eq(pread(fd, bytes, sizeof(bytes), 0), 64);
	expect_structure("ehdr", bytes, 64, pieces, 8);
	cr_assert_eq(lseek(fd, 0, SEEK_END), 4096, "no section header");
	close(fd);
}

Test(header, every_byte_of_a_32_bit_elf_header_and_program_header)
{
	static const struct expected_bytes pieces[] = {
		{0, 7,
			"\x7f"
			"ELF\x01\x01\x01"},
		{16, 2, "\x04\x00"},
		{18, 2, "\x03\x00"},
		{20, 4, "\x01\x00\x00\x00"},
		{28, 4, "\x34\x00\x00\x00"},
		{40, 2, "\x34\x00"},
		{42, 2, "\x20\x00"},
		{44, 2, "\x03\x00"},
		/* header 1: type, offset, vaddr, (paddr), filesz, memsz, flags, align */
		{84, 4, "\x01\x00\x00\x00"},
		{88, 4, "\x01\x10\x00\x00"},
		{92, 4, "\x00\x10\x01\x00"},
		{100, 4, "\x01\x00\x00\x00"},
		{104, 4, "\x00\x10\x00\x00"},
		{108, 4, "\x01\x00\x00\x00"},
		{112, 4, "\x00\x10\x00\x00"},
	};
	uint8_t bytes[116];
	int fd = build_file(synthetic_arch(1), 3, 4096);

	cr_assert_eq(pread(fd, bytes, sizeof(bytes), 0), 116);
	memset(bytes + 52, 0, 32); /* header 0 */
	expect_structure("ehdr", bytes, 116, pieces, 15);
	close(fd);
}

Test(header, extended_numbering_begins_at_65535)
{
	for (size_t j = 0; j < 4; j++) {
		bool many = counts[j] >= 65535;
		int fd = build_file(synthetic_arch(0), counts[j], 8 << 20);
		Elf64_Shdr shdr, zero = {0};
		Elf64_Ehdr ehdr;

		cr_assert_eq(pread(fd, &ehdr, sizeof(ehdr), 0), 64);
		cr_assert_eq(ehdr.e_phnum, many ? 0xffff : counts[j]);
		cr_assert_eq(ehdr.e_shoff, many ? 8 << 20 : 0);
		cr_assert_eq(ehdr.e_shnum, many);
		cr_assert_eq(ehdr.e_shentsize, many ? 64 : 0);
		cr_assert_eq(ehdr.e_shstrndx, 0);
		cr_assert_eq(pread(fd, &shdr, sizeof(shdr), 8 << 20), many ? 64 : 0);
		if (many) {
			cr_assert_eq(shdr.sh_info, counts[j]);
			cr_assert_eq(shdr.sh_size, 1);
			shdr.sh_info = 0;
			shdr.sh_size = 0;
			cr_assert_arr_eq((char *)&shdr, (char *)&zero, sizeof(shdr));
		}
		close(fd);
	}
}

Test(header, a_32_bit_core_refuses_what_it_cannot_say)
{
	struct cryo_phdr phdrs[2] = {phdr_number(0), phdr_number(1)};
	char header[256];

	phdrs[1].offset = 1ULL << 32;
	cr_assert_eq(cryo_header_build(synthetic_arch(1), phdrs, 2, 0, header), -EOVERFLOW);
	cr_assert_eq(cryo_header_build(synthetic_arch(0), phdrs, 2, 0, header), 0);
	phdrs[1].offset = UINT32_MAX;
	cr_assert_eq(cryo_header_build(synthetic_arch(1), phdrs, 2, 0, header), 0);
}

Test(header, big_endian)
{
	struct cryo_arch arch = *synthetic_arch(0);
	struct cryo_phdr phdr = phdr_number(1);
	char header[256];

	arch.elf_data = ELFDATA2MSB;
	cr_assert_eq(cryo_header_build(&arch, &phdr, 1, 0, header), 0);
	cr_assert_arr_eq(header + 16, "\x00\x04\x00\x3e\x00\x00\x00\x01", 8);
	cr_assert_arr_eq(header + 64, "\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\x10\x01", 16);
}
