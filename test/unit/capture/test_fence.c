// SPDX-License-Identifier: MIT
/* A process behind the fence: what it may not do any more, and what it still may. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "capture/fence.h"

enum {
	NO_FENCE = 77,
	FIRST_ALLOWED = 100 /* and what follows: an index of changing_calls[] */
};

/* With arguments of -1 all of them fail, and but for the fence none by EPERM. */
static const long changing_calls[] = {SYS_truncate, SYS_fchmod, SYS_fchmodat, 452 /* fchmodat2 */,
	SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr,
	463 /* setxattrat */, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
	466 /* removexattrat */, 469 /* file_setattr */, SYS_prlimit64, SYS_setpriority,
	SYS_ioprio_set, SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_setparam,
	SYS_sched_setattr, SYS_migrate_pages, SYS_move_pages, 448 /* process_mrelease */,
	440 /* process_madvise, of any advice but one */, 443 /* quotactl_fd */,
	467 /* open_tree_attr */, SYS_setfsuid, SYS_setfsgid,
#ifdef SYS_creat
	SYS_creat, SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat
#endif
};

static bool is_refused(long result)
{
	return result == -1 && errno == EPERM;
}

static int first_allowed(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(changing_calls); i++)
		if (!is_refused(syscall(changing_calls[i], -1L, -1L, -1L, -1L, -1L, -1L)))
			return FIRST_ALLOWED + (int)i;
	return 0;
}

/* What is asked of oneself, and what is only asked. */
static bool is_free_itself(void)
{
	struct rlimit limit;
	cpu_set_t set;

	return prlimit(0, RLIMIT_CORE, NULL, &limit) == 0 && setrlimit(RLIMIT_CORE, &limit) == 0 &&
	       sched_getaffinity(getppid(), sizeof(set), &set) == 0 &&
	       sched_setaffinity(0, sizeof(set), &set) == 0 && fcntl(0, F_GETFD) >= 0;
}

/* @fd: any open file. */
static bool is_bound_to_itself(int fd)
{
	struct rlimit limit;
	cpu_set_t set;
	int owner = getppid(), attributes = 0;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return is_refused(prlimit(owner, RLIMIT_CORE, NULL, &limit)) &&
	       is_refused(sched_setaffinity(owner, sizeof(set), &set)) &&
	       is_refused(setpriority(PRIO_PROCESS, (id_t)owner, 0)) &&
	       is_refused(fcntl(fd, F_SETOWN, owner)) && is_refused(ioctl(fd, FIOSETOWN, &owner)) &&
	       is_refused(ioctl(fd, SIOCSPGRP, &owner)) && is_refused(ioctl(fd, TIOCSTI, "x")) &&
	       is_refused(ioctl(fd, FS_IOC_SETFLAGS, &attributes));
}

static int try_attributes(int (*close_fence)(void))
{
	int memory = memfd_create("any", 0);

	if (memory < 0 || !is_free_itself())
		return 1;
	if (close_fence() < 0)
		return NO_FENCE;
	if (!is_bound_to_itself(memory))
		return 2;
	return is_free_itself() ? first_allowed() : 3;
}

static int try_attributes_of_reader(void)
{
	return try_attributes(cryo_fence_close);
}

static int try_attributes_when_reading(void)
{
	return try_attributes(cryo_fence_close_for_reading);
}

static int try_all(void)
{
	char from = 'x', to = 0, *const words[] = {(char *)"true", NULL};
	struct iovec local = {&to, 1}, remote = {&from, 1};

	if (cryo_fence_close() < 0)
		return NO_FENCE;
	if (!is_refused(execv("/bin/true", words)))
		return 1;
	if (!is_refused(socket(AF_INET, SOCK_STREAM, 0)))
		return 2;
	if (!is_refused(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL)))
		return 3;
	if (!is_refused(kill(getppid(), 0)))
		return 4;
	if (!is_refused(setuid(getuid())))
		return 5;
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != 1 || to != 'x')
		return 6;
	if (open("/proc/self/maps", O_RDONLY) < 0)
		return 7;
	return 0;
}

/* Of the child: a path of our own. */
static const char *own_file(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/cryocore-fence-%d", getppid());
	return path;
}

/* The reader of a capture makes files, and writes to none that was there: not to memory either. */
static int try_making(void)
{
	struct open_how how = {.flags = O_RDWR};
	int fd;

	if (cryo_fence_close() < 0)
		return NO_FENCE;
	fd = open(own_file(), O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || ftruncate(fd, 2) != 0)
		return 1;
	/* Without O_CREAT the kernel heeds no O_EXCL. */
	if (!is_refused(open(own_file(), O_RDWR | O_EXCL)) ||
		!is_refused(open(own_file(), O_WRONLY | O_EXCL | O_TRUNC)) ||
		!is_refused(open(own_file(), O_RDWR | O_CREAT, 0600)) ||
		!is_refused(creat(own_file(), 0600)))
		return 7;
	if (unlink(own_file()) != 0)
		return 8;
	if (!is_refused(open("/proc/self/mem", O_RDWR)) ||
		!is_refused(open("/proc/self/mem", O_RDWR | O_EXCL)))
		return 2;
	if (!is_refused(open("/dev/null", O_WRONLY)))
		return 3;
	if (syscall(SYS_openat2, AT_FDCWD, "/dev/null", &how, sizeof(how)) != -1 || errno != ENOSYS)
		return 4;
	if (!is_refused(syscall(SYS_io_uring_setup, 1, NULL)))
		return 5;
	if (!is_refused(syscall(SYS_tgkill, getppid(), getppid(), 0)))
		return 6;
	return syscall(SYS_tgkill, getpid(), gettid(), 0);
}

static bool can_change(const struct open_how *how)
{
	return syscall(SYS_openat2, AT_FDCWD, own_file(), how, sizeof(*how)) >= 0;
}

/* /proc/PID/mem of another is open to who may trace it, and Landlock lets nobody trace who is
 * outside. Without Landlock nothing is said. */
static bool memory_is_closed(void)
{
	char path[64];

	if (syscall(SYS_landlock_create_ruleset, NULL, 0L, 1L /* its version */) < 3)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/mem", getppid());
	return open(path, O_RDONLY) < 0 && errno == EACCES;
}

static int try_reading(void)
{
	struct open_how writing = {.flags = O_WRONLY}, cutting = {.flags = O_RDONLY | O_TRUNC};
	char byte = 0, *const words[] = {(char *)"true", NULL};
	struct iovec local = {&byte, 1}, remote = {&byte, 1};
	int memory = memfd_create("open before", 0), file = creat(own_file(), 0600);

	if (file < 0 || write(file, "x", 1) != 1 || close(file) < 0)
		return 10;
	if (cryo_fence_close_for_reading() < 0)
		return NO_FENCE;
	if (!is_refused(open("/dev/null", O_WRONLY)) || !is_refused(open("/dev/null", O_RDWR)))
		return 1;
	if (!is_refused(open(own_file(), O_RDONLY | O_CREAT | O_EXCL, 0600)) ||
		!is_refused(open(own_file(), O_RDWR | O_EXCL)))
		return 2;
	if (can_change(&writing) || can_change(&cutting))
		return 3;
	if (!is_refused(unlink(own_file())) || !is_refused(rename(own_file(), "/tmp/x")) ||
		!is_refused(mkdir(own_file(), 0700)) || !is_refused(truncate(own_file(), 0)) ||
		!is_refused(chmod(own_file(), 0600)))
		return 4;
	if (!is_refused(execv("/bin/true", words)) || !is_refused(socket(AF_INET, SOCK_STREAM, 0)))
		return 5;
	if (!is_refused(process_vm_readv(getpid(), &local, 1, &remote, 1, 0)))
		return 6;
	if (!is_refused(ioctl(memory, TIOCSTI, "x")))
		return 7;
	if (pwrite(memory, "x", 1, 0) != 1 || ftruncate(memory, 10) < 0 || ioctl(memory, FIOCLEX))
		return 8;
	if (!memory_is_closed())
		return 11;
	return open("/proc/self/maps", O_RDONLY) < 0 ? 9 : 0;
}

static void run_apart(int (*try)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(try());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "status %#x", status);
	if (WEXITSTATUS(status) == NO_FENCE)
		cr_skip("no seccomp filters here");
	cr_assert_eq(WEXITSTATUS(status), 0, "number %d", WEXITSTATUS(status));
}

Test(fence, bites)
{
	run_apart(try_all);
}

Test(fence, makes_files_only)
{
	run_apart(try_making);
}

Test(fence, leaves_others_and_attributes)
{
	run_apart(try_attributes_of_reader);
}

Test(fence, leaves_them_when_reading)
{
	run_apart(try_attributes_when_reading);
}

Test(fence, reads_only)
{
	char path[64];

	run_apart(try_reading);
	snprintf(path, sizeof(path), "/tmp/cryocore-fence-%d", getpid());
	cr_assert_eq(unlink(path), 0);
}
