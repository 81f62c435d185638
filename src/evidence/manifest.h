// SPDX-License-Identifier: MIT
/*
 * manifest.json (doc/manifest.schema.json): pure functions from what is known to JSON text. What
 * came from a target is escaped; where that changed it, its bytes stand beside it as KEY_hex.
 */
#pragma once

#include "base/json_api.h"
#include "evidence/evidence.h"

/* What stands in front of the processes. */
struct cryo_manifest_head {
	const struct cryo_evidence_options *options;
	const char *nodename, *release, *version, *machine, *boot_id;
	const char *tool_sha256, *library_sha256; /* hex, or NULL */
	uint64_t started_ns;
	int64_t utc_offset_s;
};

/* One of the files that belong to no process: @time (0: not said) and @changed as struct
 * cryo_bundle_file has them. */
struct cryo_manifest_file {
	const char *path;
	struct cryo_deposit_sum sum;
	uint64_t time;
	bool changed;
};

/* Append the beginning, up to and including the bracket that opens the processes. 0 or -ENOMEM. */
int cryo_manifest_begin(const struct cryo_manifest_head *head, struct cryo_buffer *text);

/* Append one process, without a comma. 0 or -ENOMEM. */
int cryo_manifest_process(const struct cryo_dossier *dossier, struct cryo_buffer *text);

/* Add "mapped". False when memory is short. */
bool cryo_manifest_add_mapped(struct json_object *process, const struct cryo_dossier *dossier);

/* Append the end, from the closing bracket on. 0 or -ENOMEM. */
int cryo_manifest_end(const struct cryo_evidence_sum *sum, uint64_t ended_ns,
	const struct cryo_manifest_file *files, size_t n_files, struct cryo_buffer *text);

enum {
	CRYO_UTC_SIZE = 40
};

/* "2026-11-26T12:00:00.123456789Z" of CLOCK_REALTIME in ns. */
void cryo_utc_format(uint64_t ns, char ret_text[CRYO_UTC_SIZE]);
