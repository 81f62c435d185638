// SPDX-License-Identifier: MIT
/*
 * Sizes and offsets are the processor's (CPUID leaf 0xd, standard format); they are the same for
 * all threads. This is the only file that asks the processor anything.
 */
#include "trace/xsave.h"

#include <elf.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

enum {
	XSTATE_MASK_OFFSET = 464,
	XSAVE_LEAF = 0xd
};

static int add_feature(struct cryo_buffer *layout, uint32_t feature)
{
	uint32_t record[4] = {feature}, unused_c, unused_d;

	/* Who has such registers has the leaf; to ask for that too is one more trap in a VM. */
	__cpuid_count(XSAVE_LEAF, feature, record[1], record[2], unused_c, unused_d);
	return cryo_buffer_add(layout, record, sizeof(record));
}

static int layout_of(const struct cryo_regset *regset, struct cryo_buffer *layout)
{
	uint64_t mask;
	int r = 0;

	if (regset->size < XSTATE_MASK_OFFSET + sizeof(mask))
		return 0;
	memcpy(&mask, (const char *)regset->data + XSTATE_MASK_OFFSET, sizeof(mask));
	for (uint32_t feature = 2; feature < 63 && r == 0; feature++)
		if (mask & 1ULL << feature)
			r = add_feature(layout, feature);
	return r;
}
#else
static int layout_of(const struct cryo_regset *regset, struct cryo_buffer *layout)
{
	(void)regset;
	(void)layout;
	return 0;
}
#endif

int cryo_xsave_layout(const struct cryo_thread *thread, struct cryo_buffer *layout)
{
	for (size_t i = 0; i < thread->n_regsets; i++)
		if (thread->regsets[i].type == NT_X86_XSTATE)
			return layout_of(&thread->regsets[i], layout);
	return 0;
}
