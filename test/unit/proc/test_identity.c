// SPDX-License-Identifier: MIT
/* A process is known, seen to be gone, and never taken for another. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/identity.h"
#include "proc/procfs.h"

/* A child that waits until we close the other end of its pipe, or die. */
static pid_t start_child(int *ret_release)
{
	int hold[2];
	pid_t pid;
	char byte;

	cr_assert_eq(pipe(hold), 0);
	pid = fork();
	if (pid == 0) {
		close(hold[1]);
		_exit((int)read(hold[0], &byte, 1));
	}
	close(hold[0]);
	*ret_release = hold[1];
	return pid;
}

Test(identity, lives_as_a_zombie_too_and_ends_when_it_is_reaped)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
	siginfo_t info;
	int release;
	pid_t pid = start_child(&release);

	cr_assert_eq(cryo_identity_open(procfs, pid, &identity), 0);
	cr_assert_eq(identity.pid, pid);
	cr_assert_gt(identity.start_time, 0);
	cr_assert(cryo_identity_is_alive(&identity));
	close(release);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert(cryo_identity_is_alive(&identity), "a zombie still has its pid");
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_assert_not(cryo_identity_is_alive(&identity));
	cr_assert_eq(cryo_identity_open(procfs, pid, &identity), -ENOENT);
}

Test(identity, the_pidfd_is_of_the_process)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
	int release, status;
	pid_t pid = start_child(&release);

	cr_assert_eq(cryo_identity_open(procfs, pid, &identity), 0);
	if (identity.pidfd < 0)
		cr_skip_test("this kernel has no pidfds");
	cr_assert_eq(syscall(SYS_pidfd_send_signal, identity.pidfd, SIGKILL, NULL, 0), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(release);
}

static void *open_own_thread(void *result)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_identity identity = CRYO_IDENTITY_NONE;

	*(int *)result = cryo_identity_open(procfs, (pid_t)syscall(SYS_gettid), &identity);
	return NULL;
}

Test(identity, a_thread_that_leads_nothing_is_no_process)
{
	pthread_t thread;
	int r = 4711;

	cr_assert_eq(pthread_create(&thread, NULL, open_own_thread, &r), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_assert_eq(r, -ENOENT);
}

Test(identity, of_a_fixture_has_no_pidfd)
{
	_cleanup_close_ int procfs = cryo_procfs_open(FIXTURES "/proc");
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;

	cr_assert_eq(cryo_identity_open(procfs, 10497, &identity), 0);
	cr_assert_eq(identity.start_time, 251024);
	cr_assert_eq(identity.pidfd, -1);
	cr_assert(cryo_identity_is_alive(&identity));
}

Test(identity, closing_nothing_is_allowed)
{
	struct cryo_identity identity = CRYO_IDENTITY_NONE;

	cryo_identity_close(&identity);
	cr_assert_eq(identity.dir, -1);
}

static void *execute_self(void *user)
{
	execl("/proc/self/exe", "executes", (char *)NULL);
	return user;
}

/* This program, when it was started to execute itself by a thread, for ever. */
__attribute__((constructor)) static void execute_for_ever(void)
{
	pthread_t thread;

	if (!getenv("EXECUTES_FOR_EVER"))
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pthread_create(&thread, NULL, execute_self, NULL) != 0)
		_exit(1);
	for (;;)
		pause();
}

static pid_t start_executing(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setenv("EXECUTES_FOR_EVER", "1", 1);
		execute_self(NULL);
		_exit(1);
	}
	return pid;
}

enum {
	OPENED = 10000
};

/* The kernel leads nowhere, or to a task that is no more, in some 20 of these. */
Test(identity, is_found_while_a_thread_takes_the_place_of_the_leader)
{
	_cleanup_close_ int common = cryo_procfs_open("/proc");
	pid_t pid = start_executing();
	int failed = 0;

	for (int i = 0; i < OPENED; i++) {
		/* one that was just mounted knows no names yet */
		_cleanup_close_ int fresh = cryo_procfs_open_private();
		_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
		int procfs = fresh < 0 ? common : fresh;
		struct cryo_stat stat;
		_cleanup_close_ int dir = -1;

		failed += cryo_identity_open(procfs, pid, &identity) != 0 ||
			  !cryo_identity_is_alive(&identity);
		dir = cryo_identity_find(procfs, pid, identity.start_time, &stat);
		failed += dir < 0 || stat.pid != pid;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect_eq(failed, 0, "%d of %d", failed, OPENED);
}
