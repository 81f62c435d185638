// SPDX-License-Identifier: MIT
/*
 * Memory out of a core. The PT_LOADs are searched by address, not in the order of the file, since a
 * kernel with core_sort_vma sorts them by size. A hole of the file needs no case of its own:
 * pread() gives its zeros.
 */

#include "base/io.h"
#include "elf/core.h"

/* The number of indexed PT_LOADs that begin at or below an address. */
static size_t count_up_to(const struct cryo_core *core, uint64_t address)
{
	size_t low = 0, high = core->n_loads;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (core->phdrs[core->by_address[middle]].vaddr <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct cryo_phdr *cryo_core_find_load(const struct cryo_core *core, uint64_t address)
{
	size_t below = count_up_to(core, address);
	const struct cryo_phdr *phdr;

	if (below == 0)
		return NULL;
	phdr = &core->phdrs[core->by_address[below - 1]];
	return address - phdr->vaddr < phdr->memsz ? phdr : NULL;
}

/* Bytes of a segment that the file holds from `skip` on. */
static uint64_t held(const struct cryo_core *core, const struct cryo_phdr *phdr, uint64_t skip)
{
	uint64_t size = phdr->filesz < phdr->memsz ? phdr->filesz : phdr->memsz;
	uint64_t room = phdr->offset < core->size ? core->size - phdr->offset : 0;

	size = size < room ? size : room;
	return skip < size ? size - skip : 0;
}

ssize_t cryo_core_read(const struct cryo_core *core, uint64_t address, void *data, size_t size)
{
	size_t done = 0;

	while (done < size && done <= UINT64_MAX - address) {
		const struct cryo_phdr *phdr = cryo_core_find_load(core, address + done);
		uint64_t skip = phdr ? address + done - phdr->vaddr : 0;
		uint64_t step = phdr ? held(core, phdr, skip) : 0;
		ssize_t n;

		if (step == 0)
			break;
		step = step < size - done ? step : size - done;
		n = cryo_io_pread(
			core->fd, (char *)data + done, (size_t)step, (off_t)(phdr->offset + skip));
		if (n < 0)
			return done ? (ssize_t)done : n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}
