// SPDX-License-Identifier: MIT
#include "capture/sharer_index.h"

#include <linux/kcmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "proc/procfs.h"

enum {
	NEW_MAX = 512 /* numbers that are asked one by one; a new sort is cheaper for more */
};

/* The numbers come back to where they were in that time only if as many are born as there are
 * numbers: 32768, or more. */
#define AGE_MAX_NS CRYO_NSEC_PER_SEC

/* Whether two could be compared, and the answer: 0 the same, 1 less, 2 greater. */
static bool compare(pid_t left, pid_t right, long *ret_order)
{
	*ret_order = syscall(SYS_kcmp, left, right, KCMP_VM, 0L, 0L);
	return *ret_order >= 0 && *ret_order <= 2;
}

/* For qsort_r(3); @user: set if two could not be compared, so that the order means nothing. */
static int by_memory(const void *left, const void *right, void *user)
{
	bool *failed = user;
	long order;

	if (!compare(*(const pid_t *)left, *(const pid_t *)right, &order)) {
		*failed = true;
		return 0;
	}
	return order == 0 ? 0 : order == 1 ? -1 : 1;
}

/* Whom we may not compare with ourselves we may not compare with anybody. */
static size_t leave_comparable(pid_t *pids, size_t count)
{
	pid_t self = getpid();
	size_t kept = 0;
	long order;

	for (size_t i = 0; i < count; i++)
		if (compare(self, pids[i], &order))
			pids[kept++] = pids[i];
	return kept;
}

bool cryo_sharer_has_memory(int procfs, pid_t pid)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);

	return dir >= 0 && cryo_procfs_has_memory(dir);
}

/* Where those end that are like the one at @from; SIZE_MAX: they are not in order any more. */
static size_t group_end(const pid_t *pids, size_t count, size_t from)
{
	size_t end = from + 1;
	long order = 0;

	for (; end < count; end++) {
		if (!compare(pids[end - 1], pids[end], &order) || order == 2)
			return SIZE_MAX;
		if (order != 0)
			break;
	}
	return end;
}

static int add(struct cryo_sharer_index *index, pid_t pid)
{
	pid_t *added = cryo_array_add(index->candidates, index->count);

	if (!added)
		return -ENOMEM;
	*added = pid;
	return 0;
}

static int add_groups(struct cryo_sharer_index *index, int procfs, const pid_t *pids, size_t count)
{
	size_t end;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i = end) {
		end = group_end(pids, count, i);
		if (end == SIZE_MAX)
			return -EAGAIN;
		if (end - i == 1 || !cryo_sharer_has_memory(procfs, pids[i]))
			continue;
		for (size_t j = i; j < end && r == 0; j++)
			r = add(index, pids[j]);
	}
	return r;
}

static bool make(struct cryo_sharer_index *index, int procfs, pid_t last_pid)
{
	_cleanup_free_ pid_t *pids = NULL;
	uint64_t now = cryo_now();
	bool failed = false;
	size_t count;

	index->count = 0;
	index->is_made = false;
	if (cryo_procfs_list(procfs, ".", &pids, &count) < 0)
		return false;
	count = leave_comparable(pids, count);
	qsort_r(pids, count, sizeof(*pids), by_memory, &failed);
	if (failed || add_groups(index, procfs, pids, count) < 0)
		return false;
	index->made_pid = index->last_pid = last_pid;
	index->made_ns = now;
	index->is_made = true;
	return true;
}

static bool add_new(struct cryo_sharer_index *index, pid_t last_pid)
{
	for (pid_t pid = index->last_pid + 1; pid <= last_pid; pid++)
		if (add(index, pid) < 0)
			return false;
	index->last_pid = last_pid;
	return true;
}

static bool is_out_of_date(const struct cryo_sharer_index *index, pid_t last_pid)
{
	return !index->is_made || cryo_now() - index->made_ns > AGE_MAX_NS ||
	       last_pid < index->last_pid ||
	       (size_t)(last_pid - index->last_pid) + index->count > NEW_MAX;
}

bool cryo_sharer_index_update(struct cryo_sharer_index *index, int procfs, pid_t leader)
{
	pid_t last_pid;
	bool r;

	if (!index || index->n_asked++ == 0)
		return false;
	last_pid = cryo_procfs_last_pid(procfs);
	if (last_pid < 0)
		return false;
	r = is_out_of_date(index, last_pid) ? make(index, procfs, last_pid)
					    : add_new(index, last_pid);
	return r && leader <= index->made_pid;
}

void cryo_sharer_index_clear(struct cryo_sharer_index *index)
{
	free(index->candidates);
	*index = (struct cryo_sharer_index){0};
}
