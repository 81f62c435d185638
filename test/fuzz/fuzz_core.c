// SPDX-License-Identifier: MIT
/*
 * The core reader: any bytes are opened, their notes walked and their memory read, as `verify` and
 * `stacks` do.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "elf/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte of a desc is looked at, so that the sanitizer sees a desc that is too short. */
static int sum_desc(const struct cryo_core_note *note, void *data)
{
	uint64_t *sum = data;

	for (uint64_t i = 0; i < note->size; i++)
		*sum += note->desc[i];
	return 0;
}

static void check(const struct cryo_core *core)
{
	uint8_t memory[512];
	uint64_t sum = 0;

	if (core->n_phdrs > core->n_phdrs_claimed || core->n_loads > core->n_phdrs)
		abort();
	cryo_core_for_each_note(core, sum_desc, &sum);
	for (size_t i = 0; i < core->n_phdrs; i++) {
		uint64_t start = core->phdrs[i].vaddr, end = start + core->phdrs[i].memsz;

		if (cryo_core_read(core, start, memory, sizeof(memory)) > (ssize_t)sizeof(memory) ||
			cryo_core_read(core, end - 1, memory, 2) > 2)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	static int file = -1;

	if (file < 0)
		file = memfd_create("core", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 0) < 0 || cryo_io_pwrite(file, data, size, 0) < 0)
		abort();
	if (cryo_core_open_fd(file, &core) == 0)
		check(&core);
	return 0;
}
