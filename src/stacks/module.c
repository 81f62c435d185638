// SPDX-License-Identifier: MIT
/*
 * A module is where a mapping begins with an ELF header; the following mappings of the same file
 * belong to it as far as its program headers reach. The name decides nothing but what belongs
 * together: the file at that path may be another by now, so it is used only if its build-id is the
 * one in memory.
 */
#include "stacks/module.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "stacks/eh_table.h"
#include "stacks/symbols.h"

static bool same_name(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A small file may be mapped from offset 0 more than once: one of these is its data segment. */
static bool begins_segment(const struct cryo_module *module, uint64_t address)
{
	for (size_t i = 0; i < module->image.n_phdrs; i++) {
		const struct cryo_phdr *phdr = &module->image.phdrs[i];

		if (phdr->type == PT_LOAD &&
			(module->bias + phdr->vaddr) / CRYO_VIEW_PAGE == address / CRYO_VIEW_PAGE)
			return true;
	}
	return false;
}

static bool continues(const struct cryo_module *module, const struct cryo_stack_mapping *mapping)
{
	return mapping->start < module->bias + module->image.link_end &&
	       same_name(module->name, mapping->name) &&
	       (mapping->offset != 0 || begins_segment(module, mapping->start));
}

static int add_module(struct cryo_modules *all, struct cryo_stack_mapping *mapping)
{
	struct cryo_view_head head;
	struct cryo_image image;
	struct cryo_module *module;

	if (mapping->offset != 0 || all->n_modules == CRYO_MODULES_MAX)
		return 0;
	cryo_view_head_init(&head, all->view, mapping->start);
	if (cryo_image_read(&head.view, mapping->start, &image) < 0)
		return 0;
	module = cryo_array_add(all->modules, all->n_modules);
	if (!module)
		return -ENOMEM;
	*module = (struct cryo_module){
		.name = mapping->name,
		.start = mapping->start,
		.end = mapping->end,
		.first_end = mapping->end,
		.bias = mapping->start - image.link_base,
		.image = image,
		.fd = -1,
	};
	cryo_image_build_id(&image, &head.view, module->bias, false, &module->build_id);
	mapping->module = all->n_modules - 1;
	return 0;
}

static int find_all(struct cryo_modules *all)
{
	for (size_t i = 0; i < all->n_mappings; i++) {
		struct cryo_stack_mapping *mapping = &all->mappings[i];
		struct cryo_module *last =
			all->n_modules ? &all->modules[all->n_modules - 1] : NULL;
		int r = 0;

		mapping->module = SIZE_MAX;
		if (last && continues(last, mapping)) {
			mapping->module = all->n_modules - 1;
			last->end = mapping->end;
		} else {
			r = add_module(all, mapping);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int cryo_modules_find(struct cryo_stack_mapping *mappings, size_t n_mappings,
	struct cryo_view *view, struct cryo_file_finder *finder, struct cryo_modules *ret_modules)
{
	struct cryo_modules all = {
		.mappings = mappings, .n_mappings = n_mappings, .view = view, .finder = finder};
	int r = find_all(&all);

	if (r < 0)
		cryo_modules_clear(&all);
	else
		*ret_modules = all;
	return r;
}

void cryo_modules_clear(struct cryo_modules *all)
{
	for (size_t i = 0; i < all->n_modules; i++) {
		struct cryo_module *module = &all->modules[i];

		cryo_eh_table_free(module->table);
		if (!module->has_shared_symbols)
			cryo_symbols_free(module->symbols);
		cryo_cleanup_close(&module->fd);
	}
	free(all->modules);
	*all = (struct cryo_modules){0};
}

struct cryo_stack_mapping *cryo_modules_mapping(const struct cryo_modules *all, uint64_t address)
{
	size_t low = 0, high = all->n_mappings;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->mappings[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address >= all->mappings[low - 1].end)
		return NULL;
	return &all->mappings[low - 1];
}

/* Text that was moved to huge pages lies in an anonymous mapping amid its module. */
static struct cryo_module *find_around(const struct cryo_modules *all, uint64_t address)
{
	for (size_t i = all->n_modules; i > 0; i--) {
		struct cryo_module *module = &all->modules[i - 1];

		if (module->start <= address)
			return address < module->end ? module : NULL;
	}
	return NULL;
}

struct cryo_module *cryo_modules_at(const struct cryo_modules *all, uint64_t address)
{
	struct cryo_stack_mapping *mapping = cryo_modules_mapping(all, address);

	if (mapping && mapping->module != SIZE_MAX)
		return &all->modules[mapping->module];
	return mapping && !mapping->name ? find_around(all, address) : NULL;
}

static bool same_build_id(const struct cryo_build_id *a, const struct cryo_build_id *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static bool same_header_page(struct cryo_view *memory, uint64_t start, struct cryo_view *file)
{
	uint8_t a[CRYO_IMAGE_HEADER], b[CRYO_IMAGE_HEADER];
	ssize_t n = cryo_view_read_some(memory, start, a, sizeof(a));

	return n > 0 && cryo_view_read(file, 0, b, (size_t)n) == 0 && memcmp(a, b, (size_t)n) == 0;
}

/* Whether a file is the one that the module was mapped from. */
static bool matches(
	const struct cryo_modules *all, const struct cryo_module *module, int fd, bool own)
{
	struct cryo_view_file file = cryo_view_file(fd);
	struct cryo_view_head head;
	struct cryo_build_id id = {0};
	struct cryo_image image;

	cryo_view_head_init(&head, &file.view, 0);
	if (cryo_image_read(&head.view, 0, &image) < 0)
		return false;
	cryo_image_build_id(&image, &head.view, 0, true, &id);
	if (!same_build_id(&id, &module->build_id))
		return false;
	return id.size > 0 || (own && same_header_page(all->view, module->start, &file.view));
}

static int find_file(const struct cryo_modules *all, const struct cryo_module *module)
{
	for (unsigned int attempt = 0;; attempt++) {
		bool own = false;
		_cleanup_close_ int fd = all->finder->open(all->finder, module, attempt, &own);

		if (fd == -ENODATA)
			return -1;
		if (fd >= 0 && matches(all, module, fd, own))
			return steal_fd(&fd);
	}
}

int cryo_module_fd(const struct cryo_modules *all, struct cryo_module *module)
{
	if (module->file == CRYO_MODULE_FILE_UNKNOWN) {
		module->fd = all->finder && module->name ? find_file(all, module) : -1;
		module->file = module->fd >= 0 ? CRYO_MODULE_FILE_OPEN : CRYO_MODULE_FILE_NONE;
	}
	return module->fd;
}

static ssize_t modules_read(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	const struct cryo_modules *all = ((struct cryo_view_modules *)view)->modules;
	struct cryo_stack_mapping *mapping = cryo_modules_mapping(all, address);
	uint64_t into;
	ssize_t n;
	int fd;

	if (!mapping || mapping->module == SIZE_MAX)
		return -EFAULT;
	fd = cryo_module_fd(all, &all->modules[mapping->module]);
	into = address - mapping->start;
	if (fd < 0 || mapping->offset > INT64_MAX - into)
		return -EFAULT;
	if (size > mapping->end - address)
		size = mapping->end - address;
	n = cryo_io_pread(fd, data, size, (off_t)(mapping->offset + into));
	return n > 0 ? n : -EFAULT;
}

struct cryo_view_modules cryo_view_modules(const struct cryo_modules *modules)
{
	return (struct cryo_view_modules){.view = {modules_read}, .modules = modules};
}
