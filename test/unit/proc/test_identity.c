// SPDX-License-Identifier: MIT
/* A process is known, seen to be gone, and never taken for another. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
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
