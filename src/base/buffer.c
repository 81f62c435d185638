// SPDX-License-Identifier: MIT
/*
 * The buffer doubles, and always keeps a NUL behind its bytes, so that text that was read can be
 * parsed with the string functions without a copy.
 */
#include "base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void cryo_buffer_clear(struct cryo_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct cryo_buffer){0};
}

int cryo_buffer_reserve(struct cryo_buffer *buffer, size_t size)
{
	size_t need, capacity = buffer->capacity ? buffer->capacity : 64;
	void *grown;

	if (__builtin_add_overflow(buffer->size, size, &need) || need > SIZE_MAX / 4)
		return -ENOMEM;
	if (need < buffer->capacity)
		return 0;
	while (capacity <= need)
		capacity *= 2;
	grown = realloc(buffer->data, capacity);
	if (!grown)
		return -ENOMEM;
	buffer->data = grown;
	buffer->capacity = capacity;
	buffer->data[buffer->size] = 0;
	return 0;
}

int cryo_buffer_add(struct cryo_buffer *buffer, const void *data, size_t size)
{
	int r = cryo_buffer_reserve(buffer, size);

	if (r < 0)
		return r;
	if (size)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	buffer->data[buffer->size] = 0;
	return 0;
}

void *cryo_buffer_add_zero(struct cryo_buffer *buffer, size_t size)
{
	uint8_t *zeros;

	if (cryo_buffer_reserve(buffer, size) < 0)
		return NULL;
	zeros = buffer->data + buffer->size;
	memset(zeros, 0, size + 1);
	buffer->size += size;
	return zeros;
}

int cryo_buffer_align(struct cryo_buffer *buffer, size_t alignment)
{
	return cryo_buffer_add_zero(buffer, -buffer->size & (alignment - 1)) ? 0 : -ENOMEM;
}

int cryo_buffer_vprintf(struct cryo_buffer *buffer, const char *format, va_list arguments)
{
	va_list again;
	int length, r;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return -EINVAL;
	r = cryo_buffer_reserve(buffer, (size_t)length);
	if (r < 0)
		return r;
	vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, arguments);
	buffer->size += (size_t)length;
	return 0;
}

int cryo_buffer_printf(struct cryo_buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = cryo_buffer_vprintf(buffer, format, arguments);
	va_end(arguments);
	return r;
}
