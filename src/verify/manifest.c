// SPDX-License-Identifier: MIT
/*
 * The manifest describes each file by an object with path, size and a digest, somewhere in it; so
 * every object that has these is one, wherever it stands, and a manifest that has learned more
 * since is still understood. Only links are told differently: by "file" and "root" of a process.
 */
#include "verify/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json_api.h"

size_t cryo_manifest_marker(const char *path)
{
	static const char suffix[] = ".partial";
	size_t length = strlen(path), rest = strlen(suffix);

	return length > rest && strcmp(path + length - rest, suffix) == 0 ? length - rest : 0;
}

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
		!json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool is_of_evidence(struct json_object *manifest)
{
	const char *format = json_object_is_type(manifest, json_type_object)
				     ? text_of(manifest, "format")
				     : NULL;

	return format && strcmp(format, "cryocore-evidence") == 0;
}

int cryo_manifest_parse(const char *text, size_t size, struct cryo_verdict *verdict,
	struct json_object **ret_manifest)
{
	struct json_object *manifest = NULL;
	struct json_tokener *tokener;
	int r = cryo_json_ready();

	*ret_manifest = NULL;
	if (r < 0)
		return r;
	tokener = json_tokener_new();
	if (!tokener)
		return -ENOMEM;
	if (size && size < INT_MAX)
		manifest = json_tokener_parse_ex(tokener, text, (int)size + 1);
	json_tokener_free(tokener);
	if (is_of_evidence(manifest)) {
		*ret_manifest = manifest;
		return 0;
	}
	cryo_verdict_add(verdict, "manifest", "%s",
		manifest ? "the manifest is not that of evidence"
			 : "the manifest is damaged: it is no JSON");
	json_object_put(manifest);
	return 0;
}

void cryo_manifest_free(struct json_object *manifest)
{
	json_object_put(manifest);
}

static bool read_entry(struct json_object *object, struct cryo_manifest_entry *ret_entry)
{
	struct cryo_manifest_entry entry = {
		.path = text_of(object, "path"), .digest = text_of(object, "sha256")};
	const char *name = text_of(object, "name");
	struct json_object *size;

	if (!entry.digest) {
		entry.digest = text_of(object, "sha256_sparse");
		entry.sparse = true;
	}
	if (!entry.path || !entry.digest || !json_object_object_get_ex(object, "size", &size))
		return false;
	entry.size = json_object_get_uint64(size);
	entry.core = name && strcmp(name, "core") == 0;
	*ret_entry = entry;
	return true;
}

/* @files: those that are linked to, by path; @pid: of the process at hand */
struct walk {
	cryo_manifest_visitor *visitor;
	void *user;
	struct json_object *files;
	int64_t pid;
};

/* The links to a copy of a mapped file, below proc/PID/root. */
static int visit_links(const struct walk *walk, const char *file, struct json_object *links)
{
	struct cryo_manifest_entry entry = {.digest = ""};
	struct json_object *original;
	int r = 0;

	if (json_object_object_get_ex(walk->files, file, &original))
		read_entry(original, &entry);
	entry.original = file;
	for (size_t i = 0; r == 0 && i < json_object_array_length(links); i++) {
		_cleanup_buffer_ struct cryo_buffer path = {0};
		const char *link = json_object_get_string(json_object_array_get_idx(links, i));

		if (cryo_buffer_printf(
			    &path, "proc/%" PRId64 "/root/%s", walk->pid, link ? link : "") < 0)
			return -ENOMEM;
		entry.path = (const char *)path.data;
		r = walk->visitor(&entry, walk->user);
	}
	return r;
}

static int visit(struct walk *walk, struct json_object *value);

static int visit_members(struct walk *walk, struct json_object *object)
{
	const char *file = text_of(object, "file");
	struct json_object *value;
	int r = 0;

	if (json_object_object_get_ex(object, "pid", &value))
		walk->pid = json_object_get_int64(value);
	if (file && json_object_object_get_ex(object, "root", &value) &&
		json_object_is_type(value, json_type_array))
		return visit_links(walk, file, value);
	json_object_object_foreach(object, key, member)
	{
		(void)key;
		if (r == 0)
			r = visit(walk, member);
	}
	return r;
}

static int visit(struct walk *walk, struct json_object *value)
{
	struct cryo_manifest_entry entry;
	int r = 0;

	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++)
			r = visit(walk, json_object_array_get_idx(value, i));
	} else if (json_object_is_type(value, json_type_object)) {
		r = read_entry(value, &entry) ? walk->visitor(&entry, walk->user)
					      : visit_members(walk, value);
	}
	return r;
}

/* The files that belong to no process, by path. NULL when memory is short. */
static struct json_object *index_files(struct json_object *manifest)
{
	struct json_object *files = json_object_new_object(), *array;

	if (!files || !json_object_object_get_ex(manifest, "files", &array) ||
		!json_object_is_type(array, json_type_array))
		return files;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *file = json_object_array_get_idx(array, i);
		const char *path =
			json_object_is_type(file, json_type_object) ? text_of(file, "path") : NULL;

		if (path)
			json_object_object_add(files, path, json_object_get(file));
	}
	return files;
}

int cryo_manifest_walk(struct json_object *manifest, cryo_manifest_visitor *visitor, void *user)
{
	struct walk walk = {visitor, user, index_files(manifest), 0};
	int r = walk.files ? visit(&walk, manifest) : -ENOMEM;

	json_object_put(walk.files);
	return r;
}
