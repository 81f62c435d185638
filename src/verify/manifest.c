// SPDX-License-Identifier: MIT
/*
 * The manifest describes each file by an object with path, size and a digest, somewhere in it; so
 * every object that has these is one, wherever it stands, and a manifest that has learned more
 * since is still understood.
 */
#include "verify/manifest.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

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
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *manifest = NULL;

	*ret_manifest = NULL;
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

int cryo_manifest_walk(struct json_object *value, cryo_manifest_visitor *visitor, void *user)
{
	struct cryo_manifest_entry entry;
	int r = 0;

	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++)
			r = cryo_manifest_walk(json_object_array_get_idx(value, i), visitor, user);
	} else if (json_object_is_type(value, json_type_object)) {
		if (read_entry(value, &entry))
			return visitor(&entry, user);
		json_object_object_foreach(value, key, member)
		{
			(void)key;
			if (r == 0)
				r = cryo_manifest_walk(member, visitor, user);
		}
	}
	return r;
}
