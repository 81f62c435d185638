// SPDX-License-Identifier: MIT
/*
 * execve(2) of a thread that is not the leader ends all others, waits until they are reaped, but
 * for the leader, and goes on with the leader's tid. Our tracees are reaped by us, so it does not
 * come to an end once one beside the leader was stopped. What remains is a process of two threads,
 * or one whose others were not yet seized.
 *
 * The new leader is nobody's if PTRACE_SEIZE of the old one failed with EPERM, as it was about to
 * end, or if that was reaped, or has stopped before. It is ours if it was seized with its own tid,
 * under which it is gone; perhaps before it could be asked to stop.
 */
#include "capture/stop_again.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "proc/procfs.h"
#include "proc/status.h"
#include "trace/registers.h"
#include "trace/restart.h"

enum {
	TIMES = 8
};

static struct cryo_tracee *find(const struct cryo_stopped *stopped, pid_t tid)
{
	for (size_t i = 0; i < stopped->count; i++)
		if (stopped->tracees[i].tid == tid)
			return &stopped->tracees[i];
	return NULL;
}

static bool is_any_gone(const struct cryo_stopped *stopped)
{
	for (size_t i = 0; i < stopped->count; i++)
		if (stopped->tracees[i].state == CRYO_TRACEE_GONE)
			return true;
	return false;
}

/* Whether the leader still has the registers that were read. Of one whose system call was put back
 * the stack pointer tells. */
static bool has_same_registers(const struct cryo_identity *identity,
	const struct cryo_stopped *stopped, const struct cryo_tracee *leader,
	struct cryo_buffer *records)
{
	_cleanup_buffer_ struct cryo_buffer now = {0};
	const struct cryo_arch *arch = NULL, *program = stopped->program;
	const uint8_t *before, *after;

	if (stopped->leader_record == SIZE_MAX ||
		cryo_registers_read(identity->dir, leader->tid, &program, &now, &arch) < 0)
		return false;
	before = cryo_registers_general(cryo_registers_at(records, stopped->leader_record));
	after = cryo_registers_general(cryo_registers_at(&now, 0));
	if (leader->saved_registers.size)
		return memcmp(before + arch->sp, after + arch->sp, arch->gpr_word) == 0;
	return memcmp(before, after, arch->gpr_size) == 0;
}

/* Whether there is a live thread that nobody else traces. */
static bool is_there(const struct cryo_identity *identity, pid_t tid)
{
	_cleanup_close_ int dir = cryo_procfs_open_thread(identity->dir, tid);
	struct cryo_status status;

	return dir >= 0 && cryo_status_read(dir, &status) == 0 && !strchr("ZXx", status.state) &&
	       (!status.tracer || status.tracer == getpid());
}

/* In the moment in which the leader changes, the kernel finds none of the threads. */
static bool is_any_missed(const struct cryo_identity *identity, const struct cryo_stopped *stopped)
{
	for (size_t i = 0; i < stopped->count; i++)
		if (stopped->tracees[i].state == CRYO_TRACEE_GONE &&
			is_there(identity, stopped->tracees[i].tid))
			return true;
	return false;
}

static bool is_leader_stale(const struct cryo_identity *identity, struct cryo_stopped *stopped,
	struct cryo_buffer *records)
{
	const struct cryo_tracee *leader = find(stopped, identity->pid);

	if (!leader || leader->state == CRYO_TRACEE_SEIZED)
		return false;
	if (leader->state == CRYO_TRACEE_REFUSED && leader->error != -EPERM)
		return false;
	if (leader->state == CRYO_TRACEE_STOPPED && cryo_tracee_is_ours(leader->tid) &&
		(!is_any_gone(stopped) || has_same_registers(identity, stopped, leader, records)))
		return false;
	return is_there(identity, identity->pid);
}

bool cryo_stop_is_stale(const struct cryo_identity *identity, struct cryo_stopped *stopped,
	struct cryo_buffer *records)
{
	return is_leader_stale(identity, stopped, records) || is_any_missed(identity, stopped);
}

/* The saved registers of a leader may be of another program. */
static void forget_call(const struct cryo_identity *identity, struct cryo_tracee *tracee)
{
	if (tracee->saved_registers.size && tracee->tid != identity->pid)
		cryo_restart_undo(tracee);
	cryo_buffer_clear(&tracee->saved_registers);
}

bool cryo_stop_again(const struct cryo_identity *identity, struct cryo_stopped *stopped,
	struct cryo_buffer *records)
{
	size_t kept = 0;

	for (size_t i = 0; i < stopped->count; i++) {
		struct cryo_tracee *tracee = &stopped->tracees[i];

		forget_call(identity, tracee);
		if (cryo_tracee_ask_again(tracee))
			stopped->tracees[kept++] = *tracee;
	}
	stopped->count = kept;
	stopped->n_restarted = 0;
	stopped->leader_record = SIZE_MAX;
	records->size = 0;
	return ++stopped->n_again < TIMES;
}
