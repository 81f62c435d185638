// SPDX-License-Identifier: MIT
#include "elf/link_map.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

enum {
	DYNAMIC_MAX = 4096, /* entries of PT_DYNAMIC */
	NAME_STEP = 64,
};

/* A word of the process. 0 or -EFAULT. */
static int read_word(struct cryo_view *view, uint64_t address, size_t size, uint64_t *ret_word)
{
	union {
		uint32_t narrow;
		uint64_t wide;
	} word;
	int r = cryo_view_read(view, address, &word, size);

	if (r == 0)
		*ret_word = size == 4 ? le32toh(word.narrow) : le64toh(word.wide);
	return r;
}

/* Where struct r_debug is. */
static int find_debug(struct cryo_view *view, uint64_t dynamic, size_t word, uint64_t *ret_address)
{
	for (size_t i = 0; i < DYNAMIC_MAX; i++) {
		uint64_t tag = 0, value = 0;
		int r = read_word(view, dynamic + 2 * i * word, word, &tag);

		if (r == 0)
			r = read_word(view, dynamic + (2 * i + 1) * word, word, &value);
		if (r < 0)
			return r;
		if (tag == DT_NULL)
			return -ENOENT;
		if (tag != DT_DEBUG)
			continue;
		*ret_address = value;
		return value ? 0 : -ENOENT;
	}
	return -ENOENT;
}

static int read_name(struct cryo_view *view, uint64_t address, char ret_name[CRYO_LINK_NAME_MAX])
{
	for (size_t done = 0; done + NAME_STEP < CRYO_LINK_NAME_MAX; done += NAME_STEP) {
		ssize_t n = cryo_view_read_some(view, address + done, ret_name + done, NAME_STEP);

		if (n > 0 && memchr(ret_name + done, 0, (size_t)n))
			return 0;
		if (n < NAME_STEP)
			return n < 0 ? (int)n : -EFAULT;
	}
	return -ENAMETOOLONG;
}

/* struct link_map begins with l_addr, l_name, l_ld, l_next. A name that is not there is passed
 * over. */
static int walk(struct cryo_view *view, uint64_t entry, size_t word,
	int (*take)(void *user, uint64_t bias, const char *name), void *user)
{
	char name[CRYO_LINK_NAME_MAX];
	int r = 0;

	for (size_t i = 0; entry && i < CRYO_LINK_MAP_MAX && r == 0; i++) {
		uint64_t bias = 0, text = 0;

		r = read_word(view, entry, word, &bias);
		if (r == 0)
			r = read_word(view, entry + word, word, &text);
		if (r == 0 && text && read_name(view, text, name) == 0)
			r = take(user, bias, name);
		if (r == 0)
			r = read_word(view, entry + 3 * word, word, &entry);
	}
	return r;
}

int cryo_link_map_walk(struct cryo_view *view, const struct cryo_image *program, uint64_t bias,
	int (*take)(void *user, uint64_t bias, const char *name), void *user)
{
	const struct cryo_phdr *dynamic = cryo_image_phdr(program, PT_DYNAMIC);
	size_t word = program->elf_class == ELFCLASS32 ? 4 : 8;
	uint64_t debug = 0, first = 0;
	int r = dynamic ? find_debug(view, bias + dynamic->vaddr, word, &debug) : -ENOENT;

	if (r == 0) /* r_version is an int and padded to a word */
		r = read_word(view, debug + word, word, &first);
	return r < 0 ? r : walk(view, first, word, take, user);
}
