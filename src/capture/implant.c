// SPDX-License-Identifier: MIT
/*
 * All threads stand still: nobody sees the descriptor that is there for a moment, nobody waits for
 * the child. Any thread will do whose stack and state allow it.
 */
#include "capture/implant.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "proc/procfs.h"
#include "proc/status.h"
#include "trace/tracking.h"

#define CHILD_NS (5 * CRYO_NSEC_PER_SEC)

enum {
	PIDFD_OF_THREAD = O_EXCL /* PIDFD_THREAD, include/uapi/linux/pidfd.h */
};

/* Numbers of x86-64, whatever we were built for. */
enum {
	CALL_CLOSE = 3,
	CALL_CLONE = 56,
	CALL_WAIT4 = 61,
};

/* Waits have an end while the tick runs. */
static int end(struct cryo_injection *injection)
{
	int r = cryo_inject_end(injection);

	cryo_tracee_tick_stop();
	return r;
}

static int begin(const struct cryo_site *site, struct cryo_stopped *stopped,
	struct cryo_injection *ret_injection)
{
	int r, why = -ESTRPIPE;

	for (size_t i = 0; i < stopped->count; i++) {
		struct cryo_tracee *tracee = &stopped->tracees[i];

		if (tracee->state != CRYO_TRACEE_STOPPED)
			continue;
		r = cryo_inject_begin(tracee, site, ret_injection);
		if (r == 0)
			return cryo_tracee_tick_start();
		if (r == -EOPNOTSUPP || r == -EKEYREJECTED)
			return r;
		why = r == -ESTRPIPE ? why : r;
	}
	return why;
}

/* The result of a call; -EBUSY or -EPROTO if it did not come to one. */
static int64_t call(
	struct cryo_injection *injection, uint64_t number, const uint64_t *arguments, size_t count)
{
	int64_t result = 0;
	int r = cryo_inject_call(injection, number, arguments, count, &result);

	return r < 0 ? (r == -EBUSY ? r : -EPROTO) : result;
}

/* ---- a userfaultfd ---- */

/* A first thread that has exited has no files: asked is the thread that has made the descriptor, if
 * the kernel knows how (Linux 6.9). */
static int take_over(const struct cryo_request *request, pid_t tid, int number)
{
	_cleanup_close_ int thread = (int)syscall(SYS_pidfd_open, tid, PIDFD_OF_THREAD);
	int whom = thread < 0 ? request->identity.pidfd : thread;
	int fd = (int)syscall(SYS_pidfd_getfd, whom, number, 0);

	if (fd < 0)
		return errno == ESRCH ? -EOWNERDEAD : -errno;
	return fd;
}

int cryo_implant_userfaultfd(const struct cryo_request *request, const struct cryo_site *site,
	struct cryo_stopped *stopped)
{
	struct cryo_injection injection;
	uint64_t flags = cryo_tracking_flags(), number;
	int64_t made;
	int r = begin(site, stopped, &injection), fd = -1;

	if (r < 0)
		return r;
	made = call(&injection, CRYO_TRACKING_CALL, &flags, 1);
	if (made >= 0) {
		fd = take_over(request, injection.tracee->tid, (int)made);
		number = (uint64_t)made;
		call(&injection, CALL_CLOSE, &number, 1);
	}
	r = end(&injection);
	if (r == 0 && made >= 0)
		return fd;
	cryo_cleanup_close(&fd);
	return made < 0 ? (int)made : -EPROTO;
}

/* ---- a copy ---- */

/* Its first stop; from then on it ends when we do. */
static int hold_copy(pid_t pid)
{
	struct cryo_tracee tracee = {.tid = pid, .state = CRYO_TRACEE_SEIZED};
	int r = cryo_tracee_wait(&tracee, cryo_now() + CHILD_NS);

	if (r == 0 && tracee.state != CRYO_TRACEE_STOPPED)
		r = -ESRCH;
	if (r == 0 && ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_EXITKILL) < 0)
		r = -errno;
	return r;
}

/* The directory of the copy, and the state that it is in. */
static int open_copy(pid_t copy, int procfs, struct cryo_status *ret_status)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, copy);

	return dir < 0 ? dir : cryo_status_read(dir, ret_status);
}

/* Its tracer has to take note of its end before its parent can. */
void cryo_implant_end_copy(const _Atomic int32_t *duplicate, int procfs)
{
	pid_t copy = *duplicate;
	uint64_t limit = cryo_now() + CHILD_NS;
	struct cryo_status status;

	if (copy <= 0)
		return;
	kill(copy, SIGKILL);
	while (waitpid(copy, NULL, __WALL | WNOHANG) == 0 && cryo_now() < limit)
		usleep(100);
	while (open_copy(copy, procfs, &status) == 0 && status.state != 'Z' && cryo_now() < limit)
		usleep(100);
}

static int64_t clone_copy(struct cryo_injection *injection)
{
	uint64_t arguments[] = {0, injection->child};

	if (ptrace(PTRACE_SETOPTIONS, injection->tracee->tid, NULL,
		    (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE)) < 0)
		return -errno;
	return call(injection, CALL_CLONE, arguments, ARRAY_SIZE(arguments));
}

static int64_t reap(struct cryo_injection *injection, int64_t ns_pid)
{
	uint64_t arguments[] = {(uint64_t)ns_pid, 0, __WALL | WNOHANG, 0};

	return call(injection, CALL_WAIT4, arguments, ARRAY_SIZE(arguments));
}

static bool would_be_found(const struct cryo_stopped *stopped)
{
	for (size_t i = 0; i < stopped->count; i++)
		if (stopped->tracees[i].state == CRYO_TRACEE_STOPPED &&
			cryo_inject_would_find_child(stopped->tracees[i].tid))
			return true;
	return false;
}

int cryo_implant_copy(
	const struct cryo_site *site, _Atomic int32_t *duplicate, struct cryo_stopped *stopped)
{
	struct cryo_injection injection;
	int r = would_be_found(stopped) ? -ECHILD : begin(site, stopped, &injection);
	int held = -ESRCH, ended;
	int64_t made;

	if (r < 0)
		return r;
	injection.child_pid = duplicate;
	made = clone_copy(&injection);
	if (*duplicate)
		held = hold_copy(*duplicate);
	if (held == 0)
		held = cryo_inject_clean(&injection, *duplicate);
	ended = end(&injection);
	if (made > 0 && held == 0 && ended == 0)
		return 0;
	return made < 0 ? (int)made : -EPROTO;
}

int cryo_implant_reap_copy(const struct cryo_site *site, _Atomic int32_t *duplicate, int procfs,
	struct cryo_stopped *stopped)
{
	struct cryo_injection injection;
	struct cryo_status status;
	int64_t reaped;
	int r = open_copy(*duplicate, procfs, &status);

	if (r < 0 || !status.ns_pid.count) {
		*duplicate = 0; /* it is gone, whoever has waited for it */
		return 0;
	}
	r = begin(site, stopped, &injection);
	if (r < 0)
		return r;
	reaped = reap(&injection, status.ns_pid.ids[status.ns_pid.count - 1]);
	r = end(&injection);
	if (reaped > 0)
		*duplicate = 0;
	return reaped < 0 ? (int)reaped : r;
}
