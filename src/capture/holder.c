// SPDX-License-Identifier: MIT
#include "capture/holder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/privilege.h"
#include "proc/procfs.h"
#include "proc/status.h"

enum {
	GENERATIONS = 1000 /* a loop of parents, seen while pids are used again, has an end */
};

#define TAKE_NS (500 * CRYO_NSEC_PER_MSEC)

static int read_status(int procfs, pid_t pid, struct cryo_status *ret_status)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);

	return dir < 0 ? dir : cryo_status_read(dir, ret_status);
}

static int read_task(const struct cryo_request *request, pid_t tid, struct cryo_status *ret_status)
{
	_cleanup_close_ int dir =
		cryo_procfs_open_task(request->procfs, request->identity.pid, tid);

	return dir < 0 ? dir : cryo_status_read(dir, ret_status);
}

static bool is_held(const struct cryo_stopped *stopped, pid_t tid)
{
	for (size_t i = 0; i < stopped->count; i++)
		if (stopped->tracees[i].tid == tid)
			return stopped->tracees[i].state == CRYO_TRACEE_STOPPED;
	return false;
}

/* In whose ptrace-stop all threads stand that we do not hold; 0: they do not, or in several. */
static pid_t find_tracer(const struct cryo_request *request, const struct cryo_stopped *stopped)
{
	_cleanup_free_ pid_t *tids = NULL;
	pid_t tracer = 0;
	size_t count;

	if (cryo_procfs_list_threads(request->identity.dir, &tids, &count) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		struct cryo_status status;

		if (is_held(stopped, tids[i]))
			continue;
		if (read_task(request, tids[i], &status) < 0)
			return 0;
		if (strchr("ZXx", status.state))
			continue;
		if (status.state != 't' || (tracer && status.tracer != tracer))
			return 0;
		tracer = status.tracer;
	}
	return tracer;
}

/* Whether a process is, or comes from, another; also if that cannot be told. */
static bool descends(int procfs, pid_t pid, pid_t from)
{
	for (int i = 0; pid && i < GENERATIONS; i++) {
		struct cryo_status status;

		if (pid == from || read_status(procfs, pid, &status) < 0)
			return true;
		pid = status.ppid;
	}
	return pid;
}

/* We come from it, or the supervisor has started it. */
static bool is_kin(const struct cryo_request *request, pid_t pid)
{
	return descends(request->procfs, getpid(), pid) ||
	       descends(request->procfs, pid, getppid());
}

/* Another of us, at a capture of the same process: it will let go by itself, and its own time would
 * pass while we hold it. */
static bool is_like_us(const struct cryo_request *request, pid_t pid)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(request->procfs, pid);
	struct statx own, other;

	return dir >= 0 &&
	       statx(AT_FDCWD, "/proc/self/exe", AT_STATX_DONT_SYNC, STATX_INO, &own) == 0 &&
	       statx(dir, "exe", AT_STATX_DONT_SYNC, STATX_INO, &other) == 0 &&
	       own.stx_ino == other.stx_ino && own.stx_dev_major == other.stx_dev_major &&
	       own.stx_dev_minor == other.stx_dev_minor;
}

static bool may_hold(const struct cryo_request *request, const struct cryo_status *tracer)
{
	return request->may_hold_tracer && cryo_privilege_allows(tracer) &&
	       !is_kin(request, tracer->tgid) && !is_like_us(request, tracer->tgid);
}

void cryo_holder_take(const struct cryo_request *request, const struct cryo_stopped *stopped,
	uint64_t deadline, struct cryo_holder *holder)
{
	_cleanup_buffer_ struct cryo_buffer records = {0};
	uint64_t limit = cryo_now() + TAKE_NS;
	pid_t tracer = stopped->n_unstopped ? find_tracer(request, stopped) : 0;
	struct cryo_status status;

	if (!tracer || read_status(request->procfs, tracer, &status) < 0 ||
		!may_hold(request, &status) ||
		cryo_identity_open(request->procfs, status.tgid, &holder->identity) < 0)
		return;
	if (cryo_stop(&holder->identity, limit < deadline ? limit : deadline, TAKE_NS,
		    !request->no_syscall_restart, &records, &holder->stopped) == 0 &&
		holder->stopped.n_held && !holder->stopped.n_unstopped &&
		find_tracer(request, stopped) == tracer)
		holder->tracer = tracer;
	else
		cryo_holder_release(holder);
}

pid_t cryo_holder_ask(const struct cryo_request *request, const struct cryo_stopped *stopped,
	const struct cryo_holder *holder)
{
	return holder->tracer && find_tracer(request, stopped) == holder->tracer ? holder->tracer
										 : 0;
}

void cryo_holder_release(struct cryo_holder *holder)
{
	cryo_release(&holder->stopped, &holder->identity);
	cryo_identity_close(&holder->identity);
	*holder = CRYO_HOLDER_NONE;
}
