// SPDX-License-Identifier: MIT
/*
 * The list of the dynamic linker, read from the live process, and its memory as a view. Only pages
 * that are there are read, so that none is faulted into the process.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "elf/link_map.h"
#include "evidence/bundle_state.h"
#include "proc/auxv.h"
#include "proc/procfs.h"
#include "trace/memory.h"

struct memory_view {
	struct cryo_view_stack stack; /* a cache of pages in front of it */
	struct cryo_view pages;
	struct cryo_memory memory;
};

static ssize_t read_page(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	struct memory_view *memory =
		(struct memory_view *)((char *)view - offsetof(struct memory_view, pages));
	uint64_t page = address / memory->memory.page_size * memory->memory.page_size, next;
	uint64_t left = page + memory->memory.page_size - address;
	struct cryo_extent extent;
	size_t count = 0;
	ssize_t n;

	if (cryo_memory_scan(&memory->memory, page, page + memory->memory.page_size, &extent, 1,
		    &count, &next) < 0 ||
		count == 0)
		return -EFAULT;
	n = cryo_memory_read(&memory->memory, address, data, size < left ? size : left, true);
	return n > 0 ? n : -EFAULT;
}

int cryo_bundle_memory_open(pid_t tid, int dir, struct cryo_view **ret_view)
{
	struct memory_view *memory = calloc(1, sizeof(*memory));
	int r;

	if (!memory)
		return -ENOMEM;
	memory->memory = CRYO_MEMORY_NONE;
	memory->pages.read = read_page;
	r = cryo_view_stack_init(&memory->stack);
	if (r == 0)
		r = cryo_view_stack_add(&memory->stack, &memory->pages);
	if (r == 0)
		r = cryo_memory_open(dir, tid, &memory->memory);
	*ret_view = &memory->stack.view;
	if (r < 0) {
		cryo_bundle_memory_close(*ret_view);
		*ret_view = NULL;
	}
	return r;
}

void cryo_bundle_memory_close(struct cryo_view *view)
{
	struct memory_view *memory = (struct memory_view *)view;

	if (!memory)
		return;
	cryo_view_stack_clear(&memory->stack);
	cryo_memory_close(&memory->memory);
	free(memory);
}

struct namer {
	struct cryo_bundle *bundle;
	size_t subject;
	const struct cryo_mapped_list *mapped;
	const struct cryo_bundled *bundled;
};

static const struct cryo_bundle_file *file_of(const struct namer *namer, size_t i)
{
	size_t file = namer->bundled[i].file;

	return file < namer->bundle->n_files ? &namer->bundle->files[file] : NULL;
}

static uint64_t bias_of(const struct cryo_mapped *mapped, const struct cryo_bundle_file *file)
{
	return mapped->start - mapped->offset - file->link_base;
}

static int take_name(void *user, uint64_t bias, const char *name)
{
	const struct namer *namer = user;

	cryo_bundle_beat(namer->bundle);
	for (size_t i = 0; name[0] == '/' && i < namer->mapped->count; i++) {
		const struct cryo_mapped *mapped = &namer->mapped->array[i];
		const struct cryo_bundle_file *file = file_of(namer, i);
		struct cryo_bundle_record record = {
			CRYO_BUNDLE_RECORD_ALIAS, (uint32_t)strlen(name), namer->subject, i};

		if (!file || file->reason != CRYO_BUNDLE_STORED || !file->elf_class ||
			bias_of(mapped, file) != bias || strcmp(name, mapped->name) == 0)
			continue;
		return cryo_bundle_tell(namer->bundle, &record, name);
	}
	return 0;
}

/* The program is where AT_PHDR points to. Index, or SIZE_MAX. */
static size_t find_program(const struct namer *namer, const struct cryo_buffer *auxv)
{
	for (size_t i = 0; i < namer->mapped->count; i++) {
		const struct cryo_mapped *mapped = &namer->mapped->array[i];
		const struct cryo_bundle_file *file = file_of(namer, i);
		uint64_t phdr;

		if (file && file->elf_class &&
			cryo_auxv_get(auxv->data, auxv->size, file->elf_class == ELFCLASS32 ? 4 : 8,
				AT_PHDR, &phdr) &&
			phdr >= mapped->start && phdr < mapped->end)
			return i;
	}
	return SIZE_MAX;
}

int cryo_bundle_aliases(struct cryo_bundle *bundle, const struct cryo_bundle_process *process,
	size_t subject, const struct cryo_bundled *bundled)
{
	_cleanup_buffer_ struct cryo_buffer auxv = {0};
	struct namer namer = {bundle, subject, bundle->subjects[subject].mapped, bundled};
	struct cryo_image program;
	size_t index;
	int r;

	if (!process->memory || cryo_procfs_read(process->dir, "auxv", 1 << 16, &auxv) < 0)
		return 0;
	index = find_program(&namer, &auxv);
	if (index == SIZE_MAX ||
		cryo_image_read(process->memory, namer.mapped->array[index].start, &program) < 0)
		return 0;
	r = cryo_link_map_walk(process->memory, &program,
		bias_of(&namer.mapped->array[index], file_of(&namer, index)), take_name, &namer);
	return r == -ENOENT || r == -EFAULT ? 0 : r;
}
