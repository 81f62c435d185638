// SPDX-License-Identifier: MIT
/*
 * The test's own process as a target: its memory, its mappings, and a general regset of the caller.
 */
#pragma once

#include <ucontext.h>

#include "stacks/stacks.h"

/* Memory of this process; what is not mapped is not there. */
struct cryo_view self_view(void);

/* Mappings of this process. Freed by self_mappings_free(). */
struct cryo_stack_mapping *self_mappings(size_t *ret_count);
void self_mappings_free(struct cryo_stack_mapping *mappings, size_t count);

/* Opens a module's file by its name. */
struct cryo_file_finder self_finder(void);

enum {
	SELF_GPR_SIZE = 27 * 8
};

/* struct user_regs_struct of x86_64 from a context. */
void self_registers(const ucontext_t *context, uint8_t registers[static SELF_GPR_SIZE]);
