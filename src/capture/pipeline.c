// SPDX-License-Identifier: MIT
/*
 * The only file that knows the order. Each stage takes what the one before it made:
 *
 *	prepare (nothing is stopped) -> stopped -> inspect -> plan -> write -> release -> record
 *
 * What fits into our memory is only read before the release, and written behind it.
 *
 * Whatever fails, the target is released first and the words come afterwards.
 */
#include "capture/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/packer.h"
#include "capture/channel.h"
#include "capture/layout.h"
#include "capture/privilege.h"
#include "capture/record.h"
#include "capture/release.h"
#include "capture/report.h"
#include "capture/tell.h"
#include "proc/fanotify.h"

static void set_stage(const struct cryo_work *work, enum cryo_stage stage)
{
	work->reader->shared->stage = stage;
}

/* ---- before the stop ---- */

static int open_output(const struct cryo_work *work, const char *suffix, struct cryo_output *ret)
{
	const struct cryo_request *request = work->reader->request;
	struct cryo_shared *shared = work->reader->shared;
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s.%d%s", request->prefix, request->identity.pid, suffix) < 0)
		return -ENOMEM;
	r = cryo_output_open(path, request->overwrite, &shared->n_begun, ret);
	shared->n_outputs += r == 0;
	return r < 0 ? cryo_tell_output(work, r, path) : 0;
}

static int compress(struct cryo_work *work)
{
	int level = work->reader->request->zstd_level;
	int r = level ? cryo_output_compress(&work->core, level) : 0;

	return r < 0 ? cryo_tell_refused(work, r, "compress its core") : 0;
}

static int open_core(struct cryo_work *work)
{
	const struct cryo_request *request = work->reader->request;
	int r = 0;

	if (request->stream_fd >= 0)
		cryo_output_from_stream(request->stream_fd, request->sparse_stream, &work->core);
	else
		r = open_output(work, cryo_request_suffix(request), &work->core);
	work->core.steps = &work->reader->shared->steps;
	return r < 0 ? r : compress(work);
}

static int open_outputs(struct cryo_work *work)
{
	const struct cryo_request *request = work->reader->request;
	int r = request->zstd_level ? cryo_packer_ready() : 0;

	if (r < 0)
		return cryo_tell_refused(work, r, "compress its core");
	r = open_core(work);
	if (r == 0 && request->stream_fd < 0 && !request->no_exe)
		r = open_output(work, ".exe", &work->exe);
	return r;
}

/* The most that is kept of the time for what comes behind the memory. */
#define FINISH_NS (3 * CRYO_NSEC_PER_SEC)

static void set_deadline(struct cryo_work *work)
{
	uint64_t deadline = work->reader->deadline, now = cryo_now();
	uint64_t finish = deadline > now ? (deadline - now) / 4 : 0;

	work->inspector.deadline = deadline;
	work->inspector.write_until = deadline - (finish < FINISH_NS ? finish : FINISH_NS);
}

static int look_at(struct cryo_work *work)
{
	const struct cryo_request *request = work->reader->request;
	int r = cryo_inspect_before(request->procfs, &request->identity, &work->inspector);

	if (r < 0)
		return cryo_tell_refused(work, r, "read it");
	work->inspector.guard = work->guard;
	work->inspector.unstoppable |= request->no_stop;
	work->inspector.needs_sizes = request->dry_run || request->policy.stacks ||
				      request->snapshot != CRYOCORE_SNAPSHOT_NONE;
	if (request->cautious)
		cryo_inspector_be_cautious(&work->inspector);
	set_deadline(work);
	work->is_looked_at = true;
	return 0;
}

static int open_all(struct cryo_work *work)
{
	const struct cryo_request *request = work->reader->request;
	int r = work->is_looked_at ? 0 : look_at(work);

	if (r < 0)
		return r;
	cryo_inspect_exe(&work->inspector);
	cryo_privilege_lower();
	r = request->dry_run ? 0 : open_outputs(work);
	cryo_privilege_raise();
	work->is_open = r == 0;
	return r;
}

/* Who takes the place of somebody who got stuck here has memory and threads already. */
static int begin_copy(struct cryo_work *work)
{
	if (work->reader->request->dry_run || work->copy)
		return 0;
	return cryo_copy_begin(&work->inspector, work->reader->shared, &work->written,
		work->core.forward ? NULL : work->arena, &work->copy);
}

static int prepare(struct cryo_work *work)
{
	int r = work->is_open ? 0 : open_all(work);

	if (r == 0)
		r = begin_copy(work);
	if (r < 0)
		return r;
	if (work->copy)
		cryo_plan_make_room(work->inspector.n_threads, &work->room);
	cryo_early_read(&work->inspector);
	if (work->copy)
		cryo_copy_ready(work->copy);
	return 0;
}

/* ---- the stop ---- */

/* Map what the tracer has read. Nothing is mapped if it holds no thread. */
static int map_records(struct cryo_work *work)
{
	struct stat found;
	void *records;

	if (fstat(work->reader->records, &found) < 0)
		return -errno;
	if (found.st_size == 0)
		return 0;
	records =
		mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_SHARED, work->reader->records, 0);
	if (records == MAP_FAILED)
		return -errno;
	work->records = records;
	work->records_size = (size_t)found.st_size;
	return 0;
}

static uint64_t ticks_since_boot(void)
{
	return cryo_clock_ns(CLOCK_BOOTTIME) / (CRYO_NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* A tracer that refuses or dies is no end: then the process is read as it is. */
static int wait_for_stop(struct cryo_work *work)
{
	struct cryo_letter letter = {.kind = CRYO_LETTER_READY, .order = cryo_snapshot_order(work)};
	int r;

	work->account.stood_ticks = UINT64_MAX;
	if (work->reader->tracer < 0)
		return 0;
	r = cryo_channel_send(work->reader->supervisor, &letter);
	if (r == 0)
		r = cryo_channel_receive(work->reader->tracer, work->reader->deadline, &letter);
	work->account.stop_error = r < 0 ? -ETIMEDOUT : letter.error;
	work->account.stood_ticks = ticks_since_boot();
	if (r < 0 || letter.kind != CRYO_LETTER_STOPPED)
		return 0;
	work->is_told = true;
	work->account.holder = letter.holder;
	r = cryo_snapshot_heard(work, &letter);
	return r < 0 ? r : map_records(work);
}

static int inspect(struct cryo_work *work)
{
	int r;

	set_stage(work, CRYO_STAGE_INSPECT);
	r = cryo_inspect(&work->inspector, work->records, work->records_size, &work->process,
		&work->account.executed);
	if (r < 0)
		return cryo_tell_refused(work, r, "inspect it");
	cryo_snapshot_inspected(work);
	return cryo_tell_registers(work);
}

static int report_comm(const struct cryo_work *work)
{
	char comm[sizeof(work->process.comm) + 1] = {0};

	memcpy(comm, work->process.comm, sizeof(work->process.comm));
	return cryo_report_add(work->reader->report, CRYO_REPORT_COMM, NULL, 0, comm);
}

static uint64_t least(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

static void expect_bytes(struct cryo_work *work)
{
	uint64_t known = 0, size = 0;

	for (size_t i = 0; i < work->plan.n_segments; i++) {
		const struct cryo_segment *segment = &work->plan.segments[i];

		known += least(segment->vma->rss + segment->vma->swap, segment->file_size);
		size += segment->file_size;
	}
	work->reader->shared->bytes_expected =
		work->inspector.early.without_sizes ? least(work->inspector.expected, size) : known;
}

static int place(struct cryo_work *work)
{
	int r = cryo_plan_place(&work->process, &work->reader->request->policy, &work->plan);

	if (r < 0)
		return cryo_tell_refused(work, r, "lay out its core");
	expect_bytes(work);
	return 0;
}

static int announce(struct cryo_work *work)
{
	uint64_t tail = work->plan.tail.size + CRYO_OWN_NOTE_FIXED;
	struct cryo_guard *guard = work->guard;
	struct cryo_stretch *stretches;
	size_t count;
	int r;

	cryo_guard_at(guard, CRYO_PLACE_LAYOUT);
	r = cryo_layout_find(&work->plan, &work->inspector, tail, &stretches, &count);
	cryo_guard_at(guard, CRYO_PLACE_SAFE);
	if (r < 0)
		return r;
	return cryo_output_announce(&work->core, work->plan.data_end + tail, stretches, count);
}

static int finish_plan(struct cryo_work *work)
{
	int r = work->plan.finished ? 0 : cryo_inspect_layout(&work->process);

	if (r == 0 && !work->plan.finished) {
		work->plan.head = work->room;
		work->room = (struct cryo_buffer){0};
		r = cryo_plan_finish(&work->process, NULL, &work->plan);
	}
	return r < 0 ? cryo_tell_refused(work, r, "lay out its core") : 0;
}

/* The head of the core; the first time that this is called. A head that has become longer than was
 * guessed comes to lie where pages were stored by pre-copy: when those have been moved away. */
static int write_head(struct cryo_work *work, bool is_settled)
{
	bool waits = work->snapshot.way == CRYOCORE_SNAPSHOT_PRECOPY && !is_settled;
	int r;

	if (work->has_head || waits)
		return 0;
	r = finish_plan(work);
	if (r < 0)
		return r;
	if (work->core.sparse)
		r = announce(work);
	work->has_head = true;
	if (r == 0)
		r = cryo_output_write(&work->core, work->plan.head.data, work->plan.head.size, 0);
	return r < 0 ? cryo_tell_core(work, r) : 0;
}

/* What has to be done before the target is released. */
static int copy_memory(struct cryo_work *work)
{
	int r;

	set_stage(work, CRYO_STAGE_WRITE);
	r = cryo_copy_hold(work->copy, cryo_snapshot_plan(work));
	if (r <= 0)
		return r < 0 ? cryo_tell_core(work, r) : 0;
	r = write_head(work, false);
	if (r < 0)
		return r;
	r = cryo_copy_rest(work->copy, &work->core);
	return r < 0 ? cryo_tell_core(work, r) : 0;
}

/* What can be done behind it. */
static int write_held(struct cryo_work *work)
{
	int r = write_head(work, false), error;

	if (r < 0)
		return r;
	if (!work->is_flushed)
		r = cryo_copy_flush(work->copy, &work->core);
	work->is_flushed = r == 0;
	if (r == 0)
		r = cryo_snapshot_settle(work);
	error = write_head(work, true);
	return r < 0 ? cryo_tell_core(work, r) : error;
}

/* ---- the sentence ---- */

/* Who takes the place of somebody who got stuck here goes on with what is there already. */
static int read_stopped(struct cryo_work *work)
{
	int r = 0;

	if (!work->is_placed) {
		cryo_snapshot_stopped(work);
		r = inspect(work);
		if (r == 0)
			r = report_comm(work);
		if (r == 0)
			r = place(work);
		if (r == 0)
			r = cryo_snapshot_placed(work);
	}
	work->is_placed = r == 0;
	if (r == 0)
		r = copy_memory(work);
	if (r == 0 && !work->snapshot.has_copy && !cryo_inspect_has_memory(&work->inspector))
		r = cryo_tell_core(work, -ESRCH);
	return r;
}

/* The tracer has looked for them; of what is not stopped we do it, before it is read. */
static void take_sharers(struct cryo_work *work)
{
	int procfs = work->reader->request->procfs;
	pid_t live = work->inspector.live, leader = work->inspector.identity->pid;

	if (work->is_told) {
		work->sharers = work->reader->shared->sharers;
		return;
	}
	cryo_sharers_find(work->sharer_index, procfs, live, leader, &work->sharers);
	cryo_sharers_note(procfs, live, leader, &work->sharers);
}

/* While who decides about opens stands still, no file is opened, by us neither: it is given back
 * the sooner. */
static void spare_files(struct cryo_work *work)
{
	if (work->reader->tracer >= 0 && !work->inspector.files_error &&
		cryo_fanotify_decides(work->inspector.live_dir))
		work->inspector.files_error = -EDEADLK;
}

static int stop(struct cryo_work *work)
{
	int r = prepare(work);

	if (r == 0)
		r = cryo_snapshot_begin(work);
	if (r == 0)
		spare_files(work);
	if (r == 0)
		r = wait_for_stop(work);
	if (r == 0)
		take_sharers(work);
	if (r == 0 && work->reader->shared->cancel) /* who did that says why */
		r = -ECANCELED;
	work->is_stopped = r == 0;
	return r;
}

static int run_whole(struct cryo_work *work)
{
	int r = work->is_stopped ? 0 : stop(work);

	if (r < 0)
		return r;
	if (!work->is_read) {
		r = read_stopped(work);
		cryo_release_ask(work);
		cryo_snapshot_released(work);
	}
	work->is_read = r == 0;
	if (r == 0)
		r = write_held(work);
	cryo_release_hear(work);
	cryo_snapshot_end(work);
	if (r < 0)
		return r;
	set_stage(work, CRYO_STAGE_FINISH);
	work->account.sharer = cryo_sharers_ran(work->reader->request->procfs, work->inspector.live,
		work->process.pid, work->account.stood_ticks, &work->sharers);
	r = cryo_report_add_mapped(work->reader->report, &work->process);
	if (r < 0)
		cryo_tell(work, CRYOCORE_WARNING, r,
			"what it has mapped could not be told: no files can be copied for it");
	r = cryo_record_core(work);
	if (r == 0) {
		cryo_tell_shortcomings(work);
		cryo_record_exe(work);
	}
	return r;
}

static int report_plan(const struct cryo_work *work)
{
	const struct cryo_policy *policy = &work->reader->request->policy;
	struct cryo_written total = {0};
	uint64_t size = 0;
	int r = report_comm(work);

	for (size_t i = 0; i < work->process.n_vmas && r == 0; i++) {
		const struct cryo_vma *vma = &work->process.vmas[i];
		enum cryo_dump_reason reason;
		uint64_t dumped = cryo_policy_dump_size(policy, &work->process, vma, &reason);
		uint64_t present = vma->rss + vma->swap;

		size += dumped;
		total.data_bytes += least(present, dumped);
		r = cryo_report_add_mapping(work->reader->report, vma, dumped, present, reason);
	}
	return r < 0 ? r
		     : cryo_report_add_written(work->reader->report, &work->process, size, &total);
}

static int run_dry(struct cryo_work *work)
{
	int r = work->is_stopped ? 0 : prepare(work);

	work->is_stopped = r == 0;
	if (r == 0)
		r = inspect(work);
	return r < 0 ? r : report_plan(work);
}

bool cryo_pipeline_gave_up(const struct cryo_work *work)
{
	return work->inspector.n_given_up || (work->copy && cryo_copy_n_given_up(work->copy));
}

int cryo_pipeline_run(struct cryo_work *work)
{
	int r = work->reader->request->dry_run ? run_dry(work) : run_whole(work);

	if (r < 0)
		cryo_output_abandon(&work->core);
	return r;
}

void cryo_pipeline_clear(struct cryo_work *work, bool is_kept)
{
	if (cryo_output_abandon(&work->exe))
		cryo_tell(
			work, CRYOCORE_INFO, 0, "a part of the executable is left as its .partial");
	cryo_output_close(&work->core);
	cryo_output_close(&work->exe);
	if (is_kept)
		return;
	cryo_copy_end(steal_ptr(work->copy));
	cryo_snapshot_clear(work);
	cryo_written_clear(&work->written);
	cryo_plan_clear(&work->plan);
	cryo_buffer_clear(&work->room);
	cryo_process_clear(&work->process);
	cryo_inspector_clear(&work->inspector);
	if (work->records_size)
		munmap(work->records, work->records_size);
}
