// SPDX-License-Identifier: MIT
/*
 * "mapped" of a process in the manifest: what it has mapped, where the copy is, and the build-ids
 * by which others can be asked for what goes with it.
 */
#include "evidence/manifest.h"
#include "evidence/manifest_member.h"

static bool add_roots(struct json_object *row, const struct cryo_bundled *bundled)
{
	struct json_object *roots = json_object_new_array();
	bool ok = cryo_member_add(row, "root", roots);

	for (size_t i = 0; ok && i < bundled->n_roots; i++) {
		struct json_object *root = json_object_new_string(bundled->roots[i]);

		ok = root && json_object_array_add(roots, root) == 0;
	}
	return ok;
}

static bool add_place(struct json_object *row, const struct cryo_bundled *bundled)
{
	char path[CRYO_BUNDLE_PATH_SIZE];

	if (bundled->reason != CRYO_BUNDLE_STORED)
		return cryo_member_text(row, "omitted", cryo_bundle_reason_text(bundled->reason)) &&
		       cryo_member_error(row, -bundled->error);
	cryo_bundle_path(bundled->digest, path);
	return cryo_member_text(row, "file", path) && add_roots(row, bundled) &&
	       cryo_member_error(row, -bundled->root_error);
}

static bool fill_row(struct json_object *row, const struct cryo_mapped *mapped,
	const struct cryo_bundled *bundled)
{
	return cryo_member_string(row, "name", mapped->name) &&
	       cryo_member_number(row, "start", mapped->start) &&
	       cryo_member_number(row, "offset", mapped->offset) &&
	       (!bundled->build_id.size || cryo_member_hex(row, "build_id", bundled->build_id.data,
						   bundled->build_id.size)) &&
	       add_place(row, bundled);
}

bool cryo_manifest_add_mapped(struct json_object *process, const struct cryo_dossier *dossier)
{
	struct json_object *rows;
	bool ok;

	if (!dossier->bundled)
		return true;
	rows = json_object_new_array();
	ok = cryo_member_add(process, "mapped", rows);
	for (size_t i = 0; ok && i < dossier->mapped->count; i++) {
		struct json_object *row = json_object_new_object();

		ok = row && json_object_array_add(rows, row) == 0 &&
		     fill_row(row, &dossier->mapped->array[i], &dossier->bundled[i]);
	}
	return ok;
}
