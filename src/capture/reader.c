// SPDX-License-Identifier: MIT
/*
 * A reader in which a thread got stuck, which lost the tracer or which has grown much says so at
 * the end of its job, and gets no other one.
 */
#include "capture/reader.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "capture/channel.h"
#include "capture/child.h"
#include "capture/fence.h"
#include "capture/hold.h"
#include "capture/job.h"
#include "capture/pipeline.h"
#include "capture/privilege.h"
#include "capture/watch.h"

enum {
	GROWTH_MAX_KIB = 64 << 10
};

/**
 * struct life - the reader from job to job.
 * @work: first: who takes the place of a thread knows only it
 * @born: what it began with; @reader: the same for this job
 * @sharer_index: grows with it
 * @arena: what is held of one target after the other
 * @size: the most memory that it had when it began, KiB
 */
struct life {
	struct cryo_work work;
	const struct cryo_reader *born;
	struct cryo_reader reader;
	struct cryo_job job;
	struct cryo_sharer_index sharer_index;
	struct cryo_arena arena;
	bool fenced;
	long size;
};

static long most_memory(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

static void begin(const struct cryo_reader *reader)
{
	const int needed[] = {reader->procfs, reader->supervisor, reader->tracer, reader->records,
		reader->report};

	cryo_child_begin(reader->parent, SIGKILL, needed, ARRAY_SIZE(needed));
	cryo_privilege_raise();
	signal(SIGTERM, SIG_IGN);
}

/* Wait for a job, while nobody looks on. */
static int next_job(struct life *life)
{
	const struct cryo_request *request = &life->job.request;
	struct cryo_guard *guard = life->work.guard;
	int r;

	cryo_watch_pause();
	r = cryo_job_receive(life->born->supervisor, &life->job);
	if (r < 0)
		return r;
	life->reader = *life->born;
	life->reader.request = request;
	life->reader.deadline = life->job.deadline;
	if (request->dry_run || request->no_stop)
		life->reader.tracer = -1;
	life->work = (struct cryo_work){
		.reader = &life->reader,
		.inspector = CRYO_INSPECTOR_NONE,
		.snapshot = CRYO_SNAPSHOT_NONE,
		.core = CRYO_OUTPUT_NONE,
		.exe = CRYO_OUTPUT_NONE,
		.account = {.started_ns = cryo_clock_ns(CLOCK_REALTIME), .fenced = life->fenced},
		.guard = guard,
		.sharer_index = &life->sharer_index,
		.arena = &life->arena,
	};
	cryo_watch_resume();
	return 0;
}

static bool is_spent(const struct life *life)
{
	if (life->reader.tracer >= 0 && !life->work.is_released)
		return true;
	return most_memory() - life->size > GROWTH_MAX_KIB;
}

/* The job, or the rest of it, in whichever thread. One that took the place of another is in a
 * process that ends here. */
static void do_job(struct cryo_work *work)
{
	struct life *life = (struct life *)work;
	struct cryo_letter letter = {.kind = CRYO_LETTER_DONE};
	bool is_last = life->job.is_last, ends_at_once = is_last && !life->job.request.snapshot;
	bool is_shared;

	letter.error = cryo_pipeline_run(work);
	is_shared = cryo_pipeline_gave_up(work);
	cryo_pipeline_clear(work, is_shared || ends_at_once);
	letter.is_spent = is_shared || is_spent(life);
	if (!is_shared && !is_last)
		cryo_job_clear(&life->job);
	cryo_channel_send(life->reader.supervisor, &letter);
	if (is_shared)
		cryo_child_leave_all();
	if (is_shared || is_last)
		_exit(0);
}

void cryo_reader_run(const struct cryo_reader *reader)
{
	struct life life = {.born = reader};

	begin(reader);
	life.fenced = cryo_fence_close() == 0;
	life.size = most_memory();
	life.work.guard = cryo_guard_new();
	if (!life.work.guard || cryo_watch_start(&life.work, do_job) < 0)
		_exit(1);
	while (next_job(&life) == 0)
		do_job(&life.work);
	_exit(0);
}
