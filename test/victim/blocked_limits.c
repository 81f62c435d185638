// SPDX-License-Identifier: MIT
/*
 * Calls that wait for a socket which has a timeout of its own: they never start again by
 * themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "blocked.h"
#include "victim.h"

static int ends[2]; /* a pair, or who listens and who has connected */
static int other[2];
static int file_fd;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static char buffer[4096];

static void limit(int fd, int option)
{
	struct timeval wait = {.tv_sec = blocked_seconds};

	if (setsockopt(fd, SOL_SOCKET, option, &wait, sizeof(wait)) < 0)
		die("setsockopt");
}

static void setup_empty(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		die("socketpair");
	limit(ends[0], SO_RCVTIMEO);
	blocked_pipe(other);
}

static void setup_full(void)
{
	FILE *file = tmpfile();

	if (!file || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		die("socketpair");
	file_fd = fileno(file);
	if (write(file_fd, buffer, sizeof(buffer)) != sizeof(buffer))
		die("write");
	while (send(ends[0], buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		;
	while (send(ends[0], buffer, 1, MSG_DONTWAIT) > 0)
		;
	limit(ends[0], SO_SNDTIMEO);
}

/* The backlog is full. An abstract name: the kernel makes one up. */
static void setup_backlog(void)
{
	socklen_t size = sizeof(address);

	ends[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	ends[1] = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(ends[0], (struct sockaddr *)&address, sizeof(address.sun_family)) < 0 ||
		getsockname(ends[0], (struct sockaddr *)&address, &size) < 0 ||
		listen(ends[0], 0) < 0 || connect(ends[1], (struct sockaddr *)&address, size) < 0)
		die("backlog");
	other[0] = (int)size;
	other[1] = socket(AF_UNIX, SOCK_STREAM, 0);
	limit(other[1], SO_SNDTIMEO);
}

static long call_connect(void)
{
	return connect(other[1], (struct sockaddr *)&address, (socklen_t)other[0]);
}

static long call_readv(void)
{
	struct iovec part = {buffer, sizeof(buffer)};

	return readv(ends[0], &part, 1);
}

static long call_splice(void)
{
	return splice(ends[0], NULL, other[1], NULL, sizeof(buffer), 0);
}

static long call_sendfile(void)
{
	off_t start = 0;

	return sendfile(ends[0], file_fd, &start, sizeof(buffer));
}

const struct blocked_call blocked_limits[] = {
	{"connect-timeout", setup_backlog, call_connect, NULL, -1, EAGAIN},
	{"readv-timeout", setup_empty, call_readv, NULL, -1, EAGAIN},
	{"splice-timeout", setup_empty, call_splice, NULL, -1, EAGAIN},
	{"sendfile-timeout", setup_full, call_sendfile, NULL, -1, EAGAIN},
	{NULL, NULL, NULL, NULL, 0, 0},
};
