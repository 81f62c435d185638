// SPDX-License-Identifier: MIT
/*
 * Whether a file is whole, whatever of ours it is: a core or an archive, plain or compressed.
 */
#pragma once

#include "verify/verdict.h"

/**
 * cryo_verify_file - find out what a file is, and check it.
 *
 * Returns 0; -ENOEXEC (neither a core nor an archive); -EMEDIUMTYPE (ELF, but not a core); -EINVAL
 * (not a regular file); what cryo_core_open() and cryo_verify_archive() return; -errno of open(2).
 */
int cryo_verify_file(const char *path, struct cryo_verdict *verdict);
