// SPDX-License-Identifier: MIT
/*
 * Names of functions: only where a symbol's own size says that it covers the address. A stripped
 * program has no names for most of its code; the nearest symbol below would be a wrong one.
 */
#pragma once

#include "stacks/module.h"

enum {
	CRYO_SYMBOLS_MAX = 4 << 20, /* of one module */
};

/**
 * cryo_symbol_find - the function that covers an address.
 * @address: in the target
 * @ret_name: bytes from an enemy, NUL-terminated; valid until the modules are cleared (and their
 * cache freed)
 * @ret_offset: of the address in the function
 *
 * Symbols come from the module's file (.symtab and .dynsym), or from the image in memory where
 * that has section headers (vdso). Returns 0, -ENOENT or -ENOMEM.
 */
int cryo_symbol_find(const struct cryo_modules *modules, struct cryo_module *module,
	uint64_t address, const char **ret_name, uint64_t *ret_offset);

void cryo_symbols_free(struct cryo_symbols *symbols);
