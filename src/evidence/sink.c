// SPDX-License-Identifier: MIT
/*
 * The calls of a sink, with the one rule that does not depend on its kind: which paths there are.
 */
#include "evidence/sink.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

_Bool cryo_sink_path_is_valid(const char *path, size_t size)
{
	if (strlen(path) >= size)
		return false;
	for (;;) {
		size_t length = strcspn(path, "/");

		if (length == 0 ||
			(path[0] == '.' && (length == 1 || (length == 2 && path[1] == '.'))))
			return false;
		if (!path[length])
			return true;
		path += length + 1;
	}
}

int cryo_sink_create(struct cryo_sink *sink, const char *path, const struct cryo_sink_entry *entry,
	struct cryo_sink_file **ret_file)
{
	if (!cryo_sink_path_is_valid(path, CRYO_SINK_PATH_MAX))
		return -EINVAL;
	return sink->ops->create(sink, path, entry, ret_file);
}

int cryo_sink_write(struct cryo_sink_file *file, const void *data, size_t size)
{
	return file->sink->ops->write(file, data, size);
}

int cryo_sink_skip(struct cryo_sink_file *file, uint64_t size)
{
	return size ? file->sink->ops->skip(file, size) : 0;
}

int cryo_sink_commit(struct cryo_sink_file *file)
{
	return file->sink->ops->commit(file);
}

void cryo_sink_abandon(struct cryo_sink_file *file)
{
	file->sink->ops->abandon(file);
}

int cryo_sink_link(struct cryo_sink *sink, const char *from, const char *to)
{
	if (!cryo_sink_path_is_valid(from, CRYO_SINK_PATH_MAX) ||
		!cryo_sink_path_is_valid(to, CRYO_SINK_LINK_MAX))
		return -EINVAL;
	return sink->ops->link(sink, from, to);
}

void cryo_sink_reserve(struct cryo_sink *sink, uint64_t size)
{
	sink->ops->reserve(sink, size);
}

void cryo_sink_close(struct cryo_sink *sink)
{
	if (sink)
		sink->ops->close(sink);
}
