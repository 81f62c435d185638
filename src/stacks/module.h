// SPDX-License-Identifier: MIT
/*
 * The modules of a process (its program, its shared libraries, the vdso): found in its memory, with
 * the files they came from where these can be proved to be the right ones.
 */
#pragma once

#include <stdbool.h>

#include "elf/image.h"

struct cryo_eh_table;
struct cryo_symbols;
struct cryo_symbols_cache;

enum {
	CRYO_MODULES_MAX = 8192, /* more are not looked for */
};

/**
 * struct cryo_stack_mapping - a mapping, as far as stacks need it.
 * @offset: into the file, bytes
 * @name: of the file, raw; NULL if there is none; not owned
 * @module: index of its module; SIZE_MAX if it has none
 */
struct cryo_stack_mapping {
	uint64_t start, end;
	uint64_t offset;
	const char *name;
	size_t module;
};

enum cryo_module_file {
	CRYO_MODULE_FILE_UNKNOWN, /* not yet looked for */
	CRYO_MODULE_FILE_NONE,
	CRYO_MODULE_FILE_OPEN,
};

/**
 * struct cryo_module - an ELF image in memory.
 * @name: of its file, raw; NULL if it has none (vdso); not owned
 * @start, @end: addresses that belong to it; its first mapping ends at @first_end
 * @bias: added to an address as linked
 * @fd: its file, once it is found; owned
 * @table, @symbols: see eh_table.h and symbols.h; made when first needed; owned
 * @has_shared_symbols: but not the symbols, which the cache has
 */
struct cryo_module {
	const char *name;
	uint64_t start, end, first_end;
	uint64_t bias;
	struct cryo_image image;
	struct cryo_build_id build_id;
	enum cryo_module_file file;
	int fd;
	struct cryo_eh_table *table;
	struct cryo_symbols *symbols;
	bool has_shared_symbols;
};

/**
 * struct cryo_file_finder - where the files of modules are looked for; the owner embeds it.
 * @open: open candidate number @attempt of a module (0, 1, ...) for reading. Returns a descriptor;
 *	-ENOENT if that candidate does not exist; -ENODATA after the last. @ret_own is set if it was
 *	taken from the process itself, so that equal headers prove it where there is no build-id
 */
struct cryo_file_finder {
	int (*open)(struct cryo_file_finder *finder, const struct cryo_module *module,
		unsigned int attempt, bool *ret_own);
};

/**
 * struct cryo_modules - all of them.
 * @mappings: in the order of addresses; not owned
 * @view: memory that is certainly the process's own; not owned
 * @finder: not owned
 * @cache: of symbols; not owned; NULL: there is none
 */
struct cryo_modules {
	struct cryo_module *modules;
	size_t n_modules;
	struct cryo_stack_mapping *mappings;
	size_t n_mappings;
	struct cryo_view *view;
	struct cryo_file_finder *finder;
	struct cryo_symbols_cache *cache;
};

/**
 * cryo_modules_find - find every ELF image that begins a mapping.
 * @mappings: sorted by start; @module is filled in
 *
 * Returns 0 or -ENOMEM. What cannot be read is no module.
 */
int cryo_modules_find(struct cryo_stack_mapping *mappings, size_t n_mappings,
	struct cryo_view *view, struct cryo_file_finder *finder, struct cryo_modules *ret_modules);

void cryo_modules_clear(struct cryo_modules *modules);

/* The mapping that has an address; NULL if none. */
struct cryo_stack_mapping *cryo_modules_mapping(
	const struct cryo_modules *modules, uint64_t address);

/* The module that has an address; NULL if none. */
struct cryo_module *cryo_modules_at(const struct cryo_modules *modules, uint64_t address);

/* The descriptor of a module's file, looked for at the first call; -1 if none is the right one. */
int cryo_module_fd(const struct cryo_modules *modules, struct cryo_module *module);

/* The files of modules as a layer of memory: what a core leaves out since the files have it. */
struct cryo_view_modules {
	struct cryo_view view;
	const struct cryo_modules *modules;
};

struct cryo_view_modules cryo_view_modules(const struct cryo_modules *modules);
