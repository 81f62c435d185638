// SPDX-License-Identifier: MIT
/*
 * The dynamic linker's list of what it has loaded (link.h: struct r_debug, struct link_map; found
 * through DT_DEBUG of the program). It is where debuggers take the names of libraries from, and
 * these are often not the names of the files: /lib/x86_64-linux-gnu/libz.so.1 is a link to
 * /usr/lib/x86_64-linux-gnu/libz.so.1.2.13.
 *
 * All of it is memory of the process, so any of it may be wrong or endless; nothing is followed
 * without a bound.
 */
#pragma once

#include "elf/image.h"

enum {
	CRYO_LINK_MAP_MAX = 8192,  /* entries looked at */
	CRYO_LINK_NAME_MAX = 4096, /* bytes of a name */
};

/**
 * cryo_link_map_walk - call a function for each entry.
 * @view: memory of the process
 * @program: its program's headers, and the @bias with which it runs
 * @take: gets the bias of the entry and its name; a value that is not 0 ends the walk
 *
 * Returns 0; what @take returned; -ENOENT (a program without a dynamic linker, or one that has not
 * run yet); -EFAULT (some of it is not there).
 */
int cryo_link_map_walk(struct cryo_view *view, const struct cryo_image *program, uint64_t bias,
	int (*take)(void *user, uint64_t bias, const char *name), void *user);
