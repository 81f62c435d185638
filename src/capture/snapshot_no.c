// SPDX-License-Identifier: MIT
/*
 * Why there is no snapshot. Where a call could not be run in the target, the number is what came of
 * it; the others stand for reasons of our own (capture/site.h, trace/inject.h).
 */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "capture/channel.h"
#include "capture/snapshot.h"
#include "capture/tell.h"
#include "capture/work.h"

static const struct {
	int error;
	const char *words;
} reasons[] = {
	{-EOPNOTSUPP, "it is not a 64-bit program of this machine"},
	{-EKEYREJECTED, "seccomp watches its system calls, or it cannot be told"},
	{-ENOSYS, "its system calls are sent to itself as signals (syscall user dispatch)"},
	{-EADDRNOTAVAIL, "a userfaultfd of its own may have to be told of a fork"},
	{-EBUSY, "a signal or a stop came in between"},
	{-ESTRPIPE, "none of its threads is on an ordinary stack"},
	{-ETIME, "not all of its threads could be stopped"},
	{-ESPIPE, "a stream, or what is compressed, is written strictly forward"},
	{-EADDRINUSE, "devices may write into its memory"},
	{-ENOEXEC, "no code fit to run one was found in it"},
	{-EPROTO, "the call did not come to its end"},
	{-ECHILD, "a thread of it waits for children of every kind (__WALL), and would find the "
		  "copy"},
	{-EOWNERDEAD, "its first thread has exited"},
	{-EMFILE, "it has no descriptor left"},
	{-ENFILE, "the system has no descriptor left"},
	{-EAGAIN, "its user or cgroup may have no more processes"},
	{-ENOMEM, "memory is short"},
	{-ENOBUFS, "its memory cgroup is full"},
	{-ETIMEDOUT, "who read it waited in vain"},
	{-EDQUOT, "its memory cgroup, or the machine, has no room for as much again as it has"},
};

static const char *reason(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].error == error)
			return reasons[i].words;
	return strerror(-error);
}

void cryo_snapshot_say_no(const struct cryo_work *work, const char *way, int error)
{
	cryo_channel_say(work->reader->supervisor, CRYOCORE_WARNING, 0,
		"no snapshot by %s: %s: it stood still for all of the copying", way, reason(error));
}

int cryo_snapshot_refuse(const struct cryo_work *work)
{
	cryo_tell(work, CRYOCORE_ERROR, -ETIME,
		"nothing was captured: it would stand still for longer than --max-pause allows");
	return -ETIME;
}

void cryo_snapshot_give_up(struct cryo_work *work)
{
	cryo_copy_beside(work->copy, NULL);
	cryo_snapshot_clear(work);
	cryo_output_empty(&work->core);
	work->reader->shared->bytes_done = 0;
}

/* One that has no way yet was at the search for it, or at a pass of pre-copy. */
int cryo_snapshot_go_on(struct cryo_work *work)
{
	bool is_fork = work->reader->request->snapshot == CRYOCORE_SNAPSHOT_FORK;

	if (work->snapshot.way != CRYOCORE_SNAPSHOT_NONE)
		return 0;
	cryo_copy_leave(work->copy, &work->written);
	cryo_snapshot_give_up(work);
	work->inspector.memory.which = CRYO_SCAN_ALL;
	cryo_snapshot_say_no(work, is_fork ? "fork" : "pre-copy", -ETIMEDOUT);
	return work->reader->request->max_pause_ns ? cryo_snapshot_refuse(work) : 0;
}
