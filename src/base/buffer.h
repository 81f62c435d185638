// SPDX-License-Identifier: MIT
/*
 * A byte string that grows: file contents, encoded notes, text to be printed.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/**
 * struct cryo_buffer - bytes that belong to the buffer.
 * @data: the bytes; always followed by a NUL that is not counted, once anything was added
 * @size: bytes in use
 * @capacity: bytes allocated
 *
 * All zero is a valid empty buffer.
 */
struct cryo_buffer {
	uint8_t *data;
	size_t size;
	size_t capacity;
};

/* Free what the buffer owns and make it empty. */
void cryo_buffer_clear(struct cryo_buffer *buffer);

/* Make room for `size` bytes behind those in use (and the NUL). 0 or -ENOMEM. */
int cryo_buffer_reserve(struct cryo_buffer *buffer, size_t size);

/* Append bytes. 0 or -ENOMEM. */
int cryo_buffer_add(struct cryo_buffer *buffer, const void *data, size_t size);

/* Append `size` zero bytes and give a pointer to them, valid until the next change; or NULL. */
void *cryo_buffer_add_zero(struct cryo_buffer *buffer, size_t size);

/* Append zeros up to a multiple of `alignment` (a power of two). 0 or -ENOMEM. */
int cryo_buffer_align(struct cryo_buffer *buffer, size_t alignment);

/* Append formatted text (without its NUL). 0 or -ENOMEM. */
int cryo_buffer_printf(struct cryo_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int cryo_buffer_vprintf(struct cryo_buffer *buffer, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

#define _cleanup_buffer_ _cleanup_(cryo_buffer_clear)
