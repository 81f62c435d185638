// SPDX-License-Identifier: MIT
/*
 * libunwind for the machine that it was compiled for, loaded when a stack is first unwound.
 *
 * dwarf_search_unwind_table() is exported under a decorated name (UNW_OBJ) though no header has it;
 * perf(1) builds on it as well.
 */
#pragma once

#include <libunwind.h>

#include "base/library.h"

#define unw_search_unwind_table UNW_OBJ(dwarf_search_unwind_table)

extern int unw_search_unwind_table(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *table,
	unw_proc_info_t *info, int need_info, void *arg);

/* Every function of libunwind that is used. */
#define CRYO_LIBUNWIND_FUNCTIONS(F)                                                                \
	F(unw_create_addr_space)                                                                   \
	F(unw_destroy_addr_space)                                                                  \
	F(unw_get_reg)                                                                             \
	F(unw_init_remote)                                                                         \
	F(unw_is_signal_frame)                                                                     \
	F(unw_search_unwind_table)                                                                 \
	F(unw_set_cache_size)                                                                      \
	F(unw_set_caching_policy)                                                                  \
	F(unw_step)

struct cryo_libunwind_api {
	CRYO_LIBUNWIND_FUNCTIONS(CRYO_LIBRARY_POINTER)
};

/* The functions. 0, or -ELIBACC: libunwind cannot be loaded (package libunwind8). */
int cryo_libunwind_api_get(const struct cryo_libunwind_api **ret_api);
