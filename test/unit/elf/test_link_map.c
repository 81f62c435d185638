// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "elf/link_map.h"

/* What a dynamic linker keeps, at addresses of its own: a view of these bytes alone. */
struct memory {
	struct cryo_view view;
	struct content {
		struct {
			uint64_t tag, value;
		} dynamic[3];
		uint64_t debug[2];
		struct {
			uint64_t bias, name, dynamic, next;
		} maps[3];
		char names[3][32];
	} content;
};

#define AT(field) (BASE + offsetof(struct content, field))

static const uint64_t BASE = 0x10000;

static ssize_t read_memory(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	const struct memory *memory = (const struct memory *)view;
	uint64_t left = BASE + sizeof(memory->content) - address;

	if (address < BASE || address >= BASE + sizeof(memory->content))
		return -EFAULT;
	if (size > left)
		size = left;
	memcpy(data, (const char *)&memory->content + (address - BASE), size);
	return (ssize_t)size;
}

static struct memory make_memory(void)
{
	return (struct memory){
		{read_memory},
		{{{DT_NEEDED, 1}, {DT_DEBUG, AT(debug)}, {DT_NULL, 0}}, {1, AT(maps[0])},
			{{0, AT(names[0]), 0, AT(maps[1])}, {0x1000, AT(names[1]), 0, AT(maps[2])},
				{0x2000, AT(names[2]), 0, 0}},
			{"", "/lib/one", "/lib/two"}},
	};
}

static struct cryo_image make_program(void)
{
	struct cryo_image program = {.elf_class = ELFCLASS64, .n_phdrs = 1};

	program.phdrs[0] =
		(struct cryo_phdr){.type = PT_DYNAMIC, .vaddr = AT(dynamic) - 0x100, .memsz = 48};
	return program;
}

struct seen {
	size_t count, until;
	char text[256];
};

static int take(void *user, uint64_t bias, const char *name)
{
	struct seen *seen = user;

	if (seen->count < 8)
		snprintf(seen->text + strlen(seen->text), sizeof(seen->text) - strlen(seen->text),
			"%lx=%.100s ", (unsigned long)bias, name);
	return ++seen->count == seen->until;
}

static int walk(struct memory *memory, struct seen *seen)
{
	struct cryo_image program = make_program();

	return cryo_link_map_walk(&memory->view, &program, 0x100, take, seen);
}

Test(link_map, tells_every_entry)
{
	struct memory memory = make_memory();
	struct seen seen = {0};

	cr_assert_eq(walk(&memory, &seen), 0);
	cr_expect_str_eq(seen.text, "0= 1000=/lib/one 2000=/lib/two ");
}

Test(link_map, ends_when_told)
{
	struct memory memory = make_memory();
	struct seen seen = {.until = 2};

	cr_expect_eq(walk(&memory, &seen), 1);
	cr_expect_eq(seen.count, 2);
}

Test(link_map, a_ring_ends)
{
	struct memory memory = make_memory();
	struct seen seen = {0};

	memory.content.maps[2].next = AT(maps[0]);
	cr_expect_eq(walk(&memory, &seen), 0);
	cr_expect_eq(seen.count, CRYO_LINK_MAP_MAX);
}

Test(link_map, a_name_that_is_not_there_is_passed_over)
{
	struct memory memory = make_memory();
	struct seen seen = {0};

	memory.content.maps[1].name = 1;
	memset(memory.content.names[2], 'x', sizeof(memory.content.names[2])); /* no NUL */
	cr_expect_eq(walk(&memory, &seen), 0);
	cr_expect_str_eq(seen.text, "0= ");
}

Test(link_map, what_is_not_there_is_said)
{
	struct memory memory = make_memory();
	struct seen seen = {0};

	memory.content.maps[1].next = 1;
	cr_expect_eq(walk(&memory, &seen), -EFAULT);
	cr_expect_eq(seen.count, 2);
	memory.content.dynamic[1].tag = DT_NEEDED;
	cr_expect_eq(walk(&memory, &seen), -ENOENT);
	memory.content.dynamic[2].tag = DT_NEEDED;
	cr_expect_neq(walk(&memory, &seen), 0);
}

Test(link_map, a_program_without_a_linker_has_none)
{
	struct memory memory = make_memory();
	struct cryo_image program = make_program();
	struct seen seen = {0};

	program.phdrs[0].type = PT_LOAD;
	cr_expect_eq(cryo_link_map_walk(&memory.view, &program, 0, take, &seen), -ENOENT);
}

/* ---- the real one, of this process ---- */

static ssize_t read_self(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	struct iovec local = {data, size}, remote = {(void *)address, size};
	ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	(void)view;
	return n > 0 ? n : -EFAULT;
}

static int find_libc(void *user, uint64_t bias, const char *name)
{
	(void)bias;
	*(bool *)user |= strstr(name, "/libc.so.6") != NULL;
	return 0;
}

extern const Elf64_Ehdr __ehdr_start;

Test(link_map, reads_a_real_one)
{
	struct cryo_view view = {read_self};
	struct cryo_image program;
	bool found = false;
	uint64_t start = (uint64_t)&__ehdr_start;

	cr_assert_eq(cryo_image_read(&view, start, &program), 0);
	cr_expect_eq(
		cryo_link_map_walk(&view, &program, start - program.link_base, find_libc, &found),
		0);
	cr_expect(found);
}
