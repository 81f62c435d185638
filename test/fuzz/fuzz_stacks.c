// SPDX-License-Identifier: MIT
/*
 * stacks: the threads of any core are unwound, without any file, within few frames and little time.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "stacks/core_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	FRAMES = 64
};

static void check(const struct cryo_stacks *stacks)
{
	for (size_t i = 0; i < stacks->n_stacks; i++)
		if (stacks->stacks[i].n_frames > FRAMES)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct cryo_stacks_limits limits = {FRAMES, CRYO_NSEC_PER_SEC / 2};
	_cleanup_core_target_ struct cryo_core_target target = {.core = CRYO_CORE_NONE};
	struct cryo_stacks stacks;
	static int file = -1;

	if (file < 0)
		file = memfd_create("core", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 0) < 0 || cryo_io_pwrite(file, data, size, 0) < 0)
		abort();
	if (cryo_core_target_open_fd(file, NULL, -1, &target) < 0)
		return 0;
	target.target.finder = NULL;
	if (cryo_stacks_make(&target.target, &limits, &stacks) == 0) {
		check(&stacks);
		cryo_stacks_clear(&stacks);
	}
	return 0;
}
