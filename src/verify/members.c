// SPDX-License-Identifier: MIT
/*
 * Sorted by path for the comparison: an archive has many files, and its maker may be an enemy.
 */
#include "verify/members.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"

enum {
	HOPS_MAX = 8
};

struct comparison {
	struct cryo_members *members;
	struct cryo_verdict *verdict;
};

int cryo_members_add(struct cryo_members *members, const struct cryo_member *member)
{
	struct cryo_member copy = *member, *added;

	if (members->count == CRYO_MEMBERS_MAX)
		return -E2BIG;
	copy.order = members->count;
	copy.path = strdup(member->path);
	copy.link = member->link ? strdup(member->link) : NULL;
	added = copy.path && (copy.link || !member->link)
			? cryo_array_add(members->array, members->count)
			: NULL;
	if (!added) {
		free(copy.path);
		free(copy.link);
		return -ENOMEM;
	}
	*added = copy;
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct cryo_member *left = a, *right = b;
	int order = strcmp(left->path, right->path);

	return order ? order : (left->order > right->order) - (left->order < right->order);
}

static struct cryo_member *search(struct cryo_members *members, const char *path)
{
	size_t low = 0, high = members->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(members->array[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == members->count || strcmp(members->array[low].path, path) != 0)
		return NULL;
	return &members->array[low];
}

/* A hard link has the bytes of the file that it leads to, perhaps through other links. */
static bool resolve(struct cryo_members *members, struct cryo_member *member)
{
	const struct cryo_member *target = member;

	for (int hops = 0; target && target->link; hops++)
		target = hops < HOPS_MAX ? search(members, target->link) : NULL;
	if (!target)
		return false;
	member->size = target->size;
	member->sparse = target->sparse;
	memmove(member->hex, target->hex, sizeof(member->hex));
	return true;
}

static void compare(const struct cryo_member *member, const struct cryo_manifest_entry *entry,
	struct cryo_verdict *verdict)
{
	if (member->size != entry->size)
		cryo_verdict_add(verdict, "size",
			"it has %" PRIu64 " bytes, not the %" PRIu64 " of the manifest",
			member->size, entry->size);
	else if (member->sparse != entry->sparse)
		cryo_verdict_add(verdict, "hash",
			"it has other holes than the manifest says: extract it and check the "
			"directory");
	else if (strcmp(member->hex, entry->digest) != 0)
		cryo_verdict_add(verdict, "hash", "its contents are not those of the manifest");
}

static int check_entry(const struct cryo_manifest_entry *entry, void *user)
{
	struct comparison *comparison = user;
	struct cryo_member *member = search(comparison->members, entry->path);

	comparison->verdict->about = entry->path;
	if (member)
		member->listed = true;
	if (member && resolve(comparison->members, member))
		compare(member, entry, comparison->verdict);
	else
		cryo_verdict_add(comparison->verdict, "missing", "%s",
			member ? "it is a link to what the archive does not have"
			       : "the archive does not have it");
	comparison->verdict->about = NULL;
	return 0;
}

static void tell(struct cryo_verdict *verdict, const char *path, const char *code, const char *text)
{
	verdict->about = path;
	cryo_verdict_add(verdict, code, "%s", text);
	verdict->about = NULL;
}

/* An empty NAME.partial beside NAME only says that NAME is not whole, as the manifest does. */
static bool is_marker(struct cryo_members *members, const struct cryo_member *member)
{
	size_t base = cryo_manifest_marker(member->path);
	_cleanup_free_ char *name = base ? strndup(member->path, base) : NULL;
	const struct cryo_member *beside = name ? search(members, name) : NULL;

	return beside && beside->listed && member->size == 0 && !member->link;
}

/* What nobody vouches for, and what is there twice: then the last one is what is extracted. */
static void tell_strangers(struct cryo_members *members, struct cryo_verdict *verdict)
{
	for (size_t i = 0; i < members->count; i++) {
		const struct cryo_member *member = &members->array[i];

		if (i > 0 && strcmp(member[-1].path, member->path) == 0)
			tell(verdict, member->path, "unlisted", "it is there more than once");
		else if (!member->listed && strcmp(member->path, CRYO_MANIFEST_NAME) != 0 &&
			 !is_marker(members, member))
			tell(verdict, member->path, "unlisted", "the manifest does not know it");
	}
}

int cryo_members_check(
	struct cryo_members *members, struct json_object *manifest, struct cryo_verdict *verdict)
{
	struct comparison comparison = {members, verdict};
	int r;

	if (members->count)
		qsort(members->array, members->count, sizeof(*members->array), compare_paths);
	r = cryo_manifest_walk(manifest, check_entry, &comparison);
	tell_strangers(members, verdict);
	return r;
}

void cryo_members_clear(struct cryo_members *members)
{
	for (size_t i = 0; i < members->count; i++) {
		free(members->array[i].path);
		free(members->array[i].link);
	}
	free(members->array);
	*members = (struct cryo_members){0};
}
