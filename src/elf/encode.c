// SPDX-License-Identifier: MIT
/*
 * Byte by byte, so that neither alignment nor the byte order of this machine matters. A value that
 * is wider than its field loses its upper bytes, as it does by the kernel's assignment.
 */
#include "elf/encode.h"

#include <elf.h>

/* Where byte `i`, counted from the least significant one, stands. */
static size_t byte_at(uint8_t elf_data, struct cryo_field field, size_t i)
{
	return field.offset + (elf_data == ELFDATA2LSB ? i : field.width - 1 - i);
}

void cryo_encode(uint8_t elf_data, void *structure, struct cryo_field field, uint64_t value)
{
	uint8_t *bytes = structure;

	for (size_t i = 0; i < field.width; i++, value >>= 8)
		bytes[byte_at(elf_data, field, i)] = (uint8_t)value;
}

uint64_t cryo_decode(uint8_t elf_data, const void *structure, struct cryo_field field)
{
	const uint8_t *bytes = structure;
	uint64_t value = 0;

	for (size_t i = field.width; i-- > 0;)
		value = value << 8 | bytes[byte_at(elf_data, field, i)];
	return value;
}
