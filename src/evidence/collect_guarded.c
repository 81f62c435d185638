// SPDX-License-Identifier: MIT
/*
 * The child reports signs of life through the records; when they stop, it is killed, the item at
 * which it stood is recorded as timed out, and a new child goes on behind it. The child shares the
 * sink and the records with us, and nothing that it leaves half done can hurt either.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "evidence/item.h"

enum {
	POLL_MS = 50,        /* between looks at the signs of life */
	NO_PIDFD_POLL_MS = 2 /* before Linux 5.3 nothing wakes us */
};

static int pidfd_of(pid_t child)
{
	return (int)syscall(SYS_pidfd_open, child, 0);
}

static pid_t start(
	const struct cryo_collector *collector, enum cryo_item_stage stage, const char *after)
{
	pid_t parent = getpid(), child = fork();

	if (child != 0)
		return child < 0 ? -errno : child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (getppid() != parent)
		_exit(1);
	_exit(-cryo_collect(collector, stage, after));
}

/* Whether the child has ended; then @ret_status. */
static bool has_ended(pid_t child, int *ret_status)
{
	pid_t r;

	do
		r = waitpid(child, ret_status, WNOHANG);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		*ret_status = 0;
	return r != 0;
}

static void wait_a_little(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	poll(&ended, 1, pidfd >= 0 ? POLL_MS : NO_PIDFD_POLL_MS);
}

/* Watch a child to its end: 0 (and its status), or -ETIMEDOUT (it was killed, or left behind). */
static int watch(
	const struct cryo_collector *collector, pid_t child, unsigned int stall_ms, int *ret_status)
{
	_cleanup_close_ int pidfd = pidfd_of(child);
	uint64_t seen = 0, deadline = 0;
	bool killed = false;

	while (!has_ended(child, ret_status)) {
		uint64_t progress = cryo_records_progress(collector->records);

		if (progress != seen || !deadline)
			deadline = cryo_now() + stall_ms * CRYO_NSEC_PER_MSEC;
		seen = progress;
		if (cryo_now() >= deadline && killed)
			return -ETIMEDOUT;
		if (cryo_now() >= deadline) {
			kill(child, SIGKILL);
			killed = true;
			deadline = 0;
		}
		wait_a_little(pidfd);
	}
	return killed ? -ETIMEDOUT : 0;
}

/* Record the item at which a child ended before its time; @ret_name is where to go on. */
static int record_unfinished(
	const struct cryo_collector *collector, int error, char ret_name[CRYO_ITEM_NAME_SIZE])
{
	struct cryo_record record = {.error = error, .time = cryo_clock_ns(CLOCK_REALTIME)};
	int r = cryo_records_unfinished(collector->records, ret_name);

	if (r < 0 || !ret_name[0])
		return r;
	memcpy(record.name, ret_name, sizeof(record.name));
	return cryo_records_add(collector->records, &record);
}

int cryo_collect_guarded(
	const struct cryo_collector *collector, enum cryo_item_stage stage, unsigned int stall_ms)
{
	char after[CRYO_ITEM_NAME_SIZE] = "";
	int status, r;

	do {
		pid_t child = start(collector, stage, after);

		if (child < 0)
			return (int)child;
		r = watch(collector, child, stall_ms, &status);
		if (r == 0 && WIFEXITED(status))
			return -WEXITSTATUS(status);
		r = record_unfinished(collector, r < 0 ? -r : EIO, after);
	} while (r == 0 && after[0]);
	return r;
}
