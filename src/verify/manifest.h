// SPDX-License-Identifier: MIT
/*
 * What a manifest says about files. It comes from whoever had the evidence.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/verdict.h"

#define CRYO_MANIFEST_NAME "manifest.json"

enum {
	CRYO_MANIFEST_MAX = 512 << 20
};

struct json_object;

/* The length of NAME if a path is NAME.partial; else 0. */
size_t cryo_manifest_marker(const char *path);

/* What it says of a file. Strings are the manifest's. @original: it is a link to that file. */
struct cryo_manifest_entry {
	const char *path, *digest, *original;
	uint64_t size;
	bool sparse, core;
};

/**
 * cryo_manifest_parse - read a manifest.
 * @text: NUL-terminated, @size without the NUL
 * @ret_manifest: cryo_manifest_free(); NULL if it is none, and that is a finding
 *
 * Returns 0 or -ENOMEM.
 */
int cryo_manifest_parse(const char *text, size_t size, struct cryo_verdict *verdict,
	struct json_object **ret_manifest);

void cryo_manifest_free(struct json_object *manifest);

typedef int cryo_manifest_visitor(const struct cryo_manifest_entry *entry, void *user);

/* Every file in it, and every link to one. 0, or what the visitor returned, which ends the walk
 * unless it is 0. */
int cryo_manifest_walk(struct json_object *manifest, cryo_manifest_visitor *visitor, void *user);
