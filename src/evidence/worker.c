// SPDX-License-Identifier: MIT
/*
 * The owner sends an order and gets an answer; while it waits it looks whether the records move.
 * The worker shares sink and records with its owner, and nothing that it leaves half done can hurt
 * either.
 */
#include "evidence/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "evidence/watchdog.h"
#include "evidence/worker_child.h"

enum {
	END_MS = 1000 /* for a worker to go when it is told, or killed */
};

/* ---- its life ---- */

static int make_channel(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

static int start(const struct cryo_worker_setup *setup, struct cryo_worker *worker)
{
	pid_t parent = getpid();
	int ends[2], r = worker->records.head ? 0 : cryo_records_create(&worker->records);

	if (r == 0)
		r = make_channel(ends);
	if (r < 0)
		return r;
	worker->child = fork();
	if (worker->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		_exit(cryo_worker_live(setup, &worker->records, ends[1]));
	}
	r = worker->child < 0 ? -errno : 0;
	close(ends[1]);
	worker->orders = ends[0];
	if (r == 0)
		worker->pidfd = (int)syscall(SYS_pidfd_open, worker->child, 0);
	return r;
}

/* Wait for its end, but not for ever: one that hangs in the kernel is left behind. */
static void reap(struct cryo_worker *worker)
{
	uint64_t deadline = cryo_now() + END_MS * CRYO_NSEC_PER_MSEC;
	struct pollfd ended = {.fd = worker->pidfd, .events = POLLIN};
	pid_t r = worker->child > 0 ? 0 : -1;

	while (r == 0 && cryo_now() < deadline) {
		r = waitpid(worker->child, NULL, WNOHANG);
		if (r == 0)
			poll(&ended, 1, worker->pidfd >= 0 ? CRYO_WATCHDOG_POLL_MS : 1);
	}
}

/* It is gone, or as good as that; its records stay. */
static void dismiss(struct cryo_worker *worker)
{
	reap(worker);
	cryo_cleanup_close(&worker->pidfd);
	cryo_cleanup_close(&worker->orders);
	worker->child = 0;
	worker->pidfd = worker->orders = -1;
}

void cryo_worker_end(struct cryo_worker *worker)
{
	if (worker->orders >= 0)
		shutdown(worker->orders, SHUT_RDWR);
	dismiss(worker);
	cryo_records_destroy(&worker->records);
}

/* ---- one task ---- */

/*
 * Wait for the answer: 0; -ETIMEDOUT when nothing moves any more (it is killed), -EIO when it has
 * died.
 */
static int await(struct cryo_worker *worker, unsigned int stall_ms, struct cryo_answer *ret_answer)
{
	struct pollfd channel = {.fd = worker->orders, .events = POLLIN};
	uint64_t seen = 0, deadline = 0, last = cryo_now();

	for (;;) {
		uint64_t progress = cryo_records_progress(&worker->records);
		ssize_t n;

		if (progress != seen || !deadline)
			deadline = cryo_now() + stall_ms * CRYO_NSEC_PER_MSEC;
		seen = progress;
		if (poll(&channel, 1, CRYO_WATCHDOG_POLL_MS) > 0) {
			n = recv(worker->orders, ret_answer, sizeof(*ret_answer), MSG_DONTWAIT);
			if (n == (ssize_t)sizeof(*ret_answer))
				return 0;
			if (n >= 0 || (errno != EINTR && errno != EAGAIN))
				return -EIO;
		}
		deadline += cryo_clock_missed(&last, CRYO_WATCHDOG_USUAL_NS);
		if (last >= deadline) {
			kill(worker->child, SIGKILL);
			return -ETIMEDOUT;
		}
	}
}

/*
 * A worker has ended before its time. The item at which it stood gets a record; where it stood at
 * none, the next one goes on behind the last record. @ret_after: where that is; 0 or -errno.
 */
static int record_unfinished(struct cryo_worker *worker, int error, struct cryo_order *order)
{
	struct cryo_record record = {.error = error, .time = cryo_clock_ns(CLOCK_REALTIME)};
	uint64_t count = cryo_records_count(&worker->records);

	if (cryo_records_unfinished(&worker->records, record.name)) {
		memcpy(order->after, record.name, sizeof(order->after));
		return cryo_records_add(&worker->records, &record);
	}
	if (count == order->known || cryo_records_get(&worker->records, count - 1, &record) <= 0)
		return -EIO; /* it does not get any further */
	memcpy(order->after, record.name, sizeof(order->after));
	order->known = count;
	return 0;
}

/* 0: answered; 1: once more; -errno. */
static int try(const struct cryo_worker_setup *setup, struct cryo_worker *worker,
	struct cryo_order *order, struct cryo_answer *ret_answer)
{
	int r = worker->child > 0 ? 0 : start(setup, worker);

	if (r == 0)
		r = cryo_order_send(worker->orders, order);
	if (r == 0)
		r = await(worker, setup->stall_ms, ret_answer);
	if (r == 0)
		return 0;
	dismiss(worker);
	if ((r != -ETIMEDOUT && r != -EIO) || (setup->sink_error && *setup->sink_error))
		return r;
	r = record_unfinished(worker, -r, order);
	return r < 0 ? r : 1;
}

struct cryo_answer cryo_worker_run(const struct cryo_worker_setup *setup,
	struct cryo_worker *worker, const struct cryo_task *task)
{
	struct cryo_order order = {.task = *task};
	struct cryo_answer answer = {0};
	int r;

	if (worker->records.head)
		cryo_records_reset(&worker->records);
	do
		r = try(setup, worker, &order, &answer);
	while (r > 0);
	if (r < 0)
		answer = (struct cryo_answer){.error = r};
	return answer;
}
