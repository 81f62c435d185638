// SPDX-License-Identifier: MIT
/*
 * What can be known beforehand is said beforehand, before anything is stopped. The rest is
 * explained afterwards, from what ptrace(2) calls the ptrace access mode check.
 */
#include "capture/select.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/library.h"
#include "base/number.h"
#include "capture/privilege.h"
#include "proc/procfs.h"
#include "proc/stat.h"
#include "proc/status.h"

/* How often, and how long apart, it is looked at while a thread takes the place of the leader. */
enum {
	LOOKS = 30,
	LOOK_USEC = 300
};

enum {
	CAP_SYS_PTRACE_BIT = 19
}; /* include/uapi/linux/capability.h */

static bool has_live_thread(const struct cryo_request *request)
{
	_cleanup_free_ pid_t *tids = NULL;
	size_t count;

	return cryo_procfs_list_threads(request->identity.dir, &tids, &count) == 0 && count > 1;
}

/* One whose leader is a zombie because another thread executes a program is back in a moment: the
 * thread takes the leader's place. */
bool cryo_select_is_over(const struct cryo_request *request)
{
	struct cryo_stat stat;

	for (int i = 0; i < LOOKS; i++) {
		int r;

		if (i)
			usleep(LOOK_USEC);
		r = cryo_stat_read(request->identity.dir, &stat);
		if (r < 0 && r != -ESRCH && r != -ENOENT) /* we have no descriptor left */
			return false;
		if (r == 0 && (!strchr("ZXx", stat.state) || has_live_thread(request)))
			return false;
	}
	return true;
}

/* The name of a process for a message; "?" if it is gone. */
static int add_comm(int procfs, pid_t pid, struct cryo_buffer *text)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);
	_cleanup_buffer_ struct cryo_buffer comm = {0};

	if (dir < 0 || cryo_procfs_read(dir, "comm", 64, &comm) < 0 || !comm.size)
		return cryo_buffer_add(text, "?", 1);
	return cryo_escape(text, comm.data, comm.size - 1);
}

static int say_traced(const struct cryo_request *request, pid_t tracer, struct cryo_buffer *why)
{
	cryo_buffer_printf(why, "it is already traced by pid %d (", tracer);
	add_comm(request->procfs, tracer, why);
	cryo_buffer_printf(why, "): end that tracer first");
	return -EBUSY;
}

/* A pid leads nobody for the moment in which another thread takes the place of the leader. Whether
 * it may be that, and is worth another look. */
static bool is_worth_a_look(int look, int error)
{
	if (look + 1 >= LOOKS || (error != -ESRCH && error != -ENOENT))
		return false;
	usleep(LOOK_USEC);
	return true;
}

static int read_both(const struct cryo_request *request, struct cryo_stat *ret_stat,
	struct cryo_status *ret_status)
{
	int r, i = 0;

	do {
		r = cryo_stat_read(request->identity.dir, ret_stat);
		if (r == 0)
			r = cryo_status_read(request->identity.dir, ret_status);
	} while (is_worth_a_look(i++, r));
	return r;
}

static int check(const struct cryo_request *request, struct cryo_buffer *why)
{
	struct cryo_status status;
	struct cryo_stat stat;

	int r = read_both(request, &stat, &status);

	if (cryo_procfs_is_short(r)) {
		cryo_buffer_printf(why, "cannot look at it: %s", strerror(-r));
		return r;
	}
	if (r < 0) {
		cryo_buffer_printf(why, "no such process: see 'ps -e' for those there are");
		return -ESRCH;
	}
	if (stat.pid == getpid()) {
		cryo_buffer_printf(why, "it is cryocore itself: it cannot stop and read itself");
		return -EINVAL;
	}
	if (!cryo_privilege_allows(&status)) {
		cryo_buffer_printf(why,
			"it belongs to uid %u, gid %u: this cryocore has file "
			"capabilities or is setuid, and captures only your own processes (uid %u)",
			status.uid[0], status.gid[0], getuid());
		return -EPERM;
	}
	if (stat.flags & CRYO_PF_KTHREAD) {
		cryo_buffer_printf(
			why, "it is a kernel thread: it has no memory of its own to dump");
		return -EINVAL;
	}
	if (cryo_select_is_over(request)) {
		cryo_buffer_printf(why,
			"it is a zombie: its memory is gone; its parent (pid %d) has "
			"not yet waited for it",
			stat.ppid);
		return -ESRCH;
	}
	return 0;
}

/* No process has this pid; but a thread may. */
static int say_missing(const struct cryo_request *request, pid_t pid, struct cryo_buffer *why)
{
	_cleanup_close_ int dir = cryo_procfs_open_process(request->procfs, pid);
	struct cryo_status status;

	if (dir < 0 || cryo_status_read(dir, &status) < 0) {
		cryo_buffer_printf(why, "no such process: see 'ps -e' for those there are");
		return -ESRCH;
	}
	cryo_buffer_printf(why, "it is a thread of process %d: give that pid", status.tgid);
	return -EINVAL;
}

static int open_identity(struct cryo_request *request, pid_t pid)
{
	int r, i = 0;

	do
		r = cryo_identity_open(request->procfs, pid, &request->identity);
	while (is_worth_a_look(i++, r));
	return r;
}

int cryo_select(pid_t pid, int procfs, struct cryo_request *request, struct cryo_buffer *why)
{
	int r;

	request->identity = CRYO_IDENTITY_NONE;
	request->procfs = procfs;
	if (procfs < 0) {
		cryo_buffer_printf(why, "/proc: %s: mount it first", strerror(-procfs));
		return procfs;
	}
	r = open_identity(request, pid);
	if (r == -ENOENT || r == -ESRCH)
		return say_missing(request, pid, why);
	if (r < 0) {
		cryo_buffer_printf(why, "/proc/%d: %s", pid, strerror(-r));
		return r;
	}
	return check(request, why);
}

static bool we_may_trace_all(const struct cryo_request *request)
{
	_cleanup_close_ int self = cryo_procfs_open_process(request->procfs, getpid());
	struct cryo_status status;

	return self >= 0 && cryo_status_read(self, &status) == 0 &&
	       status.cap_effective & 1ULL << CAP_SYS_PTRACE_BIT;
}

static uint64_t yama_scope(const struct cryo_request *request)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	const char *cursor;
	uint64_t scope = 0;

	if (cryo_procfs_read(request->procfs, "sys/kernel/yama/ptrace_scope", 16, &text) == 0 &&
		text.size) {
		cursor = (const char *)text.data;
		cryo_number_scan(&cursor, cursor + text.size, 10, &scope);
	}
	return scope;
}

static int explain_refusal(const struct cryo_request *request, const struct cryo_status *target,
	const char *what, struct cryo_buffer *why)
{
	uint64_t scope = yama_scope(request);

	if (scope == 3)
		return cryo_buffer_printf(why,
			"cannot %s: kernel.yama.ptrace_scope is 3, which "
			"forbids it to everybody until a reboot",
			what);
	if (we_may_trace_all(request))
		return cryo_buffer_printf(why,
			"cannot %s although we have CAP_SYS_PTRACE: it is in "
			"another user namespace, or a security module (AppArmor, "
			"SELinux, a container's seccomp) forbids it",
			what);
	if (target->uid[0] != getuid() || target->gid[0] != getgid())
		return cryo_buffer_printf(why,
			"cannot %s: it belongs to uid %u and we are uid %u: run "
			"as root, or with CAP_SYS_PTRACE",
			what, target->uid[0], getuid());
	if (scope > 0)
		return cryo_buffer_printf(why,
			"cannot %s: kernel.yama.ptrace_scope is %" PRIu64
			": run as root, or with CAP_SYS_PTRACE",
			what, scope);
	return cryo_buffer_printf(why,
		"cannot %s: it has changed its credentials or has more "
		"capabilities than we (it is not dumpable): run as root, or with "
		"CAP_SYS_PTRACE",
		what);
}

int cryo_select_explain(
	const struct cryo_request *request, int error, const char *what, struct cryo_buffer *why)
{
	struct cryo_status status;
	bool gone = error == -ESRCH || error == -ENOENT,
	     known = cryo_status_read(request->identity.dir, &status) == 0;

	if (cryo_procfs_is_short(error))
		return cryo_buffer_printf(why, "cannot %s: %s", what, strerror(-error));
	if ((gone || !known) && cryo_select_is_over(request))
		return cryo_buffer_printf(
			why, "it exited meanwhile: there is nothing left to capture");
	if (gone)
		return cryo_buffer_printf(why,
			"what was to be read of it has gone: it executed another program, or a "
			"thread of it ended; try again");
	if (known && status.tracer && (error == -EPERM || error == -EBUSY))
		return say_traced(request, status.tracer, why) == -EBUSY ? 0 : -ENOMEM;
	if (error == -EINPROGRESS)
		return cryo_buffer_printf(why,
			"the kernel is writing its core, which would end if it were stopped: it is "
			"left as it is");
	if (known && (error == -EPERM || error == -EACCES))
		return explain_refusal(request, &status, what, why);
	return cryo_buffer_printf(why, "cannot %s: %s", what, cryo_library_strerror(error));
}

void cryo_request_clear(struct cryo_request *request)
{
	cryo_identity_close(&request->identity);
}
