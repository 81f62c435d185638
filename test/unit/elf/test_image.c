// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "elf/image.h"

/* A program of one PT_LOAD and one PT_NOTE with a build-id. */
struct program {
	Elf64_Ehdr ehdr;
	Elf64_Phdr load, note;
	struct {
		Elf64_Nhdr header;
		char owner[4];
		uint8_t id[20];
	} build_id;
};

static struct program make_program(void)
{
	struct program program = {
		.ehdr = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
			.e_type = ET_DYN,
			.e_machine = EM_X86_64,
			.e_phoff = offsetof(struct program, load),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2},
		.load = {.p_type = PT_LOAD,
			.p_vaddr = 0x10000,
			.p_filesz = 0x2000,
			.p_memsz = 0x3000},
		.note = {.p_type = PT_NOTE,
			.p_offset = offsetof(struct program, build_id),
			.p_vaddr = 0x10000 + offsetof(struct program, build_id),
			.p_filesz = sizeof(program.build_id),
			.p_align = 4},
		.build_id = {{4, 20, NT_GNU_BUILD_ID}, "GNU", {1, 2, 3}},
	};

	return program;
}

static int read_program(const struct program *program, size_t size, struct cryo_image *ret_image,
	struct cryo_build_id *ret_id)
{
	_cleanup_close_ int fd = memfd_create("program", MFD_CLOEXEC);
	struct cryo_view_file file = cryo_view_file(fd);
	int r;

	cr_assert_eq(write(fd, program, size), (ssize_t)size);
	r = cryo_image_read(&file.view, 0, ret_image);
	if (r == 0)
		cryo_image_build_id(ret_image, &file.view, 0, true, ret_id);
	return r;
}

Test(image, says_where_it_is_linked)
{
	struct program program = make_program();
	struct cryo_image image;
	struct cryo_build_id id;

	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), 0);
	cr_assert_eq(image.type, ET_DYN);
	cr_assert_eq(image.link_start, 0x10000);
	cr_assert_eq(image.link_end, 0x13000);
	cr_assert_eq(image.link_base, 0x10000);
	cr_assert_not_null(cryo_image_phdr(&image, PT_NOTE));
	cr_assert_null(cryo_image_phdr(&image, PT_GNU_EH_FRAME));
}

Test(image, finds_the_build_id)
{
	struct program program = make_program();
	struct cryo_image image;
	struct cryo_build_id id;

	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), 0);
	cr_assert_eq(id.size, 20);
	cr_assert_eq(memcmp(id.data, "\1\2\3", 4), 0);
	program.build_id.header.n_descsz = 65;
	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), 0);
	cr_assert_eq(id.size, 0);
	program.build_id.header.n_descsz = UINT32_MAX;
	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), 0);
	cr_assert_eq(id.size, 0);
}

Test(image, refuses_what_is_none)
{
	struct program program = make_program();
	struct cryo_image image;
	struct cryo_build_id id;

	cr_assert_eq(read_program(&program, 40, &image, &id), -EFAULT);
	cr_assert_eq(read_program(&program, sizeof(program.ehdr) + 10, &image, &id), -EFAULT);
	program.ehdr.e_type = ET_CORE;
	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), -ENOEXEC);
	program = make_program();
	program.ehdr.e_phnum = 1000;
	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), -ENOEXEC);
	program = make_program();
	program.ehdr.e_phoff = UINT64_MAX - 8;
	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), -ENOEXEC);
	program = make_program();
	program.load.p_memsz = UINT64_MAX;
	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), -ENOEXEC);
	program = make_program();
	program.load.p_type = PT_NULL;
	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), -ENOEXEC);
	program = make_program();
	program.ehdr.e_ident[EI_DATA] = ELFDATA2MSB;
	cr_assert_eq(read_program(&program, sizeof(program), &image, &id), -ENOEXEC);
}
