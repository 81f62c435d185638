// SPDX-License-Identifier: MIT
/*
 * Structures of the target's ABI, without its headers: a structure is an array of bytes, and a
 * layout table says where each field lies for each word size.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A field: its offset and width in bytes. A width of 0: this layout has no such field. */
struct cryo_field {
	uint16_t offset, width;
};

/* Store the low bytes of a value in the byte order of the architecture. */
void cryo_encode(uint8_t elf_data, void *structure, struct cryo_field field, uint64_t value);

/* The value that cryo_encode() stored: zero-extended. */
uint64_t cryo_decode(uint8_t elf_data, const void *structure, struct cryo_field field);
