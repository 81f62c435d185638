// SPDX-License-Identifier: MIT
/*
 * The code is looked for in the files behind the executable mappings, not in the memory of the
 * process; the tracer makes sure of the bytes there.
 *
 * Stacks: the kernel's [stack], and what a thread library maps for one: memory right above
 * inaccessible memory, its guard. Stacks that a program makes up inside its heap are none: they may
 * be too small for a signal frame.
 */
#include "capture/site.h"

#include <errno.h>
#include <string.h>

#include "base/io.h"

enum {
	BLOCK = 1024 * 1024,
	OVERLAP = 16,
	STACK_MIN = 64 * 1024
};

static bool is_found(const struct cryo_site *site)
{
	return site->call && site->restorer;
}

static void search_file(int fd, const struct cryo_vma *vma, struct cryo_site *site)
{
	_cleanup_free_ uint8_t *block = malloc(BLOCK);
	uint64_t size = vma->end - vma->start;

	for (uint64_t at = 0; block && at < size && !is_found(site); at += BLOCK - OVERLAP) {
		size_t part = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
		ssize_t got = cryo_io_pread(fd, block, part, (off_t)(vma->offset + at));

		if (got <= 0)
			return;
		cryo_inject_find_code(site, vma->start + at, block, (size_t)got);
	}
}

static void find_code(const struct cryo_inspector *inspector, const struct cryo_process *process,
	struct cryo_site *site)
{
	for (size_t i = 0; i < process->n_vmas && !is_found(site); i++) {
		const struct cryo_vma *vma = &process->vmas[i];
		_cleanup_close_ int fd = -1;

		if (vma->kind != CRYO_VMA_FILE || !(vma->flags & CRYO_VM_EXEC))
			continue;
		fd = cryo_inspector_open_file(inspector, vma);
		if (fd >= 0)
			search_file(fd, vma, site);
	}
}

static bool is_inaccessible(const struct cryo_vma *vma)
{
	return !(vma->flags & (CRYO_VM_READ | CRYO_VM_WRITE | CRYO_VM_EXEC));
}

static bool is_stack(const struct cryo_vma *vma, const struct cryo_vma *below)
{
	if (vma->kind != CRYO_VMA_ANONYMOUS || !(vma->flags & CRYO_VM_WRITE) ||
		vma->flags & (CRYO_VM_MAYSHARE | CRYO_VM_UFFD))
		return false;
	if (vma->name && strcmp(vma->name, "[stack]") == 0)
		return true;
	return below && below->end == vma->start && is_inaccessible(below) &&
	       vma->end - vma->start >= STACK_MIN;
}

/* [stack] is the last of them, and always in. */
static void find_stacks(const struct cryo_process *process, struct cryo_site *site)
{
	for (size_t i = process->n_vmas; i-- > 0 && site->n_stacks < CRYO_SITE_STACKS;) {
		const struct cryo_vma *vma = &process->vmas[i];

		if (!is_stack(vma, i ? vma - 1 : NULL))
			continue;
		site->stacks[site->n_stacks].start = vma->start;
		site->stacks[site->n_stacks++].end = vma->end;
	}
}

int cryo_site_find(const struct cryo_inspector *inspector, const struct cryo_process *process,
	struct cryo_site *ret_site)
{
	struct cryo_site site = {0};

	find_code(inspector, process, &site);
	if (!is_found(&site))
		return -ENOEXEC;
	find_stacks(process, &site);
	*ret_site = site;
	return 0;
}
