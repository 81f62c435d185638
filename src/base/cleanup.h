// SPDX-License-Identifier: MIT
/*
 * Scope guards (GCC's cleanup attribute) and the two ways to hand ownership over.
 *
 * A variable that owns something is declared with a guard and is initialised in the same line; the
 * owner passes it on with steal_ptr() or steal_fd(), which leaves NULL or -1 for the guard.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void cryo_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cryo_cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cryo_cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define _cleanup_free_ _cleanup_(cryo_cleanup_free)
#define _cleanup_close_ _cleanup_(cryo_cleanup_close)
#define _cleanup_closedir_ _cleanup_(cryo_cleanup_closedir)

#define steal_ptr(pointer)                                                                         \
	({                                                                                         \
		__typeof__(pointer) _stolen = (pointer);                                           \
		(pointer) = NULL;                                                                  \
		_stolen;                                                                           \
	})

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}
