// SPDX-License-Identifier: MIT
/* A process behind the fence: what it may not do any more, and what it still may. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/fence.h"

enum {
	NO_FENCE = 77
};

static bool is_refused(long result)
{
	return result == -1 && errno == EPERM;
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
	if (fd < 0 || write(fd, "x", 1) != 1 || unlink(own_file()) != 0)
		return 1;
	if (!is_refused(open("/proc/self/mem", O_RDWR)))
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
	if (!is_refused(open(own_file(), O_RDONLY | O_CREAT | O_EXCL, 0600)))
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

Test(fence, reads_only)
{
	char path[64];

	run_apart(try_reading);
	snprintf(path, sizeof(path), "/tmp/cryocore-fence-%d", getpid());
	cr_assert_eq(unlink(path), 0);
}
