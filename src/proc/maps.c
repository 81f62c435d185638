// SPDX-License-Identifier: MIT
/*
 * Both files have the same lines for a mapping, which begin with a digit of lower-case hex; smaps
 * has lines of fields behind each, which begin with a capital letter. A big process has millions of
 * field lines of which four are wanted, so the first letter picks the only key a line could have,
 * and VmFlags are looked up by their two letters.
 */
#include "proc/maps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "proc/text.h"

/*
 * How much is read at once: the kernel gives a page at a time, and a larger buffer would be mapped,
 * and given back. And the longest line that is borne: a path may be far longer than PATH_MAX.
 */
enum {
	BLOCK = 32 * 1024,
	LINE_MAX_SIZE = 4 << 20,
};

/* @torn: some overlap. @left_out: so does the mapping whose fields come next, wholly. */
struct list {
	struct cryo_vma *vmas;
	size_t count;
	bool torn, left_out;
};

static void list_clear(struct list *list)
{
	cryo_vmas_free(list->vmas, list->count);
}

void cryo_vmas_free(struct cryo_vma *vmas, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(vmas[i].name);
	free(vmas);
}

static bool has_prefix(const struct cryo_text *text, const char *prefix)
{
	size_t size = strlen(prefix);

	return cryo_text_size(text) >= size && memcmp(text->at, prefix, size) == 0;
}

/* What a [name] in brackets stands for. */
static enum cryo_vma_kind bracket_kind(const struct cryo_text *name)
{
	static const struct {
		const char *prefix;
		enum cryo_vma_kind kind;
	} kinds[] = {
		{"[heap]", CRYO_VMA_ANONYMOUS},
		{"[stack]", CRYO_VMA_ANONYMOUS},
		{"[stack:", CRYO_VMA_ANONYMOUS},
		{"[anon:", CRYO_VMA_ANONYMOUS},
		{"[anon_shmem:", CRYO_VMA_FILE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (has_prefix(name, kinds[i].prefix))
			return kinds[i].kind;
	return CRYO_VMA_SPECIAL;
}

/* Names of pseudo files have no slash: "anon_inode:[io_uring]", "socket:[123]" (simple_dname()). */
static bool is_pseudo_file(const struct cryo_text *name)
{
	return cryo_text_size(name) > 0 && name->end[-1] == ']' &&
	       memmem(name->at, cryo_text_size(name), ":[", 2);
}

static enum cryo_vma_kind vma_kind(const struct cryo_text *name, ino_t inode)
{
	if (has_prefix(name, "["))
		return bracket_kind(name);
	if (inode || has_prefix(name, "/") || is_pseudo_file(name))
		return CRYO_VMA_FILE;
	return CRYO_VMA_ANONYMOUS;
}

/* "rwxp" */
static bool parse_permissions(struct cryo_text *line, uint32_t *ret_flags)
{
	static const struct {
		char set, clear;
		uint32_t flag;
	} columns[] = {
		{'r', '-', CRYO_VM_READ},
		{'w', '-', CRYO_VM_WRITE},
		{'x', '-', CRYO_VM_EXEC},
		{'s', 'p', CRYO_VM_MAYSHARE},
	};
	uint32_t flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (cryo_text_byte(line, columns[i].set))
			flags |= columns[i].flag;
		else if (!cryo_text_byte(line, columns[i].clear))
			return false;
	}
	*ret_flags = flags;
	return true;
}

/* "MAJOR:MINOR INODE", of widths 12 and 20 bits (include/linux/kdev_t.h) and 64 bits. */
static bool parse_file_id(struct cryo_text *line, struct cryo_vma *vma)
{
	uint64_t major, minor, inode;

	if (!cryo_text_number(line, 16, &major) || !cryo_text_byte(line, ':') ||
		!cryo_text_number(line, 16, &minor) || !cryo_text_byte(line, ' ') ||
		!cryo_text_number(line, 10, &inode) || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	vma->device = makedev((unsigned int)major, (unsigned int)minor);
	vma->inode = inode;
	return true;
}

/* "START-END rwxp OFFSET MAJOR:MINOR INODE", and what is left is the name. */
static bool parse_numbers(struct cryo_text *line, struct cryo_vma *vma)
{
	return cryo_text_number(line, 16, &vma->start) && cryo_text_byte(line, '-') &&
	       cryo_text_number(line, 16, &vma->end) && cryo_text_byte(line, ' ') &&
	       parse_permissions(line, &vma->flags) && cryo_text_byte(line, ' ') &&
	       cryo_text_number(line, 16, &vma->offset) && cryo_text_byte(line, ' ') &&
	       parse_file_id(line, vma) && (line->at == line->end || cryo_text_byte(line, ' ')) &&
	       vma->start < vma->end;
}

/*
 * Mappings that change while they are read may come out overlapping: the file is made a page of
 * text at a time. What the one before has said stands. Whether anything of this one is left.
 */
static bool leave_overlap(struct list *list, struct cryo_vma *vma)
{
	uint64_t end = list->count ? list->vmas[list->count - 1].end : 0;

	if (vma->start >= end)
		return true;
	list->torn = true;
	if (vma->end <= end)
		return false;
	vma->offset += end - vma->start;
	vma->start = end;
	return true;
}

static int parse_vma(struct cryo_text *line, struct list *list)
{
	struct cryo_vma parsed = {.n_links = ~(nlink_t)0}, *vma;

	if (!parse_numbers(line, &parsed))
		return -EBADMSG;
	list->left_out = !leave_overlap(list, &parsed);
	if (list->left_out)
		return 0;
	cryo_text_skip_blanks(line);
	if (memchr(line->at, 0, cryo_text_size(line)))
		return -EBADMSG;
	parsed.kind = vma_kind(line, parsed.inode);
	vma = cryo_array_add(list->vmas, list->count);
	if (!vma)
		return -ENOMEM;
	*vma = parsed;
	if (line->at == line->end)
		return 0;
	vma->name = cryo_text_dup(line);
	return vma->name ? 0 : -ENOMEM;
}

/* "   4 kB" */
static bool read_kilobytes(struct cryo_text *value, void *field)
{
	uint64_t number;

	if (!cryo_text_number(value, 10, &number) || number > UINT64_MAX / 1024)
		return false;
	*(uint64_t *)field = number * 1024;
	return true;
}

enum {
	LETTERS = 26
};

#define FLAG_INDEX(first, second) (((first) - 'a') * LETTERS + (second) - 'a')

/* By the two letters of a flag (fs/proc/task_mmu.c show_smap_vma_flags()). */
static const uint32_t vm_flags[LETTERS * LETTERS] = {
	[FLAG_INDEX('r', 'd')] = CRYO_VM_READ,
	[FLAG_INDEX('w', 'r')] = CRYO_VM_WRITE,
	[FLAG_INDEX('e', 'x')] = CRYO_VM_EXEC,
	[FLAG_INDEX('s', 'h')] = CRYO_VM_SHARED,
	[FLAG_INDEX('m', 's')] = CRYO_VM_MAYSHARE,
	[FLAG_INDEX('i', 'o')] = CRYO_VM_IO,
	[FLAG_INDEX('p', 'f')] = CRYO_VM_PFNMAP,
	[FLAG_INDEX('h', 't')] = CRYO_VM_HUGETLB,
	[FLAG_INDEX('d', 'd')] = CRYO_VM_DONTDUMP,
	[FLAG_INDEX('m', 't')] = CRYO_VM_MTE,
	[FLAG_INDEX('u', 'm')] = CRYO_VM_UFFD,
	[FLAG_INDEX('u', 'w')] = CRYO_VM_UFFD,
	[FLAG_INDEX('u', 'i')] = CRYO_VM_UFFD,
	[FLAG_INDEX('m', 'm')] = CRYO_VM_MIXEDMAP,
	[FLAG_INDEX('l', 'o')] = CRYO_VM_LOCKED,
	[FLAG_INDEX('w', 'f')] = CRYO_VM_WIPEONFORK,
	[FLAG_INDEX('d', 'c')] = CRYO_VM_DONTCOPY,
	[FLAG_INDEX('h', 'g')] = CRYO_VM_HUGEPAGE,
	[FLAG_INDEX('n', 'h')] = CRYO_VM_NOHUGEPAGE,
	[FLAG_INDEX('m', 'g')] = CRYO_VM_MERGEABLE,
	[FLAG_INDEX('s', 'r')] = CRYO_VM_SEQ_READ,
	[FLAG_INDEX('r', 'r')] = CRYO_VM_RAND_READ,
	[FLAG_INDEX('a', 'c')] = CRYO_VM_ACCOUNT,
	[FLAG_INDEX('n', 'r')] = CRYO_VM_NORESERVE,
	[FLAG_INDEX('g', 'd')] = CRYO_VM_GROWSDOWN,
};

static bool is_small_letter(char byte)
{
	return byte >= 'a' && byte <= 'z';
}

/* " rd wr mr": replaces what the permissions told. */
static bool read_vm_flags(struct cryo_text *value, void *field)
{
	uint32_t *flags = field;
	struct cryo_text word;

	*flags = 0;
	while (cryo_text_until(value, ' ', &word))
		if (cryo_text_size(&word) == 2 && is_small_letter(word.at[0]) &&
			is_small_letter(word.at[1]))
			*flags |= vm_flags[FLAG_INDEX(word.at[0], word.at[1])];
	return true;
}

struct field {
	const char *key;
	size_t key_size;
	bool (*read)(struct cryo_text *value, void *field);
	size_t offset;
};

#define FIELD(key, read, name)                                                                     \
	{                                                                                          \
		key ":", sizeof(key), read, offsetof(struct cryo_vma, name)                        \
	}

/* By first letter: no two wanted keys share one. */
static const struct field fields[LETTERS] = {
	['A' - 'A'] = FIELD("Anonymous", read_kilobytes, anonymous),
	['R' - 'A'] = FIELD("Rss", read_kilobytes, rss),
	['S' - 'A'] = FIELD("Swap", read_kilobytes, swap),
	['V' - 'A'] = FIELD("VmFlags", read_vm_flags, flags),
};

static int parse_field(struct cryo_text *line, struct list *list)
{
	const struct field *field = &fields[*line->at - 'A'];
	char *vma;

	if (list->count == 0)
		return -EBADMSG;
	if (list->left_out || !field->key || !cryo_text_key(line, field->key, field->key_size))
		return 0;
	vma = (char *)&list->vmas[list->count - 1];
	return field->read(line, vma + field->offset) ? 0 : -EBADMSG;
}

static int parse_lines(struct cryo_text *text, struct list *list)
{
	struct cryo_text line;

	while (cryo_text_line(text, &line)) {
		bool is_field = line.at < line.end && *line.at >= 'A' && *line.at <= 'Z';
		int r = is_field ? parse_field(&line, list) : parse_vma(&line, list);

		if (r < 0)
			return r;
	}
	return 0;
}

static void hand_over(struct list *list, struct cryo_vma **ret_vmas, size_t *ret_count)
{
	*ret_count = list->count;
	list->count = 0;
	*ret_vmas = steal_ptr(list->vmas);
}

int cryo_maps_parse(const char *text, size_t size, struct cryo_vma **ret_vmas, size_t *ret_count)
{
	_cleanup_(list_clear) struct list list = {0};
	struct cryo_text at = cryo_text_of(text, size);
	int r = parse_lines(&at, &list);

	if (r == 0 && list.torn)
		r = -EBADMSG;
	if (r < 0)
		return r;
	hand_over(&list, ret_vmas, ret_count);
	return 0;
}

/* Parse the whole lines of a block; what follows the last newline moves to its beginning. */
static int parse_block(struct cryo_buffer *block, struct list *list)
{
	const uint8_t *newline = memrchr(block->data, '\n', block->size);
	size_t whole = newline ? (size_t)(newline - block->data) + 1 : 0;
	struct cryo_text text = cryo_text_of((const char *)block->data, whole);
	int r = parse_lines(&text, list);

	memmove(block->data, block->data + whole, block->size - whole);
	block->size -= whole;
	return r;
}

/* Append the next block. Bytes read, 0 at the end, or -errno. */
static ssize_t read_block(int fd, struct cryo_buffer *block)
{
	int r = cryo_buffer_reserve(block, BLOCK);
	ssize_t n;

	if (r < 0)
		return r;
	n = cryo_io_read(fd, block->data + block->size, BLOCK);
	if (n > 0)
		block->size += (size_t)n;
	return n;
}

int cryo_maps_read(int fd, struct cryo_vma **ret_vmas, size_t *ret_count)
{
	_cleanup_(list_clear) struct list list = {0};
	_cleanup_buffer_ struct cryo_buffer block = {0};
	struct cryo_text rest;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read_block(fd, &block)) != 0) {
		r = n < 0 ? (int)n : parse_block(&block, &list);
		if (r == 0 && block.size > LINE_MAX_SIZE)
			r = -EBADMSG;
	}
	rest = cryo_text_of((const char *)block.data, block.size);
	if (r == 0)
		r = parse_lines(&rest, &list);
	if (r < 0)
		return r;
	hand_over(&list, ret_vmas, ret_count);
	return list.torn;
}

bool cryo_vma_name_is_ambiguous(const struct cryo_vma *vma)
{
	return vma->name && strstr(vma->name, "\\012");
}
