// SPDX-License-Identifier: MIT
/* What was known of the threads before the stop may have changed since. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/stop.h"
#include "capture/stop_again.h"
#include "proc/procfs.h"

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

Test(stop, who_could_not_stop_is_looked_at_again)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
	_cleanup_buffer_ struct cryo_buffer records = {0};
	pid_t pid = start_sleeper();
	struct cryo_tracee *known = malloc(sizeof(*known));
	struct cryo_stopped stopped = {.tracees = known, .count = 1, .look_ns = cryo_now()};

	*known = (struct cryo_tracee){.tid = pid, .state = CRYO_TRACEE_REFUSED, .error = -EBUSY};
	cr_assert_eq(cryo_identity_open(procfs, pid, &identity), 0);
	cr_assert_eq(
		cryo_stop(&identity, UINT64_MAX, CRYO_STOP_PATIENCE_NS, true, &records, &stopped),
		0);
	cr_assert_eq(stopped.n_held, 1);
	cr_assert_eq(stopped.n_unstopped, 0);
	cryo_release(&stopped, &identity);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* The end of the pipe tells that the program has begun. */
static void *execute(void *ends)
{
	const int *end = ends;
	pid_t self = gettid();
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(end[1], &self, sizeof(self)) == sizeof(self) && read(end[2], &byte, 1) == 1)
		execlp("sleep", "sleep", "600", (char *)NULL);
	_exit(1);
}

/* @ret_tid: its second thread, which executes a program when it is told by *@ret_go */
static pid_t start_executor(pid_t *ret_tid, int *ret_told, int *ret_go)
{
	int ends[4];
	pid_t pid;

	cr_assert_eq(pipe2(&ends[0], O_CLOEXEC), 0);
	cr_assert_eq(pipe2(&ends[2], O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (pthread_create(&thread, NULL, execute, ends) != 0)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	close(ends[2]);
	cr_assert_eq(read(ends[0], ret_tid, sizeof(*ret_tid)), (ssize_t)sizeof(*ret_tid));
	*ret_told = ends[0];
	*ret_go = ends[3];
	return pid;
}

/* Between PTRACE_SEIZE and PTRACE_INTERRUPT it got another number, that of the leader. */
Test(stop, who_became_the_leader_before_he_was_asked_is_asked_again)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc"), told = -1, go = -1;
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
	_cleanup_buffer_ struct cryo_buffer records = {0};
	struct cryo_stopped stopped = {.tracees = calloc(1, sizeof(*stopped.tracees)), .count = 1};
	char byte = 0;
	pid_t tid, pid = start_executor(&tid, &told, &go);

	cr_assert_eq(cryo_identity_open(procfs, pid, &identity), 0);
	cr_assert_eq(ptrace(PTRACE_SEIZE, tid, NULL, NULL), 0);
	cr_assert_eq(write(go, &byte, 1), 1);
	cr_assert_eq(read(told, &byte, 1), 0);
	*stopped.tracees = (struct cryo_tracee){.tid = pid, .state = CRYO_TRACEE_GONE};
	cr_assert(cryo_stop_again(&identity, &stopped, &records));
	cr_assert_eq(stopped.count, 1);
	cr_assert_eq(cryo_tracee_tick_start(), 0);
	cryo_tracee_wait(&stopped.tracees[0], cryo_now() + 20 * CRYO_NSEC_PER_SEC);
	cryo_tracee_tick_stop();
	cr_assert_eq(stopped.tracees[0].state, CRYO_TRACEE_STOPPED);
	cryo_release(&stopped, &identity);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}
