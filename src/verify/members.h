// SPDX-License-Identifier: MIT
/*
 * The files that an archive was found to have, and what a manifest says of them.
 */
#pragma once

#include "base/hash.h"
#include "verify/manifest.h"

enum {
	CRYO_MEMBERS_MAX = 1 << 24
};

/**
 * struct cryo_member - a file.
 * @path: owned
 * @link: the file that it is a hard link to; owned; NULL: it has bytes of its own
 * @hex: its digest, which is sparse if @sparse
 * @order: in the archive
 * @listed: the manifest knows it
 */
struct cryo_member {
	char *path, *link;
	uint64_t size;
	size_t order;
	bool sparse, listed;
	char hex[CRYO_DIGEST_HEX_SIZE];
};

/* All zero is none. */
struct cryo_members {
	struct cryo_member *array;
	size_t count;
};

/* Add one. Its strings are copied. 0, -E2BIG or -ENOMEM. */
int cryo_members_add(struct cryo_members *members, const struct cryo_member *member);

/* Compare them with a manifest, and each with the others. 0 or -ENOMEM. */
int cryo_members_check(
	struct cryo_members *members, struct json_object *manifest, struct cryo_verdict *verdict);

void cryo_members_clear(struct cryo_members *members);
