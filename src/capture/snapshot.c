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
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "capture/channel.h"
#include "capture/estimate.h"
#include "capture/pipeline.h"
#include "capture/room.h"
#include "capture/site.h"
#include "capture/tell.h"
#include "capture/tracked.h"
#include "capture/work.h"
#include "elf/header.h"
#include "proc/procfs.h"
#include "proc/status.h"
#include "trace/tracking.h"

enum {
	MAX_PASSES = 8,
	/* of notes beside registers: one thread's, all others, a mapped file's without name */
	THREAD_NOTES = 1024,
	OTHER_NOTES = 64 * 1024,
	FILE_NOTE = 25
};

/* So much is copied in the stop without another pass, */
#define SMALL_REST (4ULL << 20)
/* and memory of which less is there is not tracked. */
#define SMALL_MAPPING (256ULL << 10)
/* A call that is run in the target takes memory in its cgroup: of the kernel, some pages. */
#define CALL_ROOM (1ULL << 20)
/* More than this is no short stop. */
#define LARGE_REST (256ULL << 20)

/* So much in swap takes 50 ms to be read again. */
#define MUCH_SWAP (16ULL << 20)

static void end_tracking(struct cryo_work *work)
{
	struct cryo_snapshot *snapshot = &work->snapshot;

	if (snapshot->userfaultfd >= 0)
		cryo_tracking_end(snapshot->userfaultfd, &snapshot->spool.seen,
			&snapshot->spool.stored, &work->reader->shared->steps);
	snapshot->userfaultfd = -1;
}

/* What somebody who got stuck may still look at is left as it is. */
void cryo_snapshot_clear(struct cryo_work *work)
{
	struct cryo_snapshot *snapshot = &work->snapshot;

	end_tracking(work);
	if (cryo_pipeline_gave_up(work)) {
		*snapshot = CRYO_SNAPSHOT_NONE;
		snapshot->begun = true;
		return;
	}
	cryo_spool_clear(&snapshot->spool);
	cryo_plan_clear(&snapshot->sketch);
	cryo_plan_clear(&snapshot->tracked);
	cryo_plan_clear(&snapshot->live);
	cryo_plan_clear(&snapshot->copied);
	cryo_memory_close(&snapshot->copy);
	cryo_cleanup_close(&snapshot->copy_swap.pidfd);
	cryo_process_clear(&snapshot->before);
	*snapshot = CRYO_SNAPSHOT_NONE;
	snapshot->begun = true;
}

/* ---- whether ---- */

/* Whether no other call can be run in it either. */
static bool is_about_injection(int error)
{
	return error == -EOPNOTSUPP || error == -EKEYREJECTED || error == -ENOEXEC ||
	       error == -ENOSYS || error == -ESTRPIPE || error == -ETIME || error == -EBUSY ||
	       error == -EPROTO || error == -ENOBUFS || error == -ETIMEDOUT;
}

/* The text of its status; empty if it cannot be had. */
static int read_status(const struct cryo_work *work, struct cryo_buffer *text)
{
	return cryo_procfs_read_record(work->reader->request->identity.dir, "status", text);
}

/* Memory that devices write without the page tables: RDMA, io_uring with registered buffers. */
static bool has_pinned_memory(const struct cryo_work *work)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	const char *line;

	if (read_status(work, &text) < 0 || !text.data)
		return false;
	line = strstr((const char *)text.data, "\nVmPin:");
	return line && strtoull(line + strlen("\nVmPin:"), NULL, 10) > 0;
}

static bool is_stopped_anyhow(const struct cryo_work *work)
{
	struct cryo_status status;

	return cryo_status_read(work->reader->request->identity.dir, &status) == 0 &&
	       status.state == 'T';
}

/* ---- tracking ---- */

bool cryo_snapshot_is_private(const struct cryo_vma *vma)
{
	return vma->kind == CRYO_VMA_ANONYMOUS &&
	       !(vma->flags & (CRYO_VM_SHARED | CRYO_VM_MAYSHARE | CRYO_VM_IO | CRYO_VM_PFNMAP |
				      CRYO_VM_MIXEDMAP | CRYO_VM_HUGETLB | CRYO_VM_UFFD));
}

/* Take a stop in which a userfaultfd is made. 0 or -errno. */
static int get_userfaultfd(struct cryo_work *work, struct cryo_letter *ret_letter)
{
	int r = cryo_snapshot_stop(work, CRYO_ORDER_TRACK, ret_letter, &work->snapshot.userfaultfd);

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

		if (segment->file_size == vma->end - vma->start && cryo_snapshot_is_private(vma) &&
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
	_cleanup_written_ struct cryo_written early = {0}; /* gaps are tried again in the end */
	uint64_t before = work->reader->shared->bytes_done;
	int r;

	work->inspector.memory.which = CRYO_SCAN_WRITTEN;
	cryo_copy_beside(work->copy, &work->snapshot.spool);
	r = cryo_copy_plan(work->copy, &work->snapshot.tracked, &work->core, &early);
	work->inspector.memory.which = CRYO_SCAN_ALL;
	if (r == 0 && cryo_copy_n_given_up(work->copy))
		r = -ETIMEDOUT;
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

/* 0: ready for the last stop; 1: it does not converge; or -errno. */
static int precopy(struct cryo_work *work)
{
	struct cryo_letter letter = {0};
	int64_t rest;
	int r = cryo_tracking_probe();

	if (r == 0 && has_pinned_memory(work))
		r = -EADDRINUSE;
	if (r == 0)
		r = get_userfaultfd(work, &letter);
	if (r < 0)
		return r;
	expect(work);
	work->reader->shared->stage = CRYO_STAGE_WRITE;
	r = sketch(work, &letter);
	rest = r < 0 ? r : converge(work);
	if (rest < 0)
		return (int)rest;
	work->snapshot.way = CRYOCORE_SNAPSHOT_PRECOPY;
	return rest > (int64_t)LARGE_REST;
}

/* ---- the stages ---- */

static uint64_t room(const struct cryo_work *work)
{
	return cryo_room_of_process(work->inspector.procfs, work->reader->request->identity.dir);
}

static int find_site(struct cryo_work *work)
{
	struct cryo_guard *guard = work->guard;
	struct cryo_site site;
	int r;

	if (!cryo_inject_is_possible())
		return -EOPNOTSUPP;
	if (room(work) < CALL_ROOM)
		return -ENOBUFS;
	r = cryo_inspect_memory(&work->inspector, &work->snapshot.before);
	if (r < 0)
		return r;
	cryo_guard_at(guard, CRYO_PLACE_SITE);
	r = cryo_site_find(&work->inspector, &work->snapshot.before, &site);
	cryo_guard_at(guard, CRYO_PLACE_SAFE);
	if (r == 0)
		work->reader->shared->site = site;
	return r;
}

/* What a copy by fork may come to have of its own: all that the target has, if that writes it. */
static uint64_t own_memory(const struct cryo_process *process)
{
	uint64_t bytes = CALL_ROOM;

	for (size_t i = 0; i < process->n_vmas; i++)
		if (cryo_snapshot_is_private(&process->vmas[i]))
			bytes += process->vmas[i].anonymous;
	return bytes;
}

/* A fork waits until whoever reads the userfaultfd has been told (UFFD_FEATURE_EVENT_FORK): for
 * ever if that is a thread that we hold, and who is told may go on with the copy. */
static bool has_userfaultfd(const struct cryo_process *process)
{
	for (size_t i = 0; i < process->n_vmas; i++)
		if (process->vmas[i].flags & CRYO_VM_UFFD)
			return true;
	return false;
}

static int choose_fork(struct cryo_work *work, uint64_t needed, bool is_told)
{
	if (is_told)
		cryo_snapshot_say_no(work, "fork", -EADDRNOTAVAIL);
	else if (room(work) < needed)
		cryo_snapshot_say_no(work, "fork", -EDQUOT);
	else
		work->snapshot.way = CRYOCORE_SNAPSHOT_FORK;
	return 0;
}

/* Whether it is over: nothing else will do either. */
static bool is_final(int error)
{
	return error == -ESRCH || error == -ECANCELED || error == -ENOSPC || error == -EIO;
}

/* What is in swap is looked at once more in the last stop of a pre-copy, which then takes long; the
 * copy of a fork has it for itself. */
static bool is_swapped_out(const struct cryo_inspector *inspector)
{
	return inspector->swap && inspector->swapped > MUCH_SWAP;
}

/* 0, with a way chosen or none; or -errno if nothing is possible any more. */
static int choose(struct cryo_work *work)
{
	enum cryocore_snapshot wish = work->reader->request->snapshot;
	int r = find_site(work), why = r;
	uint64_t needed = own_memory(&work->snapshot.before);
	bool is_told = has_userfaultfd(&work->snapshot.before);

	if (r < 0 && wish == CRYOCORE_SNAPSHOT_FORK)
		return cryo_snapshot_say_no(work, "fork", r), 0;
	if (r == 0 && wish == CRYOCORE_SNAPSHOT_AUTO && is_swapped_out(&work->inspector) &&
		!is_told && room(work) >= needed)
		wish = CRYOCORE_SNAPSHOT_FORK;
	if (r == 0 && wish != CRYOCORE_SNAPSHOT_FORK)
		why = r = precopy(work);
	if (r < 0 && is_final(r))
		return cryo_tell_core(work, r);
	if (r > 0 && (wish == CRYOCORE_SNAPSHOT_PRECOPY || is_told || room(work) < needed)) {
		cryo_tell(work, CRYOCORE_WARNING, 0,
			"it writes faster than it can be copied: the last stop is a long one");
		r = 0;
	}
	if (r == 0 && work->snapshot.way == CRYOCORE_SNAPSHOT_PRECOPY)
		return 0;
	if (wish != CRYOCORE_SNAPSHOT_FORK)
		cryo_snapshot_give_up(work);
	if (wish == CRYOCORE_SNAPSHOT_PRECOPY || is_about_injection(why)) {
		cryo_snapshot_say_no(work, "pre-copy", why);
		return 0;
	}
	return choose_fork(work, needed, is_told);
}

/* What the mappings are, while it still runs. How much of each is there was needed to choose a way,
 * and costs too much in the stop. */
static void read_early(struct cryo_work *work)
{
	work->inspector.needs_sizes = work->reader->request->policy.stacks;
	cryo_early_read_again(&work->inspector);
}

static int begin(struct cryo_work *work)
{
	int r;

	if (work->core.forward) {
		cryo_snapshot_say_no(work, "any way", -ESPIPE);
		return 0;
	}
	r = choose(work);
	work->account.snapshot = work->snapshot.way;
	if (r == 0 && work->snapshot.way != CRYOCORE_SNAPSHOT_NONE)
		read_early(work);
	return r;
}

/* Whether the ordinary way is short enough. What is expected is said if it is not. */
static bool is_short(struct cryo_work *work)
{
	uint64_t limit = work->reader->request->max_pause_ns, expected;

	if (!limit)
		return false;
	expected = cryo_estimate_pause(&work->inspector, &work->core);
	if (expected > limit)
		cryo_channel_say(work->reader->supervisor, CRYOCORE_INFO, 0,
			"it would stand still for some %" PRIu64 " ms, more than %" PRIu64,
			(uint64_t)(expected / CRYO_NSEC_PER_MSEC),
			(uint64_t)(limit / CRYO_NSEC_PER_MSEC));
	return expected <= limit;
}

int cryo_snapshot_begin(struct cryo_work *work)
{
	const struct cryo_request *request = work->reader->request;
	bool wanted = request->snapshot != CRYOCORE_SNAPSHOT_NONE;
	int r = 0;

	if (work->reader->tracer < 0 || (!wanted && !request->max_pause_ns))
		return 0;
	if (work->snapshot.begun)
		return cryo_snapshot_go_on(work);
	work->snapshot.begun = true;
	if (is_stopped_anyhow(work)) {
		cryo_tell(work, CRYOCORE_INFO, 0,
			"no snapshot: it is stopped, and there is nothing to keep it from");
		return 0;
	}
	if (is_short(work))
		return 0;
	if (wanted)
		r = begin(work);
	if (r == 0 && request->max_pause_ns && work->snapshot.way == CRYOCORE_SNAPSHOT_NONE)
		r = cryo_snapshot_refuse(work);
	return r;
}

void cryo_snapshot_stopped(struct cryo_work *work)
{
	struct cryo_spool *spool = &work->snapshot.spool;

	if (work->snapshot.way == CRYOCORE_SNAPSHOT_PRECOPY &&
		cryo_spool_keep(spool, &work->inspector.memory) < 0)
		cryo_page_set_remove(&spool->seen, 0, UINT64_MAX);
}

void cryo_snapshot_inspected(struct cryo_work *work)
{
	if (work->snapshot.way == CRYOCORE_SNAPSHOT_PRECOPY)
		cryo_tracked_clean(&work->process, &work->snapshot.spool.seen);
}

void cryo_snapshot_released(struct cryo_work *work)
{
	end_tracking(work);
}

int cryo_snapshot_placed(struct cryo_work *work)
{
	struct cryo_snapshot *snapshot = &work->snapshot;
	bool precopied = snapshot->way == CRYOCORE_SNAPSHOT_PRECOPY;
	int r;

	if (snapshot->way == CRYOCORE_SNAPSHOT_NONE)
		return 0;
	r = cryo_inspect_layout(&work->process);
	if (r == 0)
		r = cryo_plan_finish(
			&work->process, precopied ? &snapshot->sketch : NULL, &work->plan);
	if (r < 0 || !precopied)
		return r < 0 ? r : cryo_snapshot_split(work);
	for (size_t i = 0; i < work->process.n_vmas; i++) {
		const struct cryo_vma *vma = &work->process.vmas[i];

		if (!cryo_snapshot_is_private(vma))
			cryo_page_set_remove(&snapshot->spool.seen, vma->start, vma->end);
	}
	work->inspector.memory.left_out = &snapshot->spool.seen;
	return 0;
}

int cryo_snapshot_settle(struct cryo_work *work)
{
	uint64_t bytes = 0;
	int r;

	if (work->snapshot.way == CRYOCORE_SNAPSHOT_FORK)
		return cryo_snapshot_read_copy(work);
	if (work->snapshot.way != CRYOCORE_SNAPSHOT_PRECOPY)
		return 0;
	r = cryo_spool_settle(&work->snapshot.spool, &work->plan, &work->core, &bytes);
	work->written.data_bytes += bytes;
	return r;
}
