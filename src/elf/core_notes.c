// SPDX-License-Identifier: MIT
/*
 * Walking notes (elf(5), "Notes"): three words, the owner, the desc, each of the last two padded;
 * to 4 bytes, or to 8 where p_align says 8. A desc is read into one buffer that grows to the
 * largest of them. A walk has a budget of notes and of bytes, since a sparse file of zeros is
 * an endless row of empty notes.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "elf/core.h"
#include "elf/encode.h"

enum {
	HEAD_SIZE = sizeof(Elf64_Nhdr), /* the same for both classes */
};

struct walk {
	const struct cryo_core *core;
	cryo_core_note_visitor *visitor;
	void *data;
	struct cryo_buffer desc;
	uint64_t notes_left, bytes_left;
};

/* Read `size` bytes; fewer are malformed, since the end of the file was looked at before. */
static int read_part(const struct cryo_core *core, void *data, size_t size, uint64_t offset)
{
	ssize_t n = cryo_io_pread(core->fd, data, size, (off_t)offset);

	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EBADMSG;
}

static uint64_t padded(uint64_t size, uint64_t align)
{
	return (size + align - 1) / align * align;
}

/* The desc into the walk's buffer, in front of the visitor. */
static int visit(struct walk *walk, struct cryo_core_note *note)
{
	int r;

	if (note->size > CRYO_CORE_NOTE_MAX || walk->notes_left == 0)
		return -E2BIG;
	walk->notes_left--;
	walk->desc.size = 0;
	if (!cryo_buffer_add_zero(&walk->desc, (size_t)note->size))
		return -ENOMEM;
	r = read_part(walk->core, walk->desc.data, (size_t)note->size, note->offset);
	if (r < 0)
		return r;
	note->desc = walk->desc.data;
	return walk->visitor(note, walk->data);
}

/* The note at `at`, of which `left` bytes are in the segment; `ret_size` is the whole of it. */
static int walk_note(
	struct walk *walk, uint64_t at, uint64_t left, uint64_t align, uint64_t *ret_size)
{
	struct cryo_core_note note = {0};
	uint8_t order = walk->core->elf_data, head[HEAD_SIZE];
	uint64_t owner_size, desc_at;
	int r = left < sizeof(head) ? -EBADMSG : read_part(walk->core, head, sizeof(head), at);

	if (r < 0)
		return r;
	owner_size = cryo_decode(order, head, (struct cryo_field){0, 4});
	note.size = cryo_decode(order, head, (struct cryo_field){4, 4});
	note.type = (uint32_t)cryo_decode(order, head, (struct cryo_field){8, 4});
	desc_at = padded(sizeof(head) + owner_size, align);
	if (desc_at + note.size > left)
		return -EBADMSG;
	if (owner_size > sizeof(note.owner) - 1)
		owner_size = sizeof(note.owner) - 1;
	r = read_part(walk->core, note.owner, (size_t)owner_size, at + sizeof(head));
	if (r < 0)
		return r;
	note.offset = at + desc_at;
	*ret_size = padded(desc_at + note.size, align);
	return visit(walk, &note);
}

static int walk_segment(struct walk *walk, const struct cryo_phdr *phdr)
{
	uint64_t room = phdr->offset < walk->core->size ? walk->core->size - phdr->offset : 0;
	uint64_t limit = phdr->filesz < room ? phdr->filesz : room, done = 0, size = 0;
	uint64_t align = phdr->align == 8 ? 8 : 4;
	int r = 0;

	if (limit > walk->bytes_left)
		return -E2BIG;
	walk->bytes_left -= limit;
	for (; done < limit && r == 0; done += size)
		r = walk_note(walk, phdr->offset + done, limit - done, align, &size);
	return r == 0 && limit < phdr->filesz ? -EBADMSG : r;
}

int cryo_core_for_each_note(
	const struct cryo_core *core, cryo_core_note_visitor *visitor, void *data)
{
	struct walk walk = {
		.core = core,
		.visitor = visitor,
		.data = data,
		.notes_left = CRYO_CORE_NOTES_MAX,
		.bytes_left = CRYO_CORE_NOTE_BYTES_MAX,
	};
	int r = 0;

	for (size_t i = 0; i < core->n_phdrs && r == 0; i++)
		if (core->phdrs[i].type == PT_NOTE)
			r = walk_segment(&walk, &core->phdrs[i]);
	cryo_buffer_clear(&walk.desc);
	return r;
}
