// SPDX-License-Identifier: MIT
/*
 * openat2(2) is of Linux 5.6. Before, the path is walked, one directory after the other.
 */
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* One part of a path: 0, or what is wrong with it. */
static int check_part(const char *part)
{
	return strcmp(part, "..") == 0 ? -EXDEV : 0;
}

static int open_part(int directory, const char *part, int flags)
{
	int r = check_part(part), fd;

	if (r < 0)
		return r;
	fd = openat(directory, part, flags | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Behind the slashes, and the parts that say nothing. */
static char *skip(char *path)
{
	while (path[0] == '/' || (path[0] == '.' && (path[1] == '/' || !path[1])))
		path++;
	return path;
}

static int walk(int directory, char *path, int flags)
{
	_cleanup_close_ int at = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	char *slash;

	path = skip(path);
	while (at >= 0 && (slash = strchr(path, '/')) && *skip(slash)) {
		int next;

		*slash = '\0';
		next = open_part(at, path, O_PATH | O_DIRECTORY);
		if (next < 0)
			return next == -ENOTDIR ? -ELOOP : next;
		close(at);
		at = next;
		path = skip(slash + 1);
	}
	path[strcspn(path, "/")] = '\0';
	return at < 0 ? -errno : open_part(at, *path ? path : ".", flags);
}

int cryo_open_beneath(int directory, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	_cleanup_free_ char *copy = NULL;
	long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));

	if (fd >= 0 || errno != ENOSYS)
		return fd < 0 ? -errno : (int)fd;
	if (path[0] == '/')
		return -EXDEV;
	copy = strdup(path);
	return copy ? walk(directory, copy, flags) : -ENOMEM;
}
