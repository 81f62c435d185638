// SPDX-License-Identifier: MIT
/*
 * To make two processes costs about as much as a small capture itself: they leave what the caller
 * has open, close the fence, and copy each page that they write. So they wait for the next job.
 *
 * What one capture tells must never reach another one. A channel is in order: what was sent before
 * a job is not of it. The files and the page are emptied while nobody is at work.
 */
#include "capture/children.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/channel.h"
#include "capture/child.h"
#include "capture/reader.h"
#include "capture/tracer.h"

/* How long a child that has nothing to do may take to end by itself. */
#define DONE_NS (500 * CRYO_NSEC_PER_MSEC)

static void close_end(int *end)
{
	cryo_cleanup_close(end);
	*end = -1;
}

void cryo_children_hang_up(struct cryo_child *child)
{
	if (child->channel >= 0)
		shutdown(child->channel, SHUT_RDWR);
	close_end(&child->channel);
}

/* ---- their birth ---- */

/* @between: the ends of the reader and of the tracer. */
static int start_tracer(struct cryo_children *children, int procfs, const int between[2])
{
	pid_t parent = getpid(), pid;
	int control[2], r = cryo_channel_pair(control);

	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0) {
		struct cryo_tracer tracer = {.procfs = procfs,
			.shared = children->shared,
			.duplicate = children->duplicate,
			.supervisor = control[1],
			.reader = between[1],
			.records = children->records,
			.parent = parent};

		close(control[0]);
		close(between[0]);
		close_end(&children->reader.channel);
		cryo_tracer_run(&tracer);
	}
	r = pid < 0 ? -errno : 0;
	close(control[1]);
	children->tracer = (struct cryo_child){pid > 0 ? pid : 0, control[0]};
	return r;
}

static int start_reader(struct cryo_children *children, int procfs, const int between[2])
{
	pid_t parent = getpid(), pid;
	int control[2], r = cryo_channel_pair(control);

	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0) {
		struct cryo_reader reader = {.procfs = procfs,
			.shared = children->shared,
			.supervisor = control[1],
			.tracer = between[0],
			.records = children->records,
			.report = children->report,
			.parent = parent};

		close(control[0]);
		if (between[1] >= 0)
			close(between[1]);
		munmap(children->duplicate, sizeof(*children->duplicate));
		cryo_reader_run(&reader);
	}
	r = pid < 0 ? -errno : 0;
	close(control[1]);
	children->reader = (struct cryo_child){pid > 0 ? pid : 0, control[0]};
	return r;
}

static void *make_page(size_t size)
{
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

static int make_files(struct cryo_children *children)
{
	children->records = memfd_create("cryocore-records", MFD_CLOEXEC);
	children->report = memfd_create("cryocore-report", MFD_CLOEXEC);
	if (children->records < 0 || children->report < 0)
		return -errno;
	children->duplicate = make_page(sizeof(*children->duplicate));
	if (children->duplicate) /* where there is the one there is the other */
		children->shared = make_page(sizeof(*children->shared));
	return children->shared ? 0 : -ENOMEM;
}

/* Whether a child that is forked has the pages: those of other threads are not to have them. */
static void pass_pages(const struct cryo_children *children, bool pass)
{
	int advice = pass ? MADV_DOFORK : MADV_DONTFORK;

	madvise(children->shared, sizeof(*children->shared), advice);
	madvise(children->duplicate, sizeof(*children->duplicate), advice);
}

/* The reader is first: nearly all that comes before the stop is its. */
static int start(struct cryo_children *children, int procfs, bool stops)
{
	int between[2] = {-1, -1}, r = make_files(children);

	if (r == 0 && stops)
		r = cryo_channel_pair(between);
	if (r == 0)
		r = start_reader(children, procfs, between);
	if (r == 0 && stops)
		r = start_tracer(children, procfs, between);
	close_end(&between[0]);
	close_end(&between[1]);
	if (children->shared)
		pass_pages(children, false);
	return r;
}

int cryo_children_prepare(struct cryo_children *children, int procfs, bool stops)
{
	int r = children->shared ? 0 : start(children, procfs, stops);

	if (r < 0)
		cryo_children_end(children, procfs);
	return r;
}

/* ---- one job ---- */

/* As if it were new. */
static int empty(struct cryo_children *children)
{
	memset(children->shared, 0, sizeof(*children->shared));
	*children->duplicate = 0;
	if (ftruncate(children->records, 0) < 0 || ftruncate(children->report, 0) < 0 ||
		lseek(children->report, 0, SEEK_SET) < 0)
		return -errno;
	return 0;
}

static bool wants_tracer(const struct cryo_request *request)
{
	return !request->dry_run && !request->no_stop;
}

static int tell_tracer(struct cryo_children *children, const struct cryo_job *job)
{
	struct cryo_job stops = *job;

	stops.request.stream_fd = -1; /* the tracer has no use for it */
	return wants_tracer(&job->request) ? cryo_job_send(children->tracer.channel, &stops) : 0;
}

/* Whether those who are there can do it. */
static bool fit(const struct cryo_children *children, const struct cryo_request *request)
{
	return children->reader.pid && (children->tracer.pid || !wants_tracer(request));
}

static int hand_to_used(struct cryo_children *children, const struct cryo_job *job)
{
	int r = fit(children, &job->request) ? empty(children) : -EPIPE;

	if (r == 0)
		r = tell_tracer(children, job);
	return r < 0 ? r : cryo_job_send(children->reader.channel, job);
}

/* One who has died already is missed by those who wait for him. */
static int hand_to_new(struct cryo_children *children, const struct cryo_job *job)
{
	int r = start(children, job->request.procfs, wants_tracer(&job->request));

	if (r == 0)
		r = tell_tracer(children, job);
	if (r == 0 || r == -EPIPE)
		r = cryo_job_send(children->reader.channel, job);
	return r == -EPIPE ? 0 : r;
}

int cryo_children_assign(struct cryo_children *children, const struct cryo_job *job)
{
	if (hand_to_used(children, job) == 0)
		return 0;
	cryo_children_end(children, job->request.procfs);
	return hand_to_new(children, job);
}

int cryo_children_replace_tracer(struct cryo_children *children, const struct cryo_job *job)
{
	int between[2], r = cryo_channel_pair(between);

	if (r < 0)
		return r;
	pass_pages(children, true);
	r = start_tracer(children, job->request.procfs, between);
	pass_pages(children, false);
	close_end(&between[0]);
	close_end(&between[1]);
	return r < 0 ? r : cryo_job_send(children->tracer.channel, job);
}

bool cryo_children_include(const struct cryo_children *children, pid_t pid)
{
	return pid && (pid == children->tracer.pid || pid == children->reader.pid);
}

/* ---- their end ---- */

void cryo_children_end(struct cryo_children *children, int procfs)
{
	cryo_children_hang_up(&children->tracer);
	cryo_children_hang_up(&children->reader);
	cryo_child_end(&children->tracer.pid, procfs, DONE_NS);
	cryo_child_end(&children->reader.pid, procfs, DONE_NS);
	close_end(&children->records);
	close_end(&children->report);
	if (children->shared)
		munmap(children->shared, sizeof(*children->shared));
	if (children->duplicate)
		munmap(children->duplicate, sizeof(*children->duplicate));
	*children = CRYO_CHILDREN_NONE;
}
