// SPDX-License-Identifier: MIT
/* Opening, reading and listing: of a fixture, of /proc, and of a procfs of our own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "proc/procfs.h"

Test(procfs, lists_the_numbers_of_a_fixture)
{
	_cleanup_close_ int procfs = cryo_procfs_open(FIXTURES "/proc");
	_cleanup_free_ pid_t *pids = NULL;
	size_t count;

	cr_assert_eq(cryo_procfs_list(procfs, ".", &pids, &count), 0);
	cr_assert_eq(count, 3);
	cr_assert_eq(pids[0], 2);
	cr_assert_eq(pids[1], 10497);
	cr_assert_eq(pids[2], 10504);
}

Test(procfs, lists_ourselves)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_free_ pid_t *pids = NULL, *fds = NULL;
	size_t count, found = 0;

	cr_assert_eq(cryo_procfs_list(procfs, ".", &pids, &count), 0);
	for (size_t i = 0; i < count; i++) {
		found += pids[i] == getpid();
		cr_assert(i == 0 || pids[i - 1] < pids[i]);
	}
	cr_assert_eq(found, 1);
	cr_assert_eq(cryo_procfs_list(procfs, "self/fd", &fds, &count), 0);
	cr_assert_gt(count, 0);
	cr_assert_eq(cryo_procfs_list(procfs, "nothing", &fds, &count), -ENOENT);
}

Test(procfs, lists_more_than_one_call_can_return)
{
	char path[] = "/tmp/procfs-XXXXXX";
	_cleanup_close_ int dir = -1;
	_cleanup_free_ pid_t *numbers = NULL;
	char name[16];
	size_t count;

	cr_assert_not_null(mkdtemp(path));
	dir = cryo_procfs_open(path);
	for (int i = 3000; i > 0; i--) {
		snprintf(name, sizeof(name), "%d", i);
		cr_assert_eq(mkdirat(dir, name, 0700), 0);
	}
	cr_assert_eq(mkdirat(dir, "2147483648", 0700), 0);
	cr_assert_eq(mkdirat(dir, "12x", 0700), 0);
	cr_assert_eq(cryo_procfs_list(dir, ".", &numbers, &count), 0);
	cr_assert_eq(count, 3000);
	for (int i = 0; i < 3000; i++) {
		cr_assert_eq(numbers[i], i + 1);
		snprintf(name, sizeof(name), "%d", i + 1);
		unlinkat(dir, name, AT_REMOVEDIR);
	}
	unlinkat(dir, "2147483648", AT_REMOVEDIR);
	unlinkat(dir, "12x", AT_REMOVEDIR);
	rmdir(path);
}

Test(procfs, lists_each_thread_once)
{
	char path[] = "/tmp/procfs-XXXXXX";
	static const char *const names[] = {"task/12", "task/7", "task/012", "task"};
	_cleanup_close_ int dir = -1;
	_cleanup_free_ pid_t *tids = NULL;
	size_t count;

	cr_assert_not_null(mkdtemp(path));
	dir = cryo_procfs_open(path);
	cr_assert_eq(cryo_procfs_list_threads(dir, &tids, &count), -ENOENT);
	for (size_t i = ARRAY_SIZE(names); i > 0; i--)
		cr_assert_eq(mkdirat(dir, names[i - 1], 0700), 0);
	cr_assert_eq(cryo_procfs_list_threads(dir, &tids, &count), 0);
	cr_assert_eq(count, 2);
	cr_assert_eq(tids[0], 7);
	cr_assert_eq(tids[1], 12);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(dir, names[i], AT_REMOVEDIR);
	rmdir(path);
}

Test(procfs, reads_and_reads_again)
{
	_cleanup_close_ int procfs = cryo_procfs_open(FIXTURES "/proc"), dir = -1;
	_cleanup_buffer_ struct cryo_buffer text = {0};

	dir = cryo_procfs_open_process(procfs, 10497);
	cr_assert_eq(cryo_procfs_read(dir, "status", 0, &text), 0);
	cr_assert_eq(strncmp((char *)text.data, "Name:", 5), 0);
	cr_assert_eq(cryo_procfs_read(dir, "stat", 5, &text), 1);
	cr_assert_str_eq((char *)text.data, "10497");
	cr_assert_eq(cryo_procfs_read(dir, "nothing", 0, &text), -ENOENT);
}

Test(procfs, never_reads_through_a_link)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_buffer_ struct cryo_buffer text = {0};

	cr_assert_eq(cryo_procfs_read(procfs, "self/exe", 0, &text), -ELOOP);
}

Test(procfs, links_of_any_length)
{
	static const size_t lengths[] = {1, 255, 256, 257, 4000};
	char path[] = "/tmp/procfs-XXXXXX", target[4001];
	_cleanup_buffer_ struct cryo_buffer text = {0};
	_cleanup_close_ int dir = -1;

	cr_assert_not_null(mkdtemp(path));
	dir = cryo_procfs_open(path);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memset(target, 'a', lengths[i]);
		target[lengths[i]] = 0;
		cr_assert_eq(symlinkat(target, dir, "link"), 0);
		cr_assert_eq(cryo_procfs_readlink(dir, "link", &text), 0);
		cr_assert_eq(text.size, lengths[i]);
		cr_assert_str_eq((char *)text.data, target);
		unlinkat(dir, "link", 0);
	}
	cr_assert_eq(cryo_procfs_readlink(dir, "link", &text), -ENOENT);
	rmdir(path);
}

Test(procfs, the_last_pid_is_below_the_end_of_pids)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc"),
			    fixture = cryo_procfs_open(FIXTURES "/proc");
	pid_t pid_max = cryo_procfs_pid_max(procfs, 0);

	cr_assert_gt(pid_max, CRYO_PIDS_RESERVED);
	cr_assert_leq(pid_max, CRYO_PID_MAX_LIMIT);
	cr_assert_gt(cryo_procfs_last_pid(procfs), 0);
	cr_assert_lt(cryo_procfs_last_pid(procfs), pid_max);
	cr_assert_eq(cryo_procfs_pid_max(fixture, 77), 77, "it is not there");
}

Test(procfs, a_task_directory)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc"), dir = -1;
	_cleanup_buffer_ struct cryo_buffer text = {0};

	dir = cryo_procfs_open_task(procfs, getpid(), getpid());
	cr_assert_geq(dir, 0);
	cr_assert_eq(cryo_procfs_read(dir, "comm", 0, &text), 0);
	cr_assert_eq(cryo_procfs_open_task(procfs, getpid(), 1), -ENOENT);
	cr_assert_eq(cryo_procfs_open_process(procfs, -1), -ENOENT);
	cr_assert_eq(cryo_procfs_open("/nothing"), -ENOENT);
}

Test(procfs, a_directory_of_a_process_that_is_gone)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc"), dir = -1;
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int hold[2], r;
	pid_t pid;

	cr_assert_eq(pipe(hold), 0);
	pid = fork();
	if (pid == 0) {
		close(hold[1]);
		_exit((int)read(hold[0], &r, 1));
	}
	dir = cryo_procfs_open_process(procfs, pid);
	close(hold[1]);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	r = cryo_procfs_read(dir, "stat", 0, &text);
	cr_assert(r == -ESRCH || r == -ENOENT);
	close(hold[0]);
}

Test(procfs, a_private_one_shows_ourselves)
{
	_cleanup_close_ int procfs = cryo_procfs_open_private(), dir = -1;
	_cleanup_buffer_ struct cryo_buffer text = {0};
	_cleanup_free_ pid_t *pids = NULL;
	size_t count, found = 0;

	if (procfs == -EPERM || procfs == -ENOSYS)
		cr_skip_test("no privilege to mount, or an old kernel");
	cr_assert_geq(procfs, 0);
	cr_assert_eq(cryo_procfs_list(procfs, ".", &pids, &count), 0);
	for (size_t i = 0; i < count; i++)
		found += pids[i] == getpid();
	cr_assert_eq(found, 1);
	dir = cryo_procfs_open_process(procfs, getpid());
	cr_assert_geq(dir, 0);
	cr_assert_eq(cryo_procfs_read(dir, "maps", 0, &text), 0);
	cr_assert_eq(cryo_procfs_readlink(dir, "exe", &text), 0);
}

Test(procfs, the_processes_are_those_of_our_namespace)
{
	_cleanup_close_ int procfs = cryo_procfs_open_best();
	_cleanup_free_ pid_t *pids = NULL;
	size_t count, found = 0;

	cr_assert_eq(cryo_procfs_list_processes(procfs, &pids, &count), 0);
	for (size_t i = 0; i < count; i++)
		found += pids[i] == getpid();
	cr_assert_eq(found, 1);
}

/* /proc is that of another namespace then. */
static int list_in_a_namespace(void)
{
	_cleanup_close_ int procfs = cryo_procfs_open_private();
	_cleanup_free_ pid_t *pids = NULL;
	size_t count;

	if (procfs < 0)
		return 2;
	return cryo_procfs_list_processes(procfs, &pids, &count) < 0 || count != 1 || pids[0] != 1;
}

static int exit_status_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

Test(procfs, the_processes_are_not_those_of_another_namespace)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) { /* not this process: a leak checker needs its namespace */
		if (unshare(CLONE_NEWPID) < 0)
			_exit(2);
		pid = fork();
		_exit(pid == 0 ? list_in_a_namespace() : exit_status_of(pid));
	}
	status = exit_status_of(pid);
	if (status == 2)
		cr_skip_test("no privilege for a pid namespace, or a procfs of one");
	cr_assert_eq(status, 0);
}

Test(procfs, a_private_one_shows_what_a_mount_hides)
{
	_cleanup_close_ int procfs = -1, hidden = -1, dir = -1;
	_cleanup_buffer_ struct cryo_buffer text = {0};
	char path[32];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		cr_skip_test("no privilege to mount");
	snprintf(path, sizeof(path), "/proc/%d", getpid());
	cr_assert_eq(mount("none", path, "tmpfs", 0, NULL), 0);
	hidden = cryo_procfs_open(path);
	cr_assert_eq(cryo_procfs_read(hidden, "comm", 0, &text), -ENOENT);
	procfs = cryo_procfs_open_private();
	if (procfs == -ENOSYS)
		cr_skip_test("an old kernel");
	dir = cryo_procfs_open_process(procfs, getpid());
	cr_assert_eq(cryo_procfs_read(dir, "comm", 0, &text), 0);
	cr_assert_eq(umount2(path, MNT_DETACH), 0); /* a leak checker needs the real one */
}
