// SPDX-License-Identifier: MIT
/*
 * The vector is an array of pairs (type, value) of the process's own words, ended by AT_NULL. It is
 * data of the target: any size is looked at pair by pair, and a cut pair is no pair.
 */
#include "proc/auxv.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

static uint64_t word_at(const void *auxv, size_t offset, size_t word)
{
	const char *from = (const char *)auxv + offset;
	uint32_t narrow;
	uint64_t wide;

	if (word == sizeof(narrow)) {
		memcpy(&narrow, from, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, from, sizeof(wide));
	return wide;
}

/* Find the first pair of a type; pairs behind AT_NULL do not count. */
static bool find_pair(const void *auxv, size_t size, size_t word, uint64_t type, size_t *ret_offset)
{
	for (size_t offset = 0; size - offset >= 2 * word; offset += 2 * word) {
		uint64_t found = word_at(auxv, offset, word);

		if (found == type) {
			*ret_offset = offset;
			return true;
		}
		if (found == AT_NULL)
			return false;
	}
	return false;
}

size_t cryo_auxv_size(const void *auxv, size_t size, size_t word)
{
	size_t offset;

	return find_pair(auxv, size, word, AT_NULL, &offset) ? offset + 2 * word : 0;
}

int cryo_auxv_get(const void *auxv, size_t size, size_t word, uint64_t type, uint64_t *ret_value)
{
	size_t offset;

	if (!find_pair(auxv, size, word, type, &offset))
		return 0;
	*ret_value = word_at(auxv, offset + word, word);
	return 1;
}

size_t cryo_auxv_word(const void *auxv, size_t size)
{
	uint64_t entry;

	if (cryo_auxv_get(auxv, size, 8, AT_PHENT, &entry) && entry == sizeof(Elf64_Phdr))
		return 8;
	if (cryo_auxv_get(auxv, size, 4, AT_PHENT, &entry) && entry == sizeof(Elf32_Phdr))
		return 4;
	return 0;
}
