// SPDX-License-Identifier: MIT
/*
 * A mapping under a userfaultfd does not grow: what the heap gets meanwhile, or mmap(2) places next
 * to it, is a mapping of its own. At the end of the tracking the kernel joins the two if nothing
 * else tells them apart (mm/vma.c, can_vma_merge_left()). Most of that can be seen from outside.
 * What cannot is the anon_vma, which a mapping gets with its first page: that of the new one is not
 * that of its neighbour, so that mappings which both have pages stay two. Two tracked ones were two
 * before; but a hole in one that is mapped anew makes it one again.
 */
#include "capture/tracked.h"

#include <stdlib.h>
#include <string.h>

static const struct cryo_page_range *find_owner(
	const struct cryo_page_set *ours, const struct cryo_vma *vma)
{
	return vma->flags & CRYO_VM_UFFD ? cryo_page_set_range(ours, vma->start, vma->end) : NULL;
}

static bool is_unused(const struct cryo_vma *vma)
{
	return !vma->anonymous && !vma->swap;
}

static bool have_same_name(const struct cryo_vma *left, const struct cryo_vma *right)
{
	if (!left->name || !right->name)
		return left->name == right->name;
	return strcmp(left->name, right->name) == 0;
}

/* Whether nothing that can be seen tells two mappings apart. */
static bool are_alike(const struct cryo_vma *left, const struct cryo_vma *right)
{
	return left->end == right->start && left->kind == CRYO_VMA_ANONYMOUS &&
	       right->kind == CRYO_VMA_ANONYMOUS && left->flags == right->flags &&
	       have_same_name(left, right);
}

/**
 * struct joined - a mapping, as far as it has come together.
 * @owner: range of the last part of it that was tracked; NULL if none was
 * @grown: behind that part is one that was not
 */
struct joined {
	struct cryo_vma *vma;
	const struct cryo_page_range *owner;
	bool grown;
};

static bool belongs(const struct joined *left, const struct cryo_vma *right,
	const struct cryo_page_range *owner)
{
	if (!are_alike(left->vma, right))
		return false;
	if (left->owner && owner)
		return left->grown && left->owner == owner;
	if (left->owner)
		return is_unused(right);
	return owner && is_unused(left->vma);
}

static void join(struct joined *left, struct cryo_vma *right, const struct cryo_page_range *owner)
{
	left->vma->end = right->end;
	left->vma->rss += right->rss;
	left->vma->anonymous += right->anonymous;
	left->vma->swap += right->swap;
	left->grown = !owner;
	left->owner = owner ? owner : left->owner;
	free(right->name);
}

void cryo_tracked_clean(struct cryo_process *process, const struct cryo_page_set *ours)
{
	struct cryo_vma *vmas = process->vmas;
	struct joined last = {0};
	size_t count = 0;

	for (size_t i = 0; i < process->n_vmas; i++) {
		const struct cryo_page_range *owner = find_owner(ours, &vmas[i]);

		if (owner)
			vmas[i].flags &= ~(uint32_t)CRYO_VM_UFFD;
		if (last.vma && belongs(&last, &vmas[i], owner)) {
			join(&last, &vmas[i], owner);
			continue;
		}
		vmas[count] = vmas[i];
		last = (struct joined){&vmas[count++], owner, false};
	}
	process->n_vmas = count;
}
