// SPDX-License-Identifier: MIT
/*
 * The stops of a snapshot, and the way by fork(2): the target is copied by one clone(2) that is run
 * in it, and let go; its copy, which never runs, is read instead of it. Then the copy is killed,
 * and the target made to wait for it.
 *
 * What the copy does not have, or not as it was, is read in the stop: shared memory, files, special
 * mappings, and what MADV_DONTFORK and MADV_WIPEONFORK keep from a child.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "capture/channel.h"
#include "capture/tell.h"
#include "capture/work.h"
#include "proc/procfs.h"

enum {
	MAX_STOPS = 8 /* for one call */
};

/* A stop that ends by itself when its order has been carried out. 0 or -errno. */
static int take_stop(
	struct cryo_work *work, uint32_t order, struct cryo_letter *letter, int *ret_fd)
{
	struct cryo_letter released = {0};
	int r;

	*letter = (struct cryo_letter){.kind = CRYO_LETTER_READY, .order = order};
	r = cryo_channel_send(work->reader->supervisor, letter);
	if (r == 0)
		r = cryo_channel_receive_file(
			work->reader->tracer, work->reader->deadline, letter, ret_fd);
	if (r == 0)
		r = cryo_channel_receive(work->reader->tracer, work->reader->deadline, &released);
	if (r < 0)
		return r;
	cryo_account_stop(&work->account, &released);
	return letter->error < 0 ? letter->error : letter->done;
}

int cryo_snapshot_stop(
	struct cryo_work *work, uint32_t order, struct cryo_letter *letter, int *ret_fd)
{
	int r = take_stop(work, order, letter, ret_fd);

	for (int i = 1; i < MAX_STOPS && r == -EBUSY; i++) {
		usleep(i * 1000);
		r = take_stop(work, order, letter, ret_fd);
	}
	return r;
}

uint32_t cryo_snapshot_order(const struct cryo_work *work)
{
	return work->snapshot.way == CRYOCORE_SNAPSHOT_FORK ? CRYO_ORDER_FORK : CRYO_ORDER_HOLD;
}

/* The memory of the copy, which has the page tables of the target. */
static int open_copy(struct cryo_work *work, pid_t child)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(work->inspector.procfs, child);
	struct cryo_snapshot *snapshot = &work->snapshot;
	int r = dir < 0 ? dir : cryo_memory_open(dir, child, &snapshot->copy);

	if (r < 0 || !work->inspector.swap)
		return r;
	snapshot->copy_swap.pidfd = pidfd_open(child, 0);
	if (snapshot->copy_swap.pidfd >= 0)
		snapshot->copy.swap = &snapshot->copy_swap;
	return 0;
}

int cryo_snapshot_heard(struct cryo_work *work, const struct cryo_letter *letter)
{
	int r = letter->error < 0 ? letter->error : letter->done;

	if (work->snapshot.way != CRYOCORE_SNAPSHOT_FORK)
		return 0;
	if (r == 0)
		r = open_copy(work, letter->child);
	work->snapshot.has_copy = letter->child != 0;
	if (r == 0)
		return 0;
	cryo_snapshot_say_no(work, "fork", r);
	work->snapshot.way = work->account.snapshot = CRYOCORE_SNAPSHOT_NONE;
	return work->reader->request->max_pause_ns ? cryo_snapshot_refuse(work) : 0;
}

static bool is_in_copy(const struct cryo_vma *vma)
{
	return cryo_snapshot_is_private(vma) &&
	       !(vma->flags & (CRYO_VM_DONTCOPY | CRYO_VM_WIPEONFORK));
}

static int copy_segments(const struct cryo_plan *plan, bool in_copy, struct cryo_plan *ret_plan)
{
	ret_plan->segments = calloc(plan->n_segments + 1, sizeof(*plan->segments));
	if (!ret_plan->segments)
		return -ENOMEM;
	memcpy(ret_plan->segments, plan->segments, plan->n_segments * sizeof(*plan->segments));
	ret_plan->n_segments = plan->n_segments;
	ret_plan->data_end = plan->data_end;
	ret_plan->finished = true;
	for (size_t i = 0; i < plan->n_segments; i++)
		if (is_in_copy(plan->segments[i].vma) != in_copy)
			ret_plan->segments[i].file_size = 0;
	return 0;
}

int cryo_snapshot_split(struct cryo_work *work)
{
	int r = copy_segments(&work->plan, false, &work->snapshot.live);

	return r < 0 ? r : copy_segments(&work->plan, true, &work->snapshot.copied);
}

const struct cryo_plan *cryo_snapshot_plan(const struct cryo_work *work)
{
	return work->snapshot.way == CRYOCORE_SNAPSHOT_FORK ? &work->snapshot.live : &work->plan;
}

int cryo_snapshot_read_copy(struct cryo_work *work)
{
	struct cryo_snapshot *snapshot = &work->snapshot;
	int r;

	if (!snapshot->is_copy_read) { /* else somebody got stuck in it */
		snapshot->original = work->inspector.memory;
		work->inspector.memory = snapshot->copy;
	}
	snapshot->is_copy_read = true;
	r = cryo_copy_plan(work->copy, &snapshot->copied, &work->core, &work->written);
	work->inspector.memory = snapshot->original;
	snapshot->is_copy_read = false;
	return r;
}

void cryo_snapshot_end(struct cryo_work *work)
{
	struct cryo_letter letter;
	int fd = -1;

	if (!work->snapshot.has_copy)
		return;
	work->snapshot.has_copy = false;
	cryo_memory_close(&work->snapshot.copy);
	if (cryo_snapshot_stop(work, CRYO_ORDER_END, &letter, &fd) < 0)
		cryo_tell(work, CRYOCORE_WARNING, 0,
			"its copy has been ended but not waited for: it is a zombie that it will "
			"not see, until it ends itself");
}
