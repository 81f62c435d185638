// SPDX-License-Identifier: MIT
/*
 * Whether an evidence directory is what its manifest says.
 */
#pragma once

#include "verify/verdict.h"

/**
 * cryo_verify_directory - check every file that the manifest names, and every core among them.
 * @dir: descriptor of the directory
 *
 * Nothing outside of it is opened, and no link is followed. Files that the manifest does not name
 * are findings too. Returns 0; -ENODATA (it has no manifest); -ENOMEM; -errno of reading it.
 */
int cryo_verify_directory(int dir, struct cryo_verdict *verdict);
