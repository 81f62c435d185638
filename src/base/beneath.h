// SPDX-License-Identifier: MIT
/*
 * Names from others, opened so that they cannot lead out of a directory.
 */
#pragma once

/**
 * cryo_open_beneath - open a path below a directory.
 * @path: relative; no part of it may be ".." or a symbolic link
 * @flags: of open(2), with O_CLOEXEC and O_NOFOLLOW added
 *
 * Returns a descriptor; -EXDEV or -ELOOP (the path would lead out); or -errno of openat2(2).
 */
int cryo_open_beneath(int directory, const char *path, int flags);
