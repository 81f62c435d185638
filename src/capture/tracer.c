// SPDX-License-Identifier: MIT
/*
 * In each capture the tracer waits for STOP, stops, tells, and holds until somebody says RELEASE,
 * or the reader or the supervisor is gone, or the deadline has come. For a snapshot there are
 * several stops, and in some of them system calls are run in the target (capture/implant.h).
 * Whatever ends it, the target is released: by this code, or by the kernel when this process dies.
 *
 * SIGTERM (which is also what the death of the supervisor sends) ends it at once only where it
 * could be stuck: in PTRACE_SEIZE of a target that does not come out of execve. While it holds,
 * SIGTERM is blocked, and the end of the channel releases the target with everything put back.
 */
#include "capture/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/io.h"
#include "capture/channel.h"
#include "capture/child.h"
#include "capture/holder.h"
#include "capture/implant.h"
#include "capture/job.h"
#include "capture/privilege.h"
#include "capture/stop.h"
#include "trace/registers.h"

/* How long nothing may move before the target is given back; longer than the supervisor's patience.
 */
#define HOLD_NS (40 * CRYO_NSEC_PER_SEC)

enum {
	HOLD_TICK_MS = 1000,
	REGISTERS_ROOM = 4608 /* of a thread; with larger ones the room grows in the stop */
};

static void block_signal(int number, int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(how, &set, NULL);
}

static void tell_both(const struct cryo_tracer *tracer, const struct cryo_letter *letter)
{
	cryo_channel_send(tracer->reader, letter);
	cryo_channel_send(tracer->supervisor, letter);
}

/* It changes while anything gets on. */
static uint64_t progress(const struct cryo_tracer *tracer)
{
	return tracer->shared->bytes_done + tracer->shared->steps;
}

/* Until RELEASE from either side, the end of either, the deadline, or a long time without progress:
 * the supervisor, who looks at that too, may itself be stopped. Whether anybody asked for it. */
static bool hold(const struct cryo_tracer *tracer)
{
	struct pollfd ends[2] = {{.fd = tracer->reader, .events = POLLIN},
		{.fd = tracer->supervisor, .events = POLLIN}};
	uint64_t done = 0, limit = cryo_now() + HOLD_NS, now;

	while (poll(ends, 2, HOLD_TICK_MS) <= 0) {
		now = cryo_now();
		if (progress(tracer) != done)
			limit = now + HOLD_NS;
		done = progress(tracer);
		if (now >= limit || now >= tracer->deadline)
			return false;
	}
	return true;
}

static void tell_stopped(
	const struct cryo_tracer *tracer, const struct cryo_letter *letter, int userfaultfd)
{
	cryo_channel_send_file(tracer->reader, letter, userfaultfd);
	cryo_channel_send(tracer->supervisor, letter);
}

/* ---- the orders ---- */

/* While a thread runs nothing is run in the others: it would see what is done. */
static int check_all_held(const struct cryo_stopped *stopped)
{
	return stopped->n_held && !stopped->n_unstopped ? 0 : -ETIME;
}

static void hold_until_told(
	const struct cryo_tracer *tracer, struct cryo_stopped *stopped, struct cryo_letter *letter)
{
	(void)stopped;
	tell_stopped(tracer, letter, -1);
	letter->is_early = !hold(tracer);
}

static void track(
	const struct cryo_tracer *tracer, struct cryo_stopped *stopped, struct cryo_letter *letter)
{
	_cleanup_close_ int fd = -1;

	letter->done = check_all_held(stopped);
	if (letter->done == 0)
		fd = cryo_implant_userfaultfd(tracer->request, &tracer->shared->site, stopped);
	if (letter->done == 0 && fd < 0)
		letter->done = fd;
	tell_stopped(tracer, letter, fd);
}

static void make_copy(
	const struct cryo_tracer *tracer, struct cryo_stopped *stopped, struct cryo_letter *letter)
{
	letter->done = check_all_held(stopped);
	if (letter->done == 0)
		letter->done = cryo_implant_copy(&tracer->shared->site, tracer->duplicate, stopped);
	if (letter->done < 0)
		cryo_implant_end_copy(tracer->duplicate, tracer->request->procfs);
	letter->child = *tracer->duplicate;
	hold_until_told(tracer, stopped, letter);
}

static void end_copy(
	const struct cryo_tracer *tracer, struct cryo_stopped *stopped, struct cryo_letter *letter)
{
	letter->done = cryo_implant_reap_copy(
		&tracer->shared->site, tracer->duplicate, tracer->request->procfs, stopped);
	tell_stopped(tracer, letter, -1);
}

static void (*const orders[])(
	const struct cryo_tracer *, struct cryo_stopped *, struct cryo_letter *) = {
	[CRYO_ORDER_HOLD] = hold_until_told,
	[CRYO_ORDER_TRACK] = track,
	[CRYO_ORDER_FORK] = make_copy,
	[CRYO_ORDER_END] = end_copy,
};

/* Nobody stands still for one of his threads for longer than he may. */
static uint64_t patience(const struct cryo_request *request)
{
	return request->max_pause_ns && request->max_pause_ns < CRYO_STOP_PATIENCE_NS
		       ? request->max_pause_ns
		       : CRYO_STOP_PATIENCE_NS;
}

/* ---- who shares its memory ---- */

static pid_t live_thread(const struct cryo_tracer *tracer)
{
	const struct cryo_identity *identity = &tracer->request->identity;
	pid_t tid;
	_cleanup_close_ int dir = cryo_identity_open_live(tracer->procfs, identity, &tid);

	return dir < 0 ? identity->pid : tid;
}

/* While the reader gets ready. Whoever blocks here is ended as in PTRACE_SEIZE. */
static void find_sharers(const struct cryo_tracer *tracer)
{
	cryo_sharers_find(tracer->sharer_index, tracer->procfs, live_thread(tracer),
		tracer->request->identity.pid, tracer->sharers);
}

/* The reader can write where it reads this: what is counted with is ours. */
static void note_sharers(const struct cryo_tracer *tracer)
{
	if (tracer->sharers->count)
		cryo_sharers_note(tracer->procfs, live_thread(tracer),
			tracer->request->identity.pid, tracer->sharers);
	tracer->shared->sharers = *tracer->sharers;
}

/* ---- one stop ---- */

/*
 * Each of many threads that is asked to stop, or released, would take the processor from us before
 * the next one: of 1,000 that makes the pause half as long again. Who has asked for less than the
 * usual share of it, by nice(1) or otherwise, gets no more.
 */
static bool hurry(const struct cryo_stopped *stopped)
{
	const struct sched_param least = {.sched_priority = 1};

	return stopped->count && sched_getscheduler(0) == SCHED_OTHER &&
	       getpriority(PRIO_PROCESS, 0) <= 0 && sched_setscheduler(0, SCHED_FIFO, &least) == 0;
}

static void take_time(bool is_hurrying)
{
	const struct sched_param none = {0};

	if (is_hurrying)
		sched_setscheduler(0, SCHED_OTHER, &none);
}

/* What of a stop is ready before it: what is known of the threads, if they are many, and room for
 * their registers. */
struct ahead {
	struct cryo_stopped stopped;
	struct cryo_buffer records;
};

/* Room has its pages when it is needed, here and, for many threads, in the file: for a few that
 * costs more than it saves. */
static void prepare(const struct cryo_tracer *tracer, struct ahead *ahead)
{
	size_t room = REGISTERS_ROOM;

	cryo_stop_look(&tracer->request->identity, &ahead->stopped);
	if (ahead->stopped.count)
		room *= ahead->stopped.count;
	if (cryo_registers_make_room(&ahead->records, room) == 0 && ahead->stopped.count)
		fallocate(tracer->records, FALLOC_FL_KEEP_SIZE, 0, (off_t)room);
}

static int write_records(const struct cryo_tracer *tracer, const struct cryo_buffer *records)
{
	int r = cryo_io_pwrite(tracer->records, records->data, records->size, 0);

	return r == 0 && ftruncate(tracer->records, (off_t)records->size) < 0 ? -errno : r;
}

/* Whether nothing of the target is left with us. What was ready is used up. */
static bool stop(const struct cryo_tracer *tracer, uint32_t order, struct ahead *ahead)
{
	struct cryo_stopped stopped = ahead->stopped;
	struct cryo_buffer records = ahead->records;
	struct cryo_holder holder = CRYO_HOLDER_NONE;
	struct cryo_letter letter = {.kind = CRYO_LETTER_STOPPED, .order = order};
	bool restart = !tracer->request->no_syscall_restart, is_hurrying = hurry(&stopped);

	*ahead = (struct ahead){0};
	stopped.steps = &tracer->shared->steps;
	letter.error = cryo_stop(&tracer->request->identity, tracer->deadline,
		patience(tracer->request), restart, &records, &stopped);
	if (order == CRYO_ORDER_HOLD)
		cryo_holder_take(tracer->request, &stopped, tracer->deadline, &holder);
	letter.holder = holder.tracer;
	block_signal(SIGTERM, SIG_BLOCK);
	if (letter.error == 0 && order != CRYO_ORDER_END) /* the others are still in use */
		letter.error = write_records(tracer, &records);
	letter.records_size = records.size;
	letter.n_threads = stopped.n_held;
	letter.n_unstopped = stopped.n_unstopped;
	letter.stop_ns = stopped.stop_ns;
	if (letter.error == 0 && stopped.n_held == 0)
		letter.error = stopped.error;
	orders[order](tracer, &stopped, &letter);
	letter.kind = CRYO_LETTER_RELEASED;
	letter.n_restarted = stopped.n_restarted;
	letter.holder = cryo_holder_ask(tracer->request, &stopped, &holder);
	cryo_release(&stopped, &tracer->request->identity);
	take_time(is_hurrying);
	cryo_holder_release(&holder);
	letter.release_ns = stopped.release_ns;
	letter.is_spent = cryo_tracee_is_any_left(); /* the kernel releases it when we end */
	tell_both(tracer, &letter);
	cryo_buffer_clear(&records);
	return !letter.is_spent;
}

/* The order comes from the reader, who asks for nothing else than a stop without a snapshot. */
static bool is_order(const struct cryo_tracer *tracer, const struct cryo_letter *letter)
{
	return letter->kind == CRYO_LETTER_STOP && letter->order < ARRAY_SIZE(orders) &&
	       (letter->order == CRYO_ORDER_HOLD || tracer->request->snapshot);
}

/* The stops of one capture. Whether the tracer may go on: not if the capture ended otherwise than
 * with its last stop, or something is left. */
static bool stop_as_told(const struct cryo_tracer *tracer, struct ahead *ahead)
{
	struct cryo_letter letter;
	bool is_clean = true;

	while (cryo_channel_receive(tracer->supervisor, tracer->deadline, &letter) == 0) {
		if (!is_order(tracer, &letter))
			return false;
		if (letter.order == CRYO_ORDER_END) /* this takes time: nobody waits for it */
			cryo_implant_end_copy(tracer->duplicate, tracer->request->procfs);
		note_sharers(tracer);
		is_clean &= stop(tracer, letter.order, ahead);
		if (letter.order == CRYO_ORDER_HOLD || letter.order == CRYO_ORDER_END)
			return is_clean;
		if (!*tracer->duplicate) /* else it has to be ended in any case */
			block_signal(SIGTERM, SIG_UNBLOCK);
	}
	return false;
}

/* A release that was asked for in the last capture must not end the stop of this one. */
static void forget_letters(const struct cryo_tracer *tracer)
{
	struct cryo_letter letter;
	int r;

	do
		r = cryo_channel_receive(tracer->reader, 0, &letter);
	while (r == 0 || r == -EINTR);
}

static bool do_job(const struct cryo_tracer *born, const struct cryo_job *job)
{
	struct cryo_tracer tracer = *born;
	struct ahead ahead = {0};
	struct cryo_sharers sharers = {0};
	bool goes_on;

	tracer.request = &job->request;
	tracer.deadline = job->deadline;
	tracer.sharers = &sharers;
	forget_letters(&tracer);
	if (!*tracer.duplicate)
		find_sharers(&tracer);
	prepare(&tracer, &ahead); /* the reader is not ready yet either */
	goes_on = stop_as_told(&tracer, &ahead);
	if (*tracer.duplicate) {
		cryo_implant_end_copy(tracer.duplicate, tracer.request->procfs);
		stop(&tracer, CRYO_ORDER_END, &ahead);
	}
	block_signal(SIGTERM, SIG_UNBLOCK);
	free(ahead.stopped.tracees);
	cryo_buffer_clear(&ahead.records);
	return goes_on && !job->is_last;
}

void cryo_tracer_run(const struct cryo_tracer *born)
{
	const int needed[] = {born->procfs, born->supervisor, born->reader, born->records};
	struct cryo_sharer_index index = {0};
	struct cryo_tracer tracer = *born;
	struct cryo_job job;
	bool goes_on = true;

	tracer.sharer_index = &index;
	cryo_child_begin(born->parent, SIGTERM, needed, ARRAY_SIZE(needed));
	cryo_privilege_raise();
	signal(SIGTERM, SIG_DFL);
	block_signal(SIGTERM, SIG_UNBLOCK);
	while (goes_on && cryo_job_receive(born->supervisor, &job) == 0) {
		goes_on = do_job(&tracer, &job);
		cryo_job_clear(&job);
	}
	_exit(0);
}
