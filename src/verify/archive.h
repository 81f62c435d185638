// SPDX-License-Identifier: MIT
/*
 * Whether a tar archive of evidence is what its manifest says.
 */
#pragma once

#include "base/input.h"
#include "verify/verdict.h"

/* Whether a file begins like a tar archive of the last thirty years. */
_Bool cryo_is_tar(const void *start, size_t size);

/**
 * cryo_verify_archive - read an archive once, in order, and check everything in it.
 * @input: at its beginning
 *
 * Nothing is written to a file system; of a core in it, headers, notes and tail are kept in memory.
 * Returns 0, -ELIBACC (libarchive cannot be loaded), -ENOMEM, or -errno of reading.
 */
int cryo_verify_archive(struct cryo_input *input, struct cryo_verdict *verdict);
