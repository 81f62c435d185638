// SPDX-License-Identifier: MIT
/* A process behind the fence: what it may not do any more, and what it still may. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
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

Test(fence, bites)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(try_all());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "status %#x", status);
	if (WEXITSTATUS(status) == NO_FENCE)
		cr_skip("no seccomp filters here");
	cr_assert_eq(WEXITSTATUS(status), 0, "number %d", WEXITSTATUS(status));
}
