// SPDX-License-Identifier: MIT
/*
 * All descriptors are read once, and each need is looked up there: a machine has many processes and
 * a chain may have many links, and each may lead to thousands of others.
 */
#include "freeze/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/number.h"
#include "proc/fdinfo.h"
#include "proc/procfs.h"

enum {
	LOOKS = 8 /* at a descriptor that seems to be gone */
};

static int compare_paths(const char *left, const char *right)
{
	return left && right ? strcmp(left, right) : !right - !left;
}

static int compare_needs(const struct cryo_need *left, const struct cryo_need *right)
{
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	if (left->access != right->access)
		return left->access < right->access ? -1 : 1;
	return compare_paths(left->path, right->path);
}

/* Where a need stands or belongs in the sorted indices. Returns whether it is there. */
static bool find_place(
	const struct cryo_needs *needs, const struct cryo_need *need, size_t *ret_place)
{
	size_t low = 0, high = needs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_needs(&needs->array[needs->sorted[middle]], need);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_place = low;
	return false;
}

int cryo_needs_add(struct cryo_needs *needs, const struct cryo_need *need)
{
	struct cryo_need copy = *need, *added;
	size_t place, count = needs->count, *index;

	if (need->path)
		copy.key = cryo_holders_hash(need->path);
	if (find_place(needs, &copy, &place))
		return 0;
	index = cryo_array_add(needs->sorted, count);
	copy.path = need->path && index ? strdup(need->path) : NULL;
	added = index && !copy.path == !need->path ? cryo_array_add(needs->array, needs->count)
						   : NULL;
	if (!added) {
		free(copy.path);
		return -ENOMEM;
	}
	*added = copy;
	memmove(&needs->sorted[place + 1], &needs->sorted[place],
		(count - 1 - place) * sizeof(*needs->sorted));
	needs->sorted[place] = needs->count - 1;
	return 0;
}

void cryo_needs_clear(struct cryo_needs *needs)
{
	for (size_t i = 0; i < needs->count; i++)
		free(needs->array[i].path);
	free(needs->array);
	free(needs->sorted);
	*needs = (struct cryo_needs){0};
}

int cryo_pts_number(const char *link)
{
	static const char prefix[] = "/dev/pts/";
	uint64_t number;

	if (strncmp(link, prefix, strlen(prefix)) != 0 ||
		cryo_number_parse(link + strlen(prefix), 10, &number) < 0 || number > INT32_MAX)
		return -1;
	return (int)number;
}

/* A path has only its hash where it is kept: look again. */
static bool holds_path(int procfs, const struct cryo_holder *holder, const char *path)
{
	_cleanup_close_ int process = cryo_holders_open(procfs, holder->pid);
	_cleanup_buffer_ struct cryo_buffer link = {0};
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", holder->fd);
	return process >= 0 && cryo_procfs_readlink(process, name, &link) == 0 &&
	       strcmp((char *)link.data, path) == 0;
}

static int read_flags(int procfs, const struct cryo_holder *holder, uint64_t *ret_flags)
{
	_cleanup_close_ int process = cryo_holders_open(procfs, holder->pid);
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_fdinfo fdinfo;
	char name[32];
	int r = process;

	snprintf(name, sizeof(name), "fdinfo/%d", holder->fd);
	if (r >= 0)
		r = cryo_procfs_read(process, name, 1 << 16, &text);
	if (r >= 0)
		r = cryo_fdinfo_parse((const char *)text.data, text.size, &fdinfo);
	if (r >= 0)
		*ret_flags = fdinfo.flags;
	return r;
}

/*
 * Whether a descriptor is the end that is searched (O_ACCMODE of its flags), or may be: they cannot
 * be read. While a thread executes a program its process seems to be gone.
 */
static bool has_access(int procfs, const struct cryo_holder *holder, enum cryo_need_access access)
{
	const uint64_t wanted = access == CRYO_NEED_READER ? O_RDONLY : O_WRONLY;
	uint64_t flags = O_RDWR;
	int r = -ESRCH;

	for (int i = 0; i < LOOKS && (r == -ESRCH || r == -ENOENT); i++)
		r = read_flags(procfs, holder, &flags);
	return (flags & O_ACCMODE) == O_RDWR || (flags & O_ACCMODE) == wanted;
}

static bool satisfies(int procfs, const struct cryo_need *need, const struct cryo_holder *holder)
{
	return (!need->path || holds_path(procfs, holder, need->path)) &&
	       (need->access == CRYO_NEED_ANY || has_access(procfs, holder, need->access));
}

struct search {
	struct cryo_peer *peers;
	size_t count;
};

static void search_clear(struct search *search)
{
	free(search->peers);
}

int cryo_peers_find(int procfs, const struct cryo_holders *holders, const struct cryo_needs *needs,
	size_t first, struct cryo_peer **ret_peers, size_t *ret_count)
{
	_cleanup_(search_clear) struct search search = {0};

	for (size_t i = first; i < needs->count; i++) {
		const struct cryo_need *need = &needs->array[i];
		const struct cryo_holder *found;
		size_t count;

		found = cryo_holders_find(holders, need->kind, need->key, &count);
		for (size_t j = 0; j < count; j++) {
			struct cryo_peer *peer;

			if (!satisfies(procfs, need, &found[j]))
				continue;
			peer = cryo_array_add(search.peers, search.count);
			if (!peer)
				return -ENOMEM;
			*peer = (struct cryo_peer){found[j].pid, i};
		}
	}
	*ret_count = search.count;
	*ret_peers = steal_ptr(search.peers);
	return 0;
}
