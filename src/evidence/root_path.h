// SPDX-License-Identifier: MIT
/*
 * A name that a process has for a file, as a path below a directory of ours.
 */
#pragma once

#include "base/buffer.h"

enum {
	CRYO_ROOT_PATH_MAX = 2048, /* bytes of a path */
	CRYO_ROOT_DEPTH_MAX = 64,  /* components */
};

/**
 * cryo_root_path - make the path.
 * @name: absolute; any bytes
 * @path: appended to: no slash before or behind, no component empty, "." or ".."
 *
 * Bytes that cryo_escape() finds dangerous stand as \xNN, and ".." as \x2e\x2e, so that the path
 * names the same file as the process's wherever that can be had, and no other ever: two names never
 * give the same path unless they name the same file.
 *
 * Returns 0; -EINVAL (not absolute, or nothing is left of it); -ENAMETOOLONG (a component would be
 * longer than a file system allows, or the whole is over the bounds); -ENOMEM.
 */
int cryo_root_path(const char *name, struct cryo_buffer *path);
