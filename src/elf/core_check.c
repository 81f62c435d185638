// SPDX-License-Identifier: MIT
/*
 * A frame can be wrong in itself (one header) or in pairs (two headers claim one byte). Pairs are
 * found by sorting: among ranges sorted by their start, two overlap if and only if some range
 * begins before the furthest end of those ahead of it.
 */
#include "elf/core_check.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Ties by index, so that the order does not depend on qsort_r(). */
static int by_vaddr(const void *a, const void *b, void *phdrs)
{
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct cryo_phdr *table = phdrs;
	int order = compare(table[i].vaddr, table[j].vaddr);

	return order ? order : compare(i, j);
}

static int by_offset(const void *a, const void *b, void *phdrs)
{
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct cryo_phdr *table = phdrs;
	int order = compare(table[i].offset, table[j].offset);

	return order ? order : compare(i, j);
}

static uint64_t end_of(uint64_t start, uint64_t size)
{
	uint64_t end;

	return __builtin_add_overflow(start, size, &end) ? UINT64_MAX : end;
}

static uint32_t check_one(const struct cryo_core *core, const struct cryo_phdr *phdr)
{
	uint32_t damage = 0;
	uint64_t end;

	if (phdr->filesz && end_of(phdr->offset, phdr->filesz) > core->size)
		damage |= CRYO_CORE_SEGMENT_CUT;
	if (phdr->type != PT_LOAD)
		return damage;
	if (phdr->filesz > phdr->memsz || __builtin_add_overflow(phdr->vaddr, phdr->memsz, &end))
		damage |= CRYO_CORE_SEGMENT_SIZE;
	return damage;
}

static void check_each(struct cryo_core *core)
{
	bool has_notes = false;
	uint64_t last = 0;

	for (size_t i = 0; i < core->n_phdrs; i++) {
		const struct cryo_phdr *phdr = &core->phdrs[i];

		core->damage |= check_one(core, phdr);
		has_notes |= phdr->type == PT_NOTE;
		if (phdr->type != PT_LOAD)
			continue;
		if (phdr->vaddr < last)
			core->damage |= CRYO_CORE_ORDER;
		last = phdr->vaddr;
	}
	if (!has_notes)
		core->damage |= CRYO_CORE_NO_NOTES;
}

static void check_memory(struct cryo_core *core)
{
	uint64_t furthest = 0;

	for (size_t i = 0; i < core->n_loads; i++) {
		const struct cryo_phdr *phdr = &core->phdrs[core->by_address[i]];
		uint64_t end = end_of(phdr->vaddr, phdr->memsz);

		if (phdr->vaddr < furthest)
			core->damage |= CRYO_CORE_OVERLAP;
		furthest = end > furthest ? end : furthest;
	}
}

/* Indexes of the program headers with bytes in the file, or with memory of the process. */
static size_t select_headers(const struct cryo_core *core, bool loads, uint32_t *indexes)
{
	size_t count = 0;

	for (size_t i = 0; i < core->n_phdrs; i++) {
		const struct cryo_phdr *phdr = &core->phdrs[i];

		if (loads ? phdr->type == PT_LOAD && phdr->memsz : phdr->filesz != 0)
			indexes[count++] = (uint32_t)i;
	}
	return count;
}

static int check_file(struct cryo_core *core, uint64_t furthest)
{
	_cleanup_free_ uint32_t *indexes = calloc(core->n_phdrs + 1, sizeof(*indexes));
	size_t count;

	if (!indexes)
		return -ENOMEM;
	count = select_headers(core, false, indexes);
	qsort_r(indexes, count, sizeof(*indexes), by_offset, core->phdrs);
	for (size_t i = 0; i < count; i++) {
		const struct cryo_phdr *phdr = &core->phdrs[indexes[i]];
		uint64_t end = end_of(phdr->offset, phdr->filesz);

		if (phdr->offset < furthest)
			core->damage |= CRYO_CORE_FILE_OVERLAP;
		furthest = end > furthest ? end : furthest;
	}
	return 0;
}

int cryo_core_check(struct cryo_core *core, uint64_t headers_end)
{
	core->by_address = calloc(core->n_phdrs + 1, sizeof(*core->by_address));
	if (!core->by_address)
		return -ENOMEM;
	core->n_loads = select_headers(core, true, core->by_address);
	qsort_r(core->by_address, core->n_loads, sizeof(*core->by_address), by_vaddr, core->phdrs);
	check_each(core);
	check_memory(core);
	return check_file(core, headers_end);
}

const char *cryo_core_damage_text(enum cryo_core_damage damage)
{
	static const struct {
		enum cryo_core_damage damage;
		const char *text;
	} texts[] = {
		{CRYO_CORE_PHDRS_CUT, "the file ends inside its program headers"},
		{CRYO_CORE_PHNUM, "the number of program headers cannot be read"},
		{CRYO_CORE_SEGMENT_CUT, "the file ends before the data of its segments"},
		{CRYO_CORE_SEGMENT_SIZE, "a segment has an impossible size"},
		{CRYO_CORE_ORDER, "segments are not in the order of their addresses"},
		{CRYO_CORE_OVERLAP, "two segments have the same addresses"},
		{CRYO_CORE_FILE_OVERLAP, "two parts of the core share bytes of the file"},
		{CRYO_CORE_NO_NOTES, "there are no notes"},
		{CRYO_CORE_HEADER_SIZES, "the ELF header states wrong sizes"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].damage == damage)
			return texts[i].text;
	return "unknown damage";
}
