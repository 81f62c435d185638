// SPDX-License-Identifier: MIT
/*
 * The sorted table of a module's unwind entries, as PT_GNU_EH_FRAME holds it; or, for a module that
 * was linked without one, made from its .eh_frame.
 */
#pragma once

#include "stacks/module.h"

/* An entry: the first address that it covers, and its FDE, both relative to a base. */
struct cryo_eh_pair {
	int32_t first, fde;
};

/**
 * struct cryo_eh_table - pairs, sorted by their first address.
 * @base: added to the offsets
 * @address: of the first pair, in the target's memory or inside CRYO_EH_SYNTHETIC
 * @count: pairs; 0 if the module has no unwind entries
 * @unreadable: there are entries, but their memory cannot be had
 * @made: the pairs, if they were made here; owned
 */
struct cryo_eh_table {
	uint64_t base;
	uint64_t address;
	uint64_t count;
	bool unreadable;
	struct cryo_eh_pair *made;
};

/* Addresses from here on belong to made tables: no address of a process, on any architecture. */
#define CRYO_EH_SYNTHETIC 0xf000000000000000ULL

/**
 * cryo_eh_table_get - the table of a module, made at the first call.
 * @view: its memory, files included
 *
 * Returns 0, -ENOENT (no unwind entries), -EFAULT (they cannot be read) or -ENOMEM.
 */
int cryo_eh_table_get(const struct cryo_modules *modules, struct cryo_module *module,
	struct cryo_view *view, const struct cryo_eh_table **ret_table);

void cryo_eh_table_free(struct cryo_eh_table *table);

/* Made tables as a layer of memory. */
struct cryo_view_tables {
	struct cryo_view view;
	const struct cryo_modules *modules;
};

struct cryo_view_tables cryo_view_tables(const struct cryo_modules *modules);
