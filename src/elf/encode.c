// SPDX-License-Identifier: MIT
/*
 * Byte by byte, so that neither alignment nor the byte order of this machine matters. A value that
 * is wider than its field loses its upper bytes, as it does by the kernel's assignment.
 */
#include "elf/encode.h"

#include <elf.h>

/* Where byte `i`, counted from the least significant one, stands. */
static size_t byte_at(const struct cryo_arch *arch, struct cryo_field field, size_t i)
{
	return field.offset + (arch->elf_data == ELFDATA2LSB ? i : field.width - 1 - i);
}

void cryo_encode(
	const struct cryo_arch *arch, void *structure, struct cryo_field field, uint64_t value)
{
	uint8_t *bytes = structure;

	for (size_t i = 0; i < field.width; i++, value >>= 8)
		bytes[byte_at(arch, field, i)] = (uint8_t)value;
}

uint64_t cryo_decode(const struct cryo_arch *arch, const void *structure, struct cryo_field field)
{
	const uint8_t *bytes = structure;
	uint64_t value = 0;

	for (size_t i = field.width; i-- > 0;)
		value = value << 8 | bytes[byte_at(arch, field, i)];
	return value;
}
