// SPDX-License-Identifier: MIT
/*
 * WNOWAIT: a stop that was consumed by waitpid() loses its signal if the tracer is then killed; one
 * that is only looked at is injected by the kernel (measured: 0 against 1 runs of the handler). An
 * exit must be consumed, or an execve of the target waits for us.
 *
 * After PTRACE_INTERRUPT the stop is a PTRACE_EVENT_STOP, whose signal is SIGTRAP for a thread that
 * ran and the stop signal for one in a group-stop. Both are resumed with signal 0, which leaves a
 * group-stopped thread stopped without a second notification (strace does the same). Any other stop
 * is a signal-delivery-stop: the signal goes back with PTRACE_DETACH.
 */
#include "trace/tracee.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	TICK_USEC = 10000,
	STRANGER_WAIT = 100 * 1000 * 1000, /* ns */
};

/* No signal is sent; the kernel looks for the thread before it asks who may send one. */
static bool belongs(pid_t tid, pid_t pid)
{
	return tgkill(pid, tid, 0) == 0 || errno != ESRCH;
}

static void refuse(struct cryo_tracee *tracee, int error)
{
	tracee->state = error == -ESRCH ? CRYO_TRACEE_GONE : CRYO_TRACEE_REFUSED;
	tracee->error = error;
}

void cryo_tracee_disown(struct cryo_tracee *tracee)
{
	if (tracee->state != CRYO_TRACEE_SEIZED)
		return;
	cryo_tracee_wait(tracee, cryo_now() + STRANGER_WAIT);
	cryo_tracee_detach(tracee);
	refuse(tracee, -ESRCH);
}

/* One that did not stop in an earlier stop could not be given back: it is ours still. */
static bool is_ours_still(pid_t tid, int error)
{
	return error == EPERM && cryo_tracee_is_ours(tid);
}

void cryo_tracee_seize(struct cryo_tracee *tracee, pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, tracee->tid, NULL, NULL) < 0) {
		int error = errno;

		if (!is_ours_still(tracee->tid, error)) {
			refuse(tracee, -error);
			return;
		}
	}
	tracee->state = CRYO_TRACEE_SEIZED;
	if (ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL) < 0)
		refuse(tracee, -errno);
	else if (!belongs(tracee->tid, pid))
		cryo_tracee_disown(tracee);
}

/* What waitid(2) found, in the form of waitpid(2). */
static int wait_status(const siginfo_t *info)
{
	switch (info->si_code) {
	case CLD_EXITED:
		return (info->si_status & 0xff) << 8;
	case CLD_KILLED:
	case CLD_DUMPED:
		return info->si_status & 0x7f;
	default:
		return info->si_status << 8 | 0x7f;
	}
}

int cryo_tracee_wait(struct cryo_tracee *tracee, uint64_t deadline)
{
	int block = deadline ? 0 : WNOHANG;

	while (tracee->state == CRYO_TRACEE_SEIZED) {
		siginfo_t info = {0};
		int r = waitid(P_PID, (id_t)tracee->tid, &info,
			WSTOPPED | WEXITED | WNOWAIT | __WALL | block);

		if (r < 0 && errno != EINTR) {
			tracee->state = CRYO_TRACEE_GONE;
		} else if (r == 0 && info.si_pid) {
			tracee->status = wait_status(&info);
			tracee->state =
				WIFSTOPPED(tracee->status) ? CRYO_TRACEE_STOPPED : CRYO_TRACEE_GONE;
			if (tracee->state == CRYO_TRACEE_GONE)
				waitpid(tracee->tid, NULL, __WALL | WNOHANG);
		} else if (cryo_now() >= deadline) {
			return -ETIMEDOUT;
		}
	}
	return 0;
}

bool cryo_tracee_is_ours(pid_t tid)
{
	siginfo_t info = {0};
	int r;

	do
		r = waitid(
			P_PID, (id_t)tid, &info, WSTOPPED | WEXITED | WNOWAIT | WNOHANG | __WALL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return false;
	if (!info.si_pid || WIFSTOPPED(wait_status(&info)))
		return true;
	waitpid(tid, NULL, __WALL | WNOHANG);
	return false;
}

bool cryo_tracee_ask_again(struct cryo_tracee *tracee)
{
	if (!cryo_tracee_is_ours(tracee->tid))
		return false;
	tracee->state = CRYO_TRACEE_SEIZED;
	if (cryo_tracee_wait(tracee, 0) == 0) /* it stands still */
		tracee->state = CRYO_TRACEE_SEIZED;
	else
		ptrace(PTRACE_INTERRUPT, tracee->tid, NULL, NULL);
	return true;
}

bool cryo_tracee_is_any_left(void)
{
	siginfo_t info;
	int r;

	do {
		info.si_pid = 0;
		r = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL);
	} while ((r < 0 && errno == EINTR) || (r == 0 && info.si_pid));
	return r == 0 || errno != ECHILD;
}

bool cryo_tracee_is_plain_stop(const struct cryo_tracee *tracee)
{
	return tracee->status >> 8 == (SIGTRAP | PTRACE_EVENT_STOP << 8);
}

void cryo_tracee_detach(struct cryo_tracee *tracee)
{
	int signal_number;

	if (tracee->state == CRYO_TRACEE_SEIZED)
		cryo_tracee_wait(tracee, 0);
	if (tracee->state != CRYO_TRACEE_STOPPED)
		return;
	signal_number = tracee->status >> 16 ? 0 : WSTOPSIG(tracee->status);
	ptrace(PTRACE_DETACH, tracee->tid, NULL, (void *)(long)signal_number);
	tracee->state = CRYO_TRACEE_GONE;
	cryo_buffer_clear(&tracee->saved_registers);
}

static void on_tick(int signal_number)
{
	(void)signal_number;
}

int cryo_tracee_tick_start(void)
{
	struct sigaction action = {.sa_handler = on_tick};
	struct itimerval tick = {{0, TICK_USEC}, {0, TICK_USEC}};

	if (sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &tick, NULL) < 0)
		return -errno;
	return 0;
}

void cryo_tracee_tick_stop(void)
{
	struct itimerval none = {0};

	setitimer(ITIMER_REAL, &none, NULL);
}
