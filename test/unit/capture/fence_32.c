// SPDX-License-Identifier: MIT
/*
 * The fence of a build for i386, which has two calls where others have one (ids of 16 and of 32
 * bits) and one call for all that is done to sockets. TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/net.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/fence.h"

/* With arguments of -1 none of them does anything, and but for the fence none fails by EPERM. */
static const long calls[] = {SYS_setuid, SYS_setuid32, SYS_setgid32, SYS_setreuid32, SYS_setregid32,
	SYS_setresuid32, SYS_setresgid32, SYS_setgroups32, SYS_setfsuid32, SYS_setfsgid32,
	SYS_chown32, SYS_lchown32, SYS_fchown32, SYS_truncate64, SYS_clock_settime64,
	SYS_utimensat_time64, SYS_umount};

static bool is_refused(long result)
{
	return result == -1 && errno == EPERM;
}

static bool socketcall_is_refused(long call)
{
	const long nothing[6] = {-1, -1, -1, -1, -1, -1};

	return is_refused(syscall(SYS_socketcall, call, nothing));
}

/* The words between processes that the reader needs. */
static bool can_talk(void)
{
	int ends[2];
	char byte = 0;

	return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0 && send(ends[0], "x", 1, 0) == 1 &&
	       recv(ends[1], &byte, 1, 0) == 1 && byte == 'x';
}

static bool all_are_refused(void)
{
	bool all = true;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!is_refused(syscall(calls[i], -1L, -1L, -1L, -1L, -1L))) {
			printf("# allowed: call %ld\n", calls[i]);
			all = false;
		}
	return all;
}

static bool sockets_are_refused(void)
{
	return socketcall_is_refused(SYS_SOCKET) && socketcall_is_refused(SYS_BIND) &&
	       socketcall_is_refused(SYS_CONNECT) && socketcall_is_refused(SYS_LISTEN);
}

static bool owners_are_refused(void)
{
	return is_refused(fcntl(0, F_SETOWN, getppid())) && fcntl(0, F_GETFD) >= 0;
}

static bool changes_are_refused(void)
{
	return is_refused(open("/dev/null", O_RDWR | O_EXCL)) && open("/dev/null", O_RDONLY) >= 0;
}

static const struct {
	bool (*holds)(void);
	const char *what;
} rows[] = {
	{all_are_refused, "calls of this ABI are refused"},
	{sockets_are_refused, "sockets are refused"},
	{owners_are_refused, "owners of descriptors are refused"},
	{changes_are_refused, "changing what is there is refused"},
	{can_talk, "the reader can talk to the others"},
};

int main(void)
{
	size_t count = sizeof(rows) / sizeof(rows[0]);

	if (cryo_fence_close() < 0) {
		puts("1..0 # SKIP this kernel has no filters");
		return 0;
	}
	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++)
		printf("%sok %zu - %s\n", rows[i].holds() ? "" : "not ", i + 1, rows[i].what);
	return 0;
}
