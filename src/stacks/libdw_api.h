// SPDX-License-Identifier: MIT
/*
 * libdw (elfutils), loaded when a stack is first unwound.
 */
#pragma once

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include "base/library.h"

/* Every function of libdw that is used. */
#define CRYO_LIBDW_FUNCTIONS(F)                                                                    \
	F(dwarf_cfi_addrframe)                                                                     \
	F(dwarf_next_cfi)                                                                          \
	F(dwfl_addrmodule)                                                                         \
	F(dwfl_attach_state)                                                                       \
	F(dwfl_begin)                                                                              \
	F(dwfl_end)                                                                                \
	F(dwfl_frame_pc)                                                                           \
	F(dwfl_frame_reg)                                                                          \
	F(dwfl_getthread_frames)                                                                   \
	F(dwfl_module_dwarf_cfi)                                                                   \
	F(dwfl_module_eh_cfi)                                                                      \
	F(dwfl_module_info)                                                                        \
	F(dwfl_offline_section_address)                                                            \
	F(dwfl_report_begin)                                                                       \
	F(dwfl_report_end)                                                                         \
	F(dwfl_report_module)                                                                      \
	F(dwfl_thread_state_registers)

struct cryo_libdw_api {
	CRYO_LIBDW_FUNCTIONS(CRYO_LIBRARY_POINTER)
};

/* The functions. 0, or -ELIBACC: libdw cannot be loaded (package libdw1). */
int cryo_libdw_api_get(const struct cryo_libdw_api **ret_api);
