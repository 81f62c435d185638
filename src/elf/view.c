// SPDX-License-Identifier: MIT
/*
 * A core holds some pages of a process, its files hold others, and neither knows of the other. The
 * layers are asked page by page, since what decides which one is right (a private mapping whose
 * page was written, a hole that the file fills) is a property of pages.
 */
#include "elf/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"

int cryo_view_read(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	ssize_t n = cryo_view_read_some(view, address, data, size);

	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EFAULT;
}

ssize_t cryo_view_read_some(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	size_t done = 0;

	while (done < size && address + done >= address) {
		ssize_t n = view->read(view, address + done, (uint8_t *)data + done, size - done);

		if (n == -EFAULT || n == 0)
			break;
		if (n < 0)
			return n;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static ssize_t file_read(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	struct cryo_view_file *file = (struct cryo_view_file *)view;
	ssize_t n;

	if (address > INT64_MAX - size)
		return -EFAULT;
	n = cryo_io_pread(file->fd, data, size, (off_t)address);
	return n > 0 ? n : -EFAULT;
}

struct cryo_view_file cryo_view_file(int fd)
{
	return (struct cryo_view_file){.view = {file_read}, .fd = fd};
}

static ssize_t head_read(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	const struct cryo_view_head *head = (struct cryo_view_head *)view;
	uint64_t offset = address - head->address;

	if (address < head->address || offset >= head->size)
		return head->below->read(head->below, address, data, size);
	if (size > head->size - offset)
		size = head->size - offset;
	memcpy(data, head->data + offset, size);
	return (ssize_t)size;
}

void cryo_view_head_init(struct cryo_view_head *head, struct cryo_view *below, uint64_t address)
{
	ssize_t n = below->read(below, address, head->data, sizeof(head->data));

	head->view.read = head_read;
	head->below = below;
	head->address = address;
	head->size = n > 0 ? (size_t)n : 0;
}

static ssize_t layers_read(struct cryo_view_stack *stack, uint64_t address, void *data, size_t size)
{
	for (size_t i = 0; i < stack->n_layers; i++) {
		ssize_t n = stack->layers[i]->read(stack->layers[i], address, data, size);

		if (n != -EFAULT)
			return n;
	}
	return -EFAULT;
}

static struct cryo_view_slot *find_slot(struct cryo_view_stack *stack, uint64_t page)
{
	/* Fibonacci hashing: neighbouring stacks of threads lie a power of two apart. */
	uint64_t hash = (page / CRYO_VIEW_PAGE) * 0x9e3779b97f4a7c15ULL;

	return &stack->slots[hash >> 32 & (CRYO_VIEW_SLOTS - 1)];
}

static uint8_t *data_of(const struct cryo_view_stack *stack, const struct cryo_view_slot *slot)
{
	return stack->data + (size_t)(slot - stack->slots) * CRYO_VIEW_PAGE;
}

static ssize_t fill_slot(struct cryo_view_stack *stack, uint64_t page, struct cryo_view_slot *slot)
{
	ssize_t n = layers_read(stack, page, data_of(stack, slot), CRYO_VIEW_PAGE);

	slot->page = n > 0 ? page + 1 : 0;
	slot->size = n > 0 ? (size_t)n : 0;
	return n;
}

/* At most to the end of one page; what the cache does not hold is read past it. */
static ssize_t stack_read(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	struct cryo_view_stack *stack = (struct cryo_view_stack *)view;
	uint64_t offset = address % CRYO_VIEW_PAGE, page = address - offset;
	struct cryo_view_slot *slot = find_slot(stack, page);
	ssize_t n = 0;

	if (size > CRYO_VIEW_PAGE - offset)
		size = CRYO_VIEW_PAGE - offset;
	if (slot->page != page + 1)
		n = fill_slot(stack, page, slot);
	if (n < 0 && n != -EFAULT)
		return n;
	if (slot->size <= offset)
		return layers_read(stack, address, data, size);
	if (size > slot->size - offset)
		size = slot->size - offset;
	memcpy(data, data_of(stack, slot) + offset, size);
	return (ssize_t)size;
}

int cryo_view_stack_init(struct cryo_view_stack *stack)
{
	_cleanup_free_ struct cryo_view_slot *slots = calloc(CRYO_VIEW_SLOTS, sizeof(*slots));
	uint8_t *data = malloc((size_t)CRYO_VIEW_SLOTS * CRYO_VIEW_PAGE);

	if (!slots || !data) {
		free(data);
		return -ENOMEM;
	}
	*stack = (struct cryo_view_stack){
		.view = {stack_read}, .slots = steal_ptr(slots), .data = data};
	return 0;
}

int cryo_view_stack_add(struct cryo_view_stack *stack, struct cryo_view *layer)
{
	if (stack->n_layers == CRYO_VIEW_LAYERS)
		return -ENOSPC;
	stack->layers[stack->n_layers++] = layer;
	return 0;
}

void cryo_view_stack_clear(struct cryo_view_stack *stack)
{
	free(stack->slots);
	free(stack->data);
	*stack = (struct cryo_view_stack){0};
}
