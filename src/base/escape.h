// SPDX-License-Identifier: MIT
/*
 * Bytes from an enemy made safe to show on a terminal, in a log or inside JSON text.
 */
#pragma once

#include "base/buffer.h"

/**
 * cryo_escape - append bytes to a buffer, with everything dangerous as \xNN.
 * @data: any bytes; NUL too
 *
 * Kept: printable UTF-8. Escaped byte by byte: C0 and C1 controls, DEL, backslash (as \\), invalid
 * or overlong UTF-8, surrogates, and the bidirectional and invisible format characters (U+200B to
 * U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF, U+061C), which can make a line read as
 * another. The result is valid UTF-8 and says what the bytes were without ambiguity.
 *
 * Returns 0 or -ENOMEM.
 */
int cryo_escape(struct cryo_buffer *buffer, const void *data, size_t size);

/* The same, with blanks as \x20 too: for a value in a line that blanks divide. 0 or -ENOMEM. */
int cryo_escape_word(struct cryo_buffer *buffer, const void *data, size_t size);
