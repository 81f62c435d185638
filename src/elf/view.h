// SPDX-License-Identifier: MIT
/*
 * A view of a target's memory: what an unwinder reads, wherever the bytes come from (a core file,
 * the files that were mapped, a live process).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct cryo_view - the operation; the owner embeds it as its first member.
 * @read: copy up to @size bytes from @address. Returns how many there are (at least 1, fewer when
 *	the rest lies elsewhere), or -EFAULT if the first byte is not to be had; another -errno
 *	ends the whole view
 */
struct cryo_view {
	ssize_t (*read)(struct cryo_view *view, uint64_t address, void *data, size_t size);
};

/* Read exactly @size bytes. 0, or -errno (-EFAULT: they are not all there). */
int cryo_view_read(struct cryo_view *view, uint64_t address, void *data, size_t size);

/* Read up to @size bytes, as many as follow without a gap. Bytes read (0: none there) or -errno. */
ssize_t cryo_view_read_some(struct cryo_view *view, uint64_t address, void *data, size_t size);

/* An open file seen as memory: addresses are offsets. It keeps the descriptor, but does not own it.
 */
struct cryo_view_file {
	struct cryo_view view;
	int fd;
};

struct cryo_view_file cryo_view_file(int fd);

enum {
	CRYO_VIEW_PAGE = 4096,
	CRYO_VIEW_SLOTS = 256,
	CRYO_VIEW_LAYERS = 3,
};

struct cryo_view_slot {
	uint64_t page; /* address, plus 1 so that 0 is "empty" */
	size_t size;   /* bytes known, from the start of the page */
};

/**
 * struct cryo_view_stack - views on top of each other, with a cache of pages in front.
 * @layers: asked in turn for each page; the first that has it wins. Not owned
 * @slots: CRYO_VIEW_SLOTS; @data: a page for each, of which few are ever touched
 *
 * An unwinder reads bytes by the thousand from few pages; each would be a system call.
 */
struct cryo_view_stack {
	struct cryo_view view;
	struct cryo_view *layers[CRYO_VIEW_LAYERS];
	size_t n_layers;
	struct cryo_view_slot *slots;
	uint8_t *data;
};

/**
 * struct cryo_view_head - another view, and the page of it that was read first.
 *
 * What describes an ELF image stands in its first page, and is read bit by bit.
 */
struct cryo_view_head {
	struct cryo_view view;
	struct cryo_view *below;
	uint64_t address;
	size_t size;
	uint8_t data[CRYO_VIEW_PAGE];
};

/* @below: borrowed; @address: where that page begins, or what there is of it */
void cryo_view_head_init(struct cryo_view_head *head, struct cryo_view *below, uint64_t address);

/* Make an empty one. 0 or -ENOMEM. */
int cryo_view_stack_init(struct cryo_view_stack *stack);

/* Add a layer below the others. -ENOSPC if there are CRYO_VIEW_LAYERS. */
int cryo_view_stack_add(struct cryo_view_stack *stack, struct cryo_view *layer);

void cryo_view_stack_clear(struct cryo_view_stack *stack);
