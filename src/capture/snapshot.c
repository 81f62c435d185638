// SPDX-License-Identifier: MIT
/*
 * What is tracked: private anonymous memory. What is written by others than the process's own
 * threads is not seen by the page tables: shared memory, and files. These are small where they are
 * dumped at all, or shared; they are copied in the stop.
 *
 * The passes end when the rest is small, does not get smaller any more, or they have been many.
 */
#include "capture/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "capture/channel.h"
#include "capture/site.h"
#include "capture/tell.h"
#include "capture/work.h"
#include "elf/header.h"
#include "proc/status.h"
#include "trace/tracking.h"

enum {
	MAX_PASSES = 8,
	MAX_STOPS = 8, /* for one call */
	/* of notes that are not registers: one thread's, all others, a mapped file's without name
	 */
	THREAD_NOTES = 1024,
	OTHER_NOTES = 64 * 1024,
	FILE_NOTE = 25
};

/* So much is copied in the stop without another pass, */
#define SMALL_REST (4ULL << 20)
/* and memory of which less is there is not tracked. */
#define SMALL_MAPPING (256ULL << 10)
/* More than this is no short stop. */
#define LARGE_REST (256ULL << 20)

void cryo_snapshot_clear(struct cryo_snapshot *snapshot)
{
	cryo_cleanup_close(&snapshot->userfaultfd);
	cryo_spool_clear(&snapshot->spool);
	cryo_plan_clear(&snapshot->sketch);
	cryo_plan_clear(&snapshot->tracked);
	cryo_process_clear(&snapshot->before);
	*snapshot = CRYO_SNAPSHOT_NONE;
}

/* ---- whether ---- */

static const struct {
	int error;
	const char *words;
} reasons[] = {
	{-EOPNOTSUPP, "it is not a 64-bit program of this machine"},
	{-ENOTSUP, "seccomp watches its system calls"},
	{-EBUSY, "a signal or a stop came in between"},
	{-ENOSPC, "none of its threads is on an ordinary stack"},
	{-ENOEXEC, "no code fit to run one was found in it"},
	{-EPROTO, "the call did not come to its end"},
	{-EMFILE, "it has no descriptor left"},
	{-ENFILE, "the system has no descriptor left"},
	{-EAGAIN, "its user or cgroup may have no more processes"},
	{-ENOMEM, "memory is short"},
};

static const char *reason(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].error == error)
			return reasons[i].words;
	return strerror(-error);
}

static void say_no(const struct cryo_work *work, const char *way, const char *why)
{
	cryo_channel_say(work->reader->supervisor, CRYOCORE_WARNING, 0,
		"no snapshot by %s: %s: it stood still for all of the copying", way, why);
}

/* ---- tracking ---- */

static bool is_trackable(const struct cryo_vma *vma)
{
	return vma->kind == CRYO_VMA_ANONYMOUS &&
	       !(vma->flags & (CRYO_VM_SHARED | CRYO_VM_MAYSHARE | CRYO_VM_IO | CRYO_VM_PFNMAP |
				      CRYO_VM_MIXEDMAP | CRYO_VM_HUGETLB | CRYO_VM_UFFD));
}

/* A stop that ends by itself when its order has been carried out. 0 or -errno. */
static int take_stop(
	struct cryo_work *work, enum cryo_order order, struct cryo_letter *letter, int *ret_fd)
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

/* The same until no signal is in the way. */
static int take_calm_stop(
	struct cryo_work *work, enum cryo_order order, struct cryo_letter *letter, int *ret_fd)
{
	int r = take_stop(work, order, letter, ret_fd);

	for (int i = 1; i < MAX_STOPS && r == -EBUSY; i++) {
		usleep(i * 1000);
		r = take_stop(work, order, letter, ret_fd);
	}
	return r;
}

/* Take a stop in which a userfaultfd is made. 0 or -errno. */
static int get_userfaultfd(struct cryo_work *work, struct cryo_letter *ret_letter)
{
	int r = take_calm_stop(work, CRYO_ORDER_TRACK, ret_letter, &work->snapshot.userfaultfd);

	if (r < 0)
		return r;
	if (work->snapshot.userfaultfd < 0)
		return -EPROTO;
	return cryo_tracking_begin(work->snapshot.userfaultfd);
}

/* Bytes at the beginning of the file that its head will need, and some for what is yet to come. */
static uint64_t guess_head(const struct cryo_process *process, const struct cryo_letter *letter)
{
	uint64_t size = cryo_header_size(process->arch, process->n_vmas + 1);

	size += letter->records_size + letter->n_threads * THREAD_NOTES + OTHER_NOTES;
	for (size_t i = 0; i < process->n_vmas; i++)
		if (process->vmas[i].kind == CRYO_VMA_FILE && process->vmas[i].name)
			size += FILE_NOTE + strlen(process->vmas[i].name);
	size += size / 8;
	return (size + process->page_size - 1) & ~(process->page_size - 1);
}

/* Begin to track what is worth it; of the rest the plan has nothing. */
static int track(struct cryo_snapshot *snapshot)
{
	_cleanup_free_ struct cryo_extent *ranges =
		calloc(snapshot->tracked.n_segments + 1, sizeof(*ranges));
	uint64_t page_size = snapshot->before.page_size;
	size_t count = 0;
	int r;

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->tracked.n_segments; i++) {
		struct cryo_segment *segment = &snapshot->tracked.segments[i];
		const struct cryo_vma *vma = segment->vma;

		if (segment->file_size == vma->end - vma->start && is_trackable(vma) &&
			vma->rss + vma->swap >= SMALL_MAPPING &&
			cryo_tracking_add(snapshot->userfaultfd, vma->start, vma->end) == 0)
			ranges[count++] = (struct cryo_extent){vma->start, vma->end};
		else
			segment->file_size = 0;
	}
	r = cryo_page_set_make(ranges, count, page_size, &snapshot->spool.seen);
	if (r == 0)
		r = cryo_page_set_make(ranges, count, page_size, &snapshot->spool.stored);
	return r;
}

static int sketch(struct cryo_work *work, const struct cryo_letter *letter)
{
	struct cryo_snapshot *snapshot = &work->snapshot;
	const struct cryo_policy *policy = &work->reader->request->policy;
	uint64_t head = guess_head(&snapshot->before, letter);
	int r = cryo_plan_place(&snapshot->before, policy, &snapshot->sketch);

	if (r == 0)
		r = cryo_plan_place(&snapshot->before, policy, &snapshot->tracked);
	if (r == 0)
		r = cryo_plan_sketch(head, &snapshot->sketch);
	if (r == 0)
		r = cryo_plan_sketch(head, &snapshot->tracked);
	snapshot->spool.sketch = &snapshot->tracked;
	return r < 0 ? r : track(snapshot);
}

/* ---- passes ---- */

/* Copy what was written since the last pass. Bytes that were looked at, or -errno. */
static int64_t pass(struct cryo_work *work)
{
	uint64_t before = work->reader->shared->bytes_done;
	int r;

	work->inspector.memory.which = CRYO_SCAN_WRITTEN;
	cryo_copy_beside(work->copy, &work->snapshot.spool);
	r = cryo_copy_early(work->copy, &work->snapshot.tracked, &work->core);
	work->inspector.memory.which = CRYO_SCAN_ALL;
	return r < 0 ? r : (int64_t)(work->reader->shared->bytes_done - before);
}

/* Passes until another one is not worth it. Bytes that are presumably left, or -errno. */
static int64_t converge(struct cryo_work *work)
{
	int64_t last = INT64_MAX, now = pass(work);

	for (int i = 1; i < MAX_PASSES && now > (int64_t)SMALL_REST && now < last / 2; i++) {
		last = now;
		now = pass(work);
	}
	return now;
}

static void expect(struct cryo_work *work)
{
	uint64_t expected = 0;

	for (size_t i = 0; i < work->snapshot.before.n_vmas; i++)
		expected += work->snapshot.before.vmas[i].rss;
	work->reader->shared->bytes_expected = expected;
}

static void give_up(struct cryo_work *work)
{
	cryo_copy_beside(work->copy, NULL);
	cryo_snapshot_clear(&work->snapshot);
}

/* 0: ready for the last stop; 1: it does not converge; or -errno. */
static int precopy(struct cryo_work *work)
{
	struct cryo_letter letter = {0};
	int64_t rest;
	int r = get_userfaultfd(work, &letter);

	if (r < 0)
		return r;
	expect(work);
	work->reader->shared->stage = CRYO_STAGE_WRITE;
	r = sketch(work, &letter);
	rest = r < 0 ? r : converge(work);
	if (rest < 0)
		return (int)rest;
	work->snapshot.way = CRYOCORE_SNAPSHOT_PRECOPY;
	work->account.snapshot = CRYOCORE_SNAPSHOT_PRECOPY;
	return rest > (int64_t)LARGE_REST;
}

/* ---- the stages ---- */

static int find_site(struct cryo_work *work)
{
	int r;

	if (!cryo_inject_is_possible())
		return -EOPNOTSUPP;
	r = cryo_inspect_memory(&work->inspector, &work->snapshot.before);
	if (r == 0)
		r = cryo_site_find(
			&work->inspector, &work->snapshot.before, &work->reader->shared->site);
	return r;
}

int cryo_snapshot_begin(struct cryo_work *work)
{
	int r;

	if (work->reader->request->snapshot == CRYOCORE_SNAPSHOT_NONE || work->reader->tracer < 0)
		return 0;
	if (work->core.forward) {
		say_no(work, "pre-copy", "what goes strictly forward cannot be written twice");
		return 0;
	}
	r = find_site(work);
	if (r == 0)
		r = cryo_tracking_probe();
	if (r == 0)
		r = precopy(work);
	if (r == -ESRCH || r == -ECANCELED)
		return cryo_tell_core(work, r);
	if (r >= 0)
		return 0;
	give_up(work);
	say_no(work, "pre-copy", reason(r));
	return 0;
}

int cryo_snapshot_stopped(struct cryo_work *work)
{
	struct cryo_snapshot *snapshot = &work->snapshot;
	int r;

	if (snapshot->way != CRYOCORE_SNAPSHOT_PRECOPY)
		return 0;
	r = cryo_spool_keep(&snapshot->spool, &work->inspector.memory);
	cryo_cleanup_close(&snapshot->userfaultfd);
	snapshot->userfaultfd = -1;
	return r;
}

int cryo_snapshot_placed(struct cryo_work *work)
{
	struct cryo_snapshot *snapshot = &work->snapshot;
	int r;

	if (snapshot->way != CRYOCORE_SNAPSHOT_PRECOPY)
		return 0;
	for (size_t i = 0; i < work->process.n_vmas; i++) {
		const struct cryo_vma *vma = &work->process.vmas[i];

		if (!is_trackable(vma))
			cryo_page_set_remove(&snapshot->spool.seen, vma->start, vma->end);
	}
	r = cryo_inspect_layout(&work->process);
	if (r == 0)
		r = cryo_plan_finish(&work->process, &snapshot->sketch, &work->plan);
	work->inspector.memory.left_out = &snapshot->spool.seen;
	return r;
}

int cryo_snapshot_settle(struct cryo_work *work)
{
	uint64_t bytes = 0;
	int r;

	if (work->snapshot.way != CRYOCORE_SNAPSHOT_PRECOPY)
		return 0;
	r = cryo_spool_settle(&work->snapshot.spool, &work->plan, &work->core, &bytes);
	work->written.data_bytes += bytes;
	return r;
}
