// SPDX-License-Identifier: MIT
/*
 * Structures of the target's ABI, without its headers: a structure is an array of bytes, and a
 * layout table says where each field lies for each word size.
 */
#pragma once

#include "arch/arch.h"

/* A field: its offset and width in bytes. A width of 0: this layout has no such field. */
struct cryo_field {
	uint16_t offset, width;
};

/* Store the low bytes of a value in the byte order of the architecture. */
void cryo_encode(
	const struct cryo_arch *arch, void *structure, struct cryo_field field, uint64_t value);

/* The value that cryo_encode() stored: zero-extended. */
uint64_t cryo_decode(const struct cryo_arch *arch, const void *structure, struct cryo_field field);
