// SPDX-License-Identifier: MIT
#include "evidence/root_path.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/escape.h"

static int add_component(const char *name, size_t length, struct cryo_buffer *path)
{
	size_t before;
	int r = path->size ? cryo_buffer_add(path, "/", 1) : 0;

	if (r < 0)
		return r;
	before = path->size;
	if (length == 2 && memcmp(name, "..", 2) == 0)
		r = cryo_buffer_printf(path, "\\x2e\\x2e");
	else
		r = cryo_escape(path, name, length);
	if (r == 0 && (path->size - before > NAME_MAX || path->size > CRYO_ROOT_PATH_MAX))
		r = -ENAMETOOLONG;
	return r;
}

int cryo_root_path(const char *name, struct cryo_buffer *path)
{
	size_t depth = 0;
	int r = 0;

	if (name[0] != '/')
		return -EINVAL;
	while (r == 0 && *name) {
		size_t length = strcspn(name, "/");

		if (length && !(length == 1 && name[0] == '.')) {
			r = ++depth > CRYO_ROOT_DEPTH_MAX ? -ENAMETOOLONG
							  : add_component(name, length, path);
		}
		name += length + (name[length] != 0);
	}
	return r == 0 && depth == 0 ? -EINVAL : r;
}
