// SPDX-License-Identifier: MIT
/*
 * The supervisor gives a tracer and a reader what to do and then only listens. It touches neither
 * the target nor its /proc files once they run, so nothing that the target does can hold it; what
 * does not come in time is given up:
 *
 *	a reader that makes no progress is killed, and left alone if it cannot die (state D);
 *	a tracer that does not answer is killed, and the kernel then releases what it held.
 *
 * Death of the supervisor itself ends both (PR_SET_PDEATHSIG and the end of the channels).
 */
#include "capture/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/clock.h"
#include "capture/carrier.h"
#include "capture/channel.h"
#include "capture/child.h"
#include "capture/leftover.h"
#include "capture/report.h"
#include "capture/result.h"
#include "capture/stop.h"

/* How long nothing may move before the reader is given up, and how long a child may take to end by
 * itself. */
#define STALL_NS (30 * CRYO_NSEC_PER_SEC)
#define STOP_NS (5 * CRYO_NSEC_PER_SEC)
#define STOP_MOST_NS (CRYO_STOP_MOST_NS + STOP_NS)
#define DEATH_NS (2 * CRYO_NSEC_PER_SEC)
#define DONE_NS (500 * CRYO_NSEC_PER_MSEC) /* ... where it has nothing left to do */
#define TICK_NS (100 * CRYO_NSEC_PER_MSEC)
#define LETTERS_MAX 1000 /* more than any capture has */

struct supervisor {
	const struct cryocore_options *options;
	struct cryo_request *request;
	struct cryocore_result *result;
	struct cryo_children *children;
	struct cryo_shared *shared; /* theirs; NULL: there are none */
	uint64_t begin, deadline;
	uint64_t last_progress, last_bytes, last_steps;
	uint32_t last_stage;
	uint64_t stop_ns, stop_asked;
	bool stopped, released, done, is_spent;
	bool keeps; /* the children, if they are as good as new */
	int error;
	enum cryo_repeat repeat;
};

static const char *const stage_names[] = {
	[CRYO_STAGE_PREPARE] = "prepare",
	[CRYO_STAGE_STOP] = "stop",
	[CRYO_STAGE_INSPECT] = "inspect",
	[CRYO_STAGE_WRITE] = "write",
	[CRYO_STAGE_FINISH] = "finish",
};

static const char *stage_name(const struct supervisor *supervisor)
{
	return stage_names[supervisor->shared->stage % ARRAY_SIZE(stage_names)];
}

/* ---- letters ---- */

static void hear_stopped(struct supervisor *supervisor, const struct cryo_letter *letter)
{
	supervisor->stopped = true;
	supervisor->stop_ns = letter->stop_ns;
}

static void hear_released(struct supervisor *supervisor, const struct cryo_letter *letter)
{
	uint64_t pause = letter->release_ns - letter->stop_ns;

	supervisor->released = true;
	supervisor->is_spent |= letter->is_spent;
	if (letter->n_threads && pause > supervisor->result->pause_ns)
		supervisor->result->pause_ns = pause;
}

static void hear_ready(struct supervisor *supervisor, const struct cryo_letter *letter)
{
	struct cryo_letter order = {.kind = CRYO_LETTER_STOP, .order = letter->order};

	supervisor->stopped = supervisor->released = false;
	supervisor->shared->stage = CRYO_STAGE_STOP;
	supervisor->stop_asked = cryo_now();
	cryo_channel_send(supervisor->children->tracer.channel, &order);
}

static void hear_message(struct supervisor *supervisor, const struct cryo_letter *letter)
{
	cryo_result_say(supervisor->result, (enum cryocore_severity)letter->severity, letter->error,
		"%s", letter->text);
}

static void hear_done(struct supervisor *supervisor, const struct cryo_letter *letter)
{
	supervisor->done = true;
	supervisor->error = letter->error;
	supervisor->is_spent |= letter->is_spent;
}

static void (*const hearers[])(struct supervisor *, const struct cryo_letter *) = {
	[CRYO_LETTER_READY] = hear_ready,
	[CRYO_LETTER_STOPPED] = hear_stopped,
	[CRYO_LETTER_RELEASED] = hear_released,
	[CRYO_LETTER_MESSAGE] = hear_message,
	[CRYO_LETTER_DONE] = hear_done,
};

/* Take what a child has to say. Whether it had a letter. */
static bool listen_to(struct supervisor *supervisor, struct cryo_child *child)
{
	struct cryo_letter letter;
	int r = cryo_channel_receive(child->channel, 0, &letter);

	if (r == -EPIPE) {
		cryo_children_hang_up(child);
		return false;
	}
	if (r == 0 && letter.kind < ARRAY_SIZE(hearers) && hearers[letter.kind])
		hearers[letter.kind](supervisor, &letter);
	return r == 0;
}

/* ---- time ---- */

static void show_progress(struct supervisor *supervisor)
{
	struct cryocore_progress progress = {
		.pid = supervisor->result->pid,
		.stage = stage_name(supervisor),
		.bytes_done = supervisor->shared->bytes_done,
		.bytes_expected = supervisor->shared->bytes_expected,
		.elapsed_ns = cryo_now() - supervisor->begin,
	};

	if (supervisor->options->on_progress)
		supervisor->options->on_progress(&progress, supervisor->options->user);
}

static void note_progress(struct supervisor *supervisor)
{
	uint64_t bytes = supervisor->shared->bytes_done, steps = supervisor->shared->steps;
	uint32_t stage = supervisor->shared->stage;

	if (bytes == supervisor->last_bytes && steps == supervisor->last_steps &&
		stage == supervisor->last_stage)
		return;
	supervisor->last_bytes = bytes;
	supervisor->last_steps = steps;
	supervisor->last_stage = stage;
	supervisor->last_progress = cryo_now();
}

/* Whether the tracer gets on with the stop: another thread has stopped a moment ago. */
static bool is_stopping(const struct supervisor *supervisor, uint64_t now)
{
	return now < supervisor->stop_asked + STOP_NS ||
	       (now < supervisor->last_progress + STOP_NS &&
		       now < supervisor->stop_asked + STOP_MOST_NS);
}

/* A tracer that is stuck in PTRACE_SEIZE is ended; the reader then goes on without. */
static void check_stop(struct supervisor *supervisor, uint64_t now)
{
	if (!supervisor->stop_asked || supervisor->stopped || !supervisor->children->tracer.pid ||
		is_stopping(supervisor, now))
		return;
	kill(supervisor->children->tracer.pid, SIGKILL);
	cryo_child_reap(&supervisor->children->tracer.pid, now + DEATH_NS);
}

/* Why it was time to give up, when nothing came: a negative errno and words; or 0. */
static int check_time(struct supervisor *supervisor, uint64_t now)
{
	struct cryocore_result *result = supervisor->result;

	note_progress(supervisor);
	check_stop(supervisor, now);
	if (supervisor->options->cancel && *supervisor->options->cancel)
		return -ECANCELED;
	if (now >= supervisor->deadline) {
		cryo_result_say(result, CRYOCORE_ERROR, ETIMEDOUT,
			"the time limit has passed while it was at '%s': give a longer --timeout",
			stage_name(supervisor));
		return -ETIMEDOUT;
	}
	if (now >= supervisor->last_progress + STALL_NS) {
		cryo_result_say(result, CRYOCORE_ERROR, ETIMEDOUT,
			"nothing has moved for %llu s while it was at '%s': given up",
			STALL_NS / CRYO_NSEC_PER_SEC, stage_name(supervisor));
		return -ETIMEDOUT;
	}
	return 0;
}

/* Until the reader is done, or has died, or it is time to give up: by the clock as it was before
 * the look. We may be stopped behind it, until what did come in time seems to be late. */
static int wait_for_reader(struct supervisor *supervisor)
{
	uint64_t next_tick = cryo_now() + TICK_NS;
	int r = 0, n_heard = 0;

	while (!supervisor->done && supervisor->children->reader.channel >= 0 && r == 0) {
		struct pollfd ends[2] = {{supervisor->children->reader.channel, POLLIN, 0},
			{supervisor->children->tracer.channel, POLLIN, 0}};
		uint64_t before = cryo_now(), limit = supervisor->deadline;
		int n = poll(ends, 2, cryo_deadline_poll_ms(next_tick < limit ? next_tick : limit));
		bool heard = n > 0 && ends[0].revents;

		if (heard)
			listen_to(supervisor, &supervisor->children->reader);
		if (n > 0 && ends[1].revents)
			listen_to(supervisor, &supervisor->children->tracer);
		/* Who has more to tell may be done: it was we who were stopped. */
		if (!supervisor->done && (!heard || ++n_heard > LETTERS_MAX))
			r = check_time(supervisor, before);
		if (cryo_now() < next_tick)
			continue;
		next_tick = cryo_now() + TICK_NS;
		show_progress(supervisor);
	}
	if (r < 0 || supervisor->done)
		return r;
	supervisor->repeat = cryo_repeat_crashed(supervisor->request, supervisor->shared,
		stage_name(supervisor), &supervisor->children->reader.pid, supervisor->result);
	return -ECHILD;
}

/* Wait until the tracer has told that the target was given back. */
static void await_release(struct supervisor *supervisor)
{
	struct pollfd end = {.fd = supervisor->children->tracer.channel, .events = POLLIN};
	uint64_t limit = cryo_now() + DEATH_NS;
	int n = 1;

	while (!supervisor->released && end.fd >= 0 && (n > 0 || cryo_now() < limit)) {
		n = poll(&end, 1, cryo_deadline_poll_ms(limit));
		if (n > 0)
			listen_to(supervisor, &supervisor->children->tracer);
		end.fd = supervisor->children->tracer.channel;
	}
}

static void release(struct supervisor *supervisor)
{
	struct cryo_letter order = {.kind = CRYO_LETTER_RELEASE};

	if (supervisor->children->tracer.channel < 0)
		return;
	cryo_channel_send(supervisor->children->tracer.channel, &order);
	if (supervisor->stopped)
		await_release(supervisor);
	cryo_children_hang_up(&supervisor->children->tracer);
}

static void end_tracer(struct supervisor *supervisor)
{
	struct cryo_child *tracer = &supervisor->children->tracer;

	if (cryo_child_end(&tracer->pid, supervisor->request->procfs,
		    supervisor->stopped ? DEATH_NS : 0) ||
		(supervisor->released && !supervisor->is_spent))
		return;
	cryo_result_say(supervisor->result, CRYOCORE_ERROR, 0,
		"the tracing process %d could not be ended: the target may still be held",
		tracer->pid);
}

static void end_reader(struct supervisor *supervisor)
{
	struct cryo_child *reader = &supervisor->children->reader;
	uint64_t patience = supervisor->done ? DONE_NS : 0;

	if (!supervisor->done && cryo_now() < supervisor->last_progress + STALL_NS)
		patience = DEATH_NS;
	if (!cryo_child_end(&reader->pid, supervisor->request->procfs, patience))
		cryo_result_say(supervisor->result, CRYOCORE_WARNING, 0,
			"the reading process %d cannot die before a file system answers it: left "
			"behind",
			reader->pid);
	reader->pid = 0;
	while (reader->channel >= 0 && listen_to(supervisor, reader))
		if (supervisor->done)
			break;
}

/* A tracer that was killed may have left a copy of the target: another one ends it. */
static void end_duplicate(struct supervisor *supervisor)
{
	struct cryo_child *tracer = &supervisor->children->tracer;
	struct cryo_job job = {*supervisor->request, cryo_now() + STOP_NS, true};

	if (!*supervisor->children->duplicate || tracer->pid ||
		cryo_children_replace_tracer(supervisor->children, &job) < 0)
		return;
	cryo_children_hang_up(tracer); /* it has nobody to wait for */
	cryo_child_end(&tracer->pid, supervisor->request->procfs, STOP_NS);
}

/* The target is given back first; then the children end. */
static void end_children(struct supervisor *supervisor)
{
	supervisor->shared->cancel = 1;
	if (supervisor->children->reader.channel >= 0) /* there will be no other job */
		shutdown(supervisor->children->reader.channel, SHUT_WR);
	release(supervisor);
	end_tracer(supervisor);
	end_reader(supervisor);
	end_duplicate(supervisor);
	supervisor->children->tracer.pid = 0; /* it has ended, or that was said */
}

/* Whether the children are as good as new: they have done everything, and told it. */
static bool may_keep(struct supervisor *supervisor)
{
	if (!supervisor->keeps || !supervisor->done || supervisor->error)
		return false;
	if (supervisor->stop_asked)
		await_release(supervisor);
	return !supervisor->is_spent && (!supervisor->stop_asked || supervisor->released);
}

/* ---- one capture ---- */

static int assign(struct supervisor *supervisor)
{
	struct cryo_job job = {*supervisor->request, supervisor->deadline, !supervisor->keeps};
	int r = cryo_children_assign(supervisor->children, &job);

	supervisor->shared = supervisor->children->shared;
	supervisor->last_progress = cryo_now();
	if (r < 0)
		cryo_result_say(supervisor->result, CRYOCORE_ERROR, -r,
			"cannot start a capture: %s", strerror(-r));
	return r;
}

static void run(struct supervisor *supervisor)
{
	struct cryo_children *children = supervisor->children;
	int r = assign(supervisor);
	bool kept, is_read;

	if (r == 0)
		r = wait_for_reader(supervisor);
	if (r < 0 && !supervisor->done) /* what is complete is not interrupted any more */
		supervisor->error = r;
	kept = r == 0 && may_keep(supervisor);
	if (supervisor->done && cryo_now() < supervisor->deadline)
		supervisor->repeat = cryo_repeat_refused(
			supervisor->request, supervisor->shared, supervisor->error);
	is_read = supervisor->done && !supervisor->repeat;
	if (is_read) /* while the reader ends */
		cryo_report_read(children->report, supervisor->result);
	if (supervisor->shared && !kept)
		end_children(supervisor);
	if (supervisor->repeat)
		cryo_leftover_remove(supervisor->request, supervisor->shared);
	else if (!supervisor->done)
		cryo_leftover_tell(supervisor->request, supervisor->result);
	if (children->report >= 0 && !supervisor->repeat && !is_read)
		cryo_report_read(children->report, supervisor->result);
	if (!kept)
		cryo_children_end(children, supervisor->request->procfs);
}

/* A capture that is not complete never ends without a word. */
static void tell_error(const struct supervisor *supervisor, bool captured)
{
	enum cryocore_severity severity = captured ? CRYOCORE_WARNING : CRYOCORE_ERROR;
	bool cut = supervisor->error == -ECANCELED;

	if (supervisor->error == 0 || cryo_result_has(supervisor->result, severity))
		return;
	cryo_result_say(supervisor->result, severity, supervisor->error, "%s: %s",
		cut ? "interrupted" : "the capture failed",
		captured ? "the core is whole, what comes after it may be missing"
		: cut    ? "nothing was captured"
			 : strerror(-supervisor->error));
}

/* Whose close(2) asks nobody who may not answer. */
static bool is_pipe(int fd)
{
	struct stat found;

	return fstat(fd, &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode));
}

static bool can_keep(const struct cryo_request *request)
{
	return request->snapshot == CRYOCORE_SNAPSHOT_NONE &&
	       (request->stream_fd < 0 || is_pipe(request->stream_fd));
}

enum cryo_repeat cryo_supervise(struct cryo_request *request,
	const struct cryocore_options *options, struct cryo_session *session, uint64_t begin,
	struct cryocore_result *result)
{
	struct supervisor supervisor = {
		.options = options,
		.request = request,
		.result = result,
		.children = &session->children,
		.keeps = !session->is_for_one && can_keep(request),
		.begin = begin,
		.deadline = UINT64_MAX,
	};
	bool captured;

	if (options->timeout_ms)
		supervisor.deadline = supervisor.begin + cryo_ns_of_ms(options->timeout_ms);
	run(&supervisor);
	if (supervisor.repeat)
		return supervisor.repeat;
	captured = (supervisor.done && supervisor.error == 0) ||
		   (!supervisor.done && result->core_path && cryo_leftover_has_core(request));
	if (!captured) {
		free((char *)result->core_path);
		result->core_path = NULL;
	}
	tell_error(&supervisor, captured);
	cryo_result_conclude(result, captured);
	return CRYO_REPEAT_NOT;
}
