// SPDX-License-Identifier: MIT
/*
 * The auxiliary vector (getauxval(3); fs/binfmt_elf.c create_elf_tables()).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * cryo_auxv_size - bytes up to and including the first AT_NULL pair.
 * @word: bytes of a word of the process (4 or 8)
 *
 * For a 32-bit process a 64-bit kernel appends words behind AT_NULL. Returns the size, or 0 if no
 * AT_NULL pair is there.
 */
size_t cryo_auxv_size(const void *auxv, size_t size, size_t word);

/* Bytes of a word of the process (8 or 4), or 0: read with the right size, AT_PHENT is the size of
 * a program header of that size. */
size_t cryo_auxv_word(const void *auxv, size_t size);

/* The value of an entry (AT_*), in the byte order of this machine. Whether it was found. */
int cryo_auxv_get(const void *auxv, size_t size, size_t word, uint64_t type, uint64_t *ret_value);
