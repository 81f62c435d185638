// SPDX-License-Identifier: MIT
/*
 * A stopped thread starts no thread, so the set is complete when a pass over the task directory
 * finds nothing new; two or three passes are enough even against 20,000 new threads a second.
 *
 * Two kinds of thread are not asked to stop at all, since they cannot: frozen by a version 1 cgroup
 * (__refrigerator), and waiting for a FUSE server (request_wait_answer), who would see the
 * interruption while the thread slid from S into an unkillable D. Nor is a process whose core the
 * kernel is writing: that core would end there.
 */
#include "capture/stop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "capture/stop_again.h"
#include "proc/procfs.h"
#include "proc/stat.h"
#include "proc/status.h"
#include "trace/registers.h"
#include "trace/restart.h"

/* How long one pass waits for the threads that it has asked; then they are left behind. */
#define PASS_NS (700 * CRYO_NSEC_PER_MSEC)

/* How often one that waits for a processor or a disk is looked at, which is waited for longer. */
#define SLOW_LOOK_NS (100 * CRYO_NSEC_PER_MSEC)

/* How long all that stood still before have to get back there, and how often it is looked at. */
#define REST_NS CRYO_NSEC_PER_SEC
#define REST_LOOK_NS (100 * 1000)

/* How old it may be what is known of where threads wait. */
#define LOOK_NS (50 * CRYO_NSEC_PER_MSEC)

/* So many that to look at them beforehand is worth it. */
enum {
	MANY_THREADS = 50
};

static int compare_tid(const void *key, const void *element)
{
	pid_t tid = *(const pid_t *)key, other = ((const struct cryo_tracee *)element)->tid;

	return (tid > other) - (tid < other);
}

static int compare_tracees(const void *left, const void *right)
{
	return compare_tid(&((const struct cryo_tracee *)left)->tid, right);
}

/* Where a thread waits that needs care, or the beginning of such a name; with some compilers
 * get_signal() is all that is seen. Only what asks a server has names that are not here. */
static const struct {
	const char *wchan;
	bool is_hopeless; /* it cannot stop, and is better not asked to */
	bool is_at_rest;  /* it does nothing until somebody lets it */
	bool is_slow;     /* a page or a disk will come */
} places[] = {
	{"__refrigerator", .is_hopeless = true},
	{"request_wait_answer", .is_hopeless = true},
	{"do_freezer_trap", .is_at_rest = true},
	{"do_signal_stop", .is_at_rest = true},
	{"get_signal", .is_at_rest = true},
	{"folio_wait_bit", .is_slow = true},
	{"wait_on_page_bit", .is_slow = true},
	{"__lock_page", .is_slow = true},
	{"io_schedule", .is_slow = true},
	{"__wait_on_buffer", .is_slow = true},
	{"submit_bio_wait", .is_slow = true},
	{"bio_await", .is_slow = true},
	{"blk_", .is_slow = true},
	{"__blkdev_", .is_slow = true},
	{"rq_qos_wait", .is_slow = true},
	{"iomap_dio", .is_slow = true},
	{"__iomap_dio", .is_slow = true},
	{"swap_read", .is_slow = true},
	{"do_swap_page", .is_slow = true},
	{"balance_dirty_pages", .is_slow = true},
	{"jbd2_log_wait_commit", .is_slow = true},
	{"wait_transaction_", .is_slow = true},
	{"do_get_write_access", .is_slow = true},
	{"xlog_", .is_slow = true},
	{"xfs_buf_", .is_slow = true},
};

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Its index in the table; the number of places: another. */
static size_t place_of(int process_dir, pid_t tid)
{
	_cleanup_buffer_ struct cryo_buffer wchan = {0};
	char name[48];
	size_t i = 0;

	snprintf(name, sizeof(name), "task/%d/wchan", tid);
	if (cryo_procfs_read_record(process_dir, name, &wchan) < 0 || !wchan.data)
		return ARRAY_SIZE(places);
	while (i < ARRAY_SIZE(places) && !starts_with((const char *)wchan.data, places[i].wchan))
		i++;
	return i;
}

bool cryo_stop_is_hopeless(int process_dir, pid_t tid)
{
	size_t place = place_of(process_dir, tid);

	return place < ARRAY_SIZE(places) && places[place].is_hopeless;
}

static void refuse(struct cryo_tracee *tracee, int error)
{
	tracee->state = CRYO_TRACEE_REFUSED;
	tracee->error = error;
}

/* Where it waits: 10 us, so that of many threads it is asked beforehand. */
static void look_at(int process_dir, struct cryo_tracee *tracee)
{
	size_t place = place_of(process_dir, tracee->tid);

	if (place == ARRAY_SIZE(places))
		return;
	tracee->was_at_rest = places[place].is_at_rest;
	if (places[place].is_hopeless)
		refuse(tracee, -EBUSY);
}

/* Add the threads that are not known yet; those in [0, known) are sorted. All are asked where they
 * wait before the first is stopped: it would stand still meanwhile. */
static int add_new(const struct cryo_identity *identity, struct cryo_stopped *stopped)
{
	_cleanup_free_ pid_t *tids = NULL;
	size_t n_tids, known = stopped->count;
	int r = cryo_procfs_list_threads(identity->dir, &tids, &n_tids);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n_tids; i++) {
		struct cryo_tracee *tracee;

		if (known &&
			bsearch(&tids[i], stopped->tracees, known, sizeof(*tracee), compare_tid))
			continue;
		tracee = cryo_array_add(stopped->tracees, stopped->count);
		if (!tracee)
			return -ENOMEM;
		*tracee = (struct cryo_tracee){.tid = tids[i]};
		look_at(identity->dir, tracee);
	}
	return 0;
}

/* The number of links to the directory of the threads tells how many they are. */
void cryo_stop_look(const struct cryo_identity *identity, struct cryo_stopped *stopped)
{
	struct stat found;

	if (fstatat(identity->dir, "task", &found, 0) < 0 || found.st_nlink < MANY_THREADS)
		return;
	stopped->look_ns = cryo_now();
	if (add_new(identity, stopped) < 0)
		stopped->count = 0;
}

/* Whether what is known already may be gone by. Who could not stop then may be able to now: a FUSE
 * server has answered him meanwhile. */
static bool take_look(const struct cryo_identity *identity, struct cryo_stopped *stopped)
{
	if (cryo_now() - stopped->look_ns > LOOK_NS)
		stopped->count = 0;
	for (size_t i = 0; i < stopped->count; i++) {
		struct cryo_tracee *tracee = &stopped->tracees[i];

		if (tracee->state != CRYO_TRACEE_REFUSED)
			continue;
		*tracee = (struct cryo_tracee){.tid = tracee->tid};
		look_at(identity->dir, tracee);
	}
	return stopped->count;
}

/* The kernel ends its core early if the thread that writes it is asked to stop, as at the end of a
 * pipe that is read slowly. */
static bool is_dumping_core(const struct cryo_identity *identity)
{
	struct cryo_status status;

	return cryo_status_read(identity->dir, &status) == 0 &&
	       cryo_status_is_dumping(identity->dir, &status);
}

/* No thread of it is known to be another's if the process is still there: then nobody has got its
 * number. */
static void seize_new(const struct cryo_identity *identity, struct cryo_tracee *tracees,
	size_t count, uint64_t *stop_ns)
{
	bool is_dumping = count && is_dumping_core(identity);

	if (!*stop_ns)
		*stop_ns = cryo_now();
	for (size_t i = 0; i < count; i++) {
		if (is_dumping)
			refuse(&tracees[i], -EINPROGRESS);
		else if (tracees[i].state != CRYO_TRACEE_REFUSED)
			cryo_tracee_seize(&tracees[i], identity->pid);
	}
	if (!cryo_identity_is_alive(identity))
		for (size_t i = 0; i < count; i++)
			cryo_tracee_disown(&tracees[i]);
}

static int read_one(const struct cryo_identity *identity, struct cryo_stopped *stopped,
	struct cryo_tracee *tracee, bool restart, struct cryo_buffer *records)
{
	const struct cryo_arch *arch = NULL;
	size_t start = records->size;
	int r = cryo_registers_read(identity->dir, tracee->tid, &stopped->program, records, &arch);
	struct cryo_registers_record *record;

	if (r == -ESRCH) {
		tracee->state = CRYO_TRACEE_GONE;
		return 0;
	}
	if (r < 0)
		return r;
	if (tracee->tid == identity->pid)
		stopped->leader_record = start;
	record = cryo_registers_at(records, start);
	if (!restart || record->foreign)
		return 0;
	r = cryo_restart_prepare(tracee, arch, cryo_registers_general(record));
	record->restarted = r > 0;
	stopped->n_restarted += r > 0;
	return 0;
}

static uint64_t earlier(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

static char state_of(const struct cryo_identity *identity, pid_t tid)
{
	_cleanup_close_ int dir = cryo_procfs_open_thread(identity->dir, tid);
	struct cryo_stat stat;
	int r = dir < 0 ? dir : cryo_stat_read(dir, &stat);

	if (r < 0)
		return r == -ESRCH || r == -ENOENT ? 'X' : '?';
	return stat.state;
}

/* One that has no turn on a busy machine stops as soon as it has; one that waits for a disk, when
 * that has answered. */
static bool will_stop(const struct cryo_identity *identity, pid_t tid)
{
	char state = state_of(identity, tid);
	size_t place = state == 'D' ? place_of(identity->dir, tid) : ARRAY_SIZE(places);

	return state == 'R' || (place < ARRAY_SIZE(places) && places[place].is_slow);
}

static bool wait_for_one(const struct cryo_identity *identity, struct cryo_tracee *tracee,
	uint64_t deadline, uint64_t limit)
{
	int r = cryo_tracee_wait(tracee, deadline);

	while (r < 0 && cryo_now() < limit && will_stop(identity, tracee->tid))
		r = cryo_tracee_wait(tracee, cryo_now() + SLOW_LOOK_NS);
	return r == 0 && tracee->state == CRYO_TRACEE_STOPPED;
}

/* Until when it is waited: @limit is for those that will stop some day, and is put off, up to
 * @most, whenever one does. */
struct times {
	uint64_t deadline, patience, limit, most;
};

static struct times times_from(uint64_t now, uint64_t deadline, uint64_t patience)
{
	uint64_t most = patience < CRYO_STOP_PATIENCE_NS ? patience : CRYO_STOP_MOST_NS;

	return (struct times){deadline, patience, earlier(deadline, now + patience),
		earlier(deadline, now + most)};
}

static void note_step(struct cryo_stopped *stopped, struct times *times)
{
	times->limit = earlier(times->most, cryo_now() + times->patience);
	if (stopped->steps)
		++*stopped->steps;
}

static int hold_new(const struct cryo_identity *identity, struct cryo_stopped *stopped, size_t from,
	struct times *times, bool restart, struct cryo_buffer *records)
{
	uint64_t deadline = earlier(times->deadline, cryo_now() + PASS_NS);
	int r = 0;

	for (size_t i = from; i < stopped->count && r == 0; i++) {
		if (!wait_for_one(identity, &stopped->tracees[i], deadline, times->limit))
			continue;
		note_step(stopped, times);
		r = read_one(identity, stopped, &stopped->tracees[i], restart, records);
	}
	return r;
}

/* An exited thread has no registers, and is in no core: not one that could not be stopped. */
static bool is_zombie(const struct cryo_identity *identity, pid_t tid)
{
	return strchr("ZXx", state_of(identity, tid));
}

static void count_held(const struct cryo_identity *identity, struct cryo_stopped *stopped)
{
	for (size_t i = 0; i < stopped->count; i++) {
		const struct cryo_tracee *tracee = &stopped->tracees[i];
		bool unstopped =
			tracee->state == CRYO_TRACEE_SEIZED || tracee->state == CRYO_TRACEE_REFUSED;

		stopped->n_held += tracee->state == CRYO_TRACEE_STOPPED;
		if (!unstopped || is_zombie(identity, tracee->tid))
			continue;
		stopped->n_unstopped++;
		if (!stopped->error)
			stopped->error = tracee->error;
	}
}

int cryo_stop(const struct cryo_identity *identity, uint64_t deadline, uint64_t patience,
	bool restart, struct cryo_buffer *records, struct cryo_stopped *stopped)
{
	struct times times = times_from(cryo_now(), deadline, patience);
	int r = cryo_tracee_tick_start();
	bool is_looked_at = take_look(identity, stopped);
	size_t waited = 0; /* how many have been waited for */

	stopped->leader_record = SIZE_MAX;
	while (r == 0) {
		size_t known = is_looked_at ? 0 : stopped->count;

		if (!is_looked_at)
			r = add_new(identity, stopped);
		is_looked_at = false;
		if (r < 0 || cryo_now() >= deadline)
			break;
		if (stopped->count == waited) {
			if (!cryo_stop_is_stale(identity, stopped, records) ||
				!cryo_stop_again(identity, stopped, records))
				break;
			waited = 0;
			continue;
		}
		seize_new(identity, stopped->tracees + known, stopped->count - known,
			&stopped->stop_ns);
		r = hold_new(identity, stopped, waited, &times, restart, records);
		qsort(stopped->tracees, stopped->count, sizeof(*stopped->tracees), compare_tracees);
		waited = stopped->count;
	}
	cryo_tracee_tick_stop();
	count_held(identity, stopped);
	return r == -ENOENT || r == -ESRCH ? 0 : r;
}

/*
 * A thread that a stop signal or a cgroup held before wakes when it is released, and goes back
 * there: for the moment that this takes it is shown as running.
 */
static void wait_for_rest(const struct cryo_identity *identity, const struct cryo_stopped *stopped)
{
	const struct timespec look = {.tv_nsec = REST_LOOK_NS};
	uint64_t deadline = cryo_now() + REST_NS;

	for (size_t i = 0; i < stopped->count; i++)
		while (stopped->tracees[i].was_at_rest && cryo_now() < deadline &&
			state_of(identity, stopped->tracees[i].tid) == 'R')
			nanosleep(&look, NULL);
}

void cryo_release(struct cryo_stopped *stopped, const struct cryo_identity *identity)
{
	struct cryo_tracee *last = NULL;

	for (size_t i = 0; i < stopped->count; i++) {
		if (stopped->tracees[i].tid == identity->pid)
			last = &stopped->tracees[i];
		else
			cryo_tracee_detach(&stopped->tracees[i]);
	}
	if (last)
		cryo_tracee_detach(last);
	stopped->release_ns = cryo_now();
	wait_for_rest(identity, stopped);
	free(stopped->tracees);
	stopped->tracees = NULL;
	stopped->count = 0;
}
