// SPDX-License-Identifier: MIT
/*
 * Waits for data, or for room for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "blocked.h"
#include "victim.h"

static int ends[2];
static char buffer[64 * 1024];
static char path[64];
static aio_context_t aio;

static void setup_pipe(void)
{
	blocked_pipe(ends);
}

static void setup_unix(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		die("socketpair");
}

static long call_read(void)
{
	return read(ends[0], buffer, sizeof(buffer));
}

static void wake_write(void)
{
	if (write(ends[1], "xyz", 3) != 3)
		die("write");
}

static void setup_pty(void)
{
	ends[1] = posix_openpt(O_RDWR | O_NOCTTY);
	if (ends[1] < 0 || grantpt(ends[1]) < 0 || unlockpt(ends[1]) < 0)
		cannot("posix_openpt");
	ends[0] = open(ptsname(ends[1]), O_RDWR | O_NOCTTY);
	if (ends[0] < 0)
		cannot("pty");
}

static void wake_pty(void)
{
	if (write(ends[1], "x\n", 2) != 2)
		die("write");
}

static void setup_eventfd(void)
{
	ends[0] = ends[1] = eventfd(0, 0);
}

static void wake_eventfd(void)
{
	eventfd_write(ends[1], 1);
}

static void setup_timerfd(void)
{
	ends[0] = timerfd_create(CLOCK_MONOTONIC, 0);
}

static long call_timerfd(void)
{
	struct itimerspec when = {.it_value = blocked_timeout()};

	timerfd_settime(ends[0], 0, &when, NULL);
	return call_read();
}

static void setup_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ends[0] = signalfd(-1, &set, 0);
}

static void wake_signalfd(void)
{
	kill(getpid(), SIGUSR1);
}

static void make_directory(void)
{
	strcpy(path, "victim-dir-XXXXXX");
	if (!mkdtemp(path))
		die("mkdtemp");
}

static void setup_inotify(void)
{
	make_directory();
	ends[0] = inotify_init1(0);
	if (inotify_add_watch(ends[0], path, IN_DELETE_SELF | IN_ONESHOT) < 0)
		die("inotify");
	tell("path=%s", path);
}

static void wake_inotify(void)
{
	rmdir(path);
}

static long call_inotify(void)
{
	return call_read() > 0;
}

static void setup_udp(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ends[0] = socket(AF_INET, SOCK_DGRAM, 0);
	ends[1] = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(ends[0], (struct sockaddr *)&address, length) < 0)
		cannot("bind");
	getsockname(ends[0], (struct sockaddr *)&address, &length);
	if (connect(ends[1], (struct sockaddr *)&address, length) < 0)
		cannot("connect");
}

static long call_recv(void)
{
	return recv(ends[0], buffer, sizeof(buffer), 0);
}

static long call_recvmmsg(void)
{
	struct iovec part = {buffer, sizeof(buffer)};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};

	return recvmmsg(ends[0], &message, 1, 0, NULL);
}

static void limit(int fd, int option)
{
	struct timeval wait = {.tv_sec = blocked_seconds};

	if (setsockopt(fd, SOL_SOCKET, option, &wait, sizeof(wait)) < 0)
		die("setsockopt");
}

static void setup_recv_timeout(void)
{
	setup_unix();
	limit(ends[0], SO_RCVTIMEO);
}

static void setup_udp_timeout(void)
{
	setup_udp();
	limit(ends[0], SO_RCVTIMEO);
}

/* A full socket: whatever is sent next waits. */
static void setup_send_timeout(void)
{
	setup_unix();
	while (send(ends[0], buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		;
	while (send(ends[0], buffer, 1, MSG_DONTWAIT) > 0)
		;
	limit(ends[0], SO_SNDTIMEO);
}

static long call_send(void)
{
	return send(ends[0], buffer, 1, 0);
}

static void setup_listen(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	ends[1] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(ends[0], (struct sockaddr *)&address, length) < 0 || listen(ends[0], 1) < 0)
		cannot("listen");
}

static void setup_accept_timeout(void)
{
	setup_listen();
	limit(ends[0], SO_RCVTIMEO);
}

static long call_accept(void)
{
	return accept(ends[0], NULL, NULL) >= 0 ? 1 : -1;
}

static void wake_connect(void)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	getsockname(ends[0], (struct sockaddr *)&address, &length);
	connect(ends[1], (struct sockaddr *)&address, length);
}

struct short_message {
	long type;
	char text[8];
};

static void setup_msg(void)
{
	ends[0] = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	if (ends[0] < 0)
		die("msgget");
	tell("msg=%d", ends[0]);
}

static long call_msgrcv(void)
{
	struct short_message message;
	long result = msgrcv(ends[0], &message, sizeof(message.text), 0, 0);
	int error = errno;

	msgctl(ends[0], IPC_RMID, NULL);
	errno = error;
	return result;
}

static void wake_msgrcv(void)
{
	struct short_message message = {.type = 1};

	msgsnd(ends[0], &message, sizeof(message.text), 0);
}

static void setup_full_msg(void)
{
	struct short_message message = {.type = 1};

	setup_msg();
	while (msgsnd(ends[0], &message, sizeof(message.text), IPC_NOWAIT) == 0)
		;
}

static long call_msgsnd(void)
{
	struct short_message message = {.type = 2};
	long result = msgsnd(ends[0], &message, sizeof(message.text), 0);
	int error = errno;

	msgctl(ends[0], IPC_RMID, NULL);
	errno = error;
	return result;
}

static void wake_msgsnd(void)
{
	struct short_message message;

	msgrcv(ends[0], &message, sizeof(message.text), 1, 0);
}

static void setup_mq(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
	char name[32];

	snprintf(name, sizeof(name), "/victim-%d", (int)getpid());
	ends[0] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	if (ends[0] < 0)
		cannot("mq_open");
	mq_unlink(name);
}

static long call_mq_receive(void)
{
	return mq_receive(ends[0], buffer, 8, NULL);
}

static void wake_mq(void)
{
	mq_send(ends[0], "xyz", 3, 0);
}

static void setup_fifo(void)
{
	make_directory();
	rmdir(path);
	if (mkfifo(path, 0600) < 0)
		die("mkfifo");
	tell("path=%s", path);
}

static long call_open_fifo(void)
{
	long result = open(path, O_RDONLY) >= 0 ? 1 : -1;

	unlink(path);
	return result;
}

static void wake_fifo(void)
{
	ends[1] = open(path, O_WRONLY);
}

static long call_splice(void)
{
	int other[2];

	blocked_pipe(other);
	return splice(ends[0], NULL, other[1], NULL, 16, 0);
}

static long call_tee(void)
{
	int other[2];

	blocked_pipe(other);
	return tee(ends[0], other[1], 16, 0);
}

/* A listener whose backlog is full: the next connect(2) waits for an accept(2). */
static void setup_backlog(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	make_directory();
	rmdir(path);
	strcpy(address.sun_path, path);
	for (int i = 0; i < 2; i++)
		ends[i] = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(ends[0], (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(ends[0], 0) < 0 ||
		connect(ends[1], (struct sockaddr *)&address, sizeof(address)) < 0)
		die("backlog");
	tell("path=%s", path);
}

static long call_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static void wake_backlog(void)
{
	if (accept(ends[0], NULL, NULL) < 0)
		die("accept");
}

/* Waits for a completion that nobody will post, until a timeout; needs no map of the ring. */
static void setup_io_uring(void)
{
	struct io_uring_params parameters = {0};

	ends[0] = (int)syscall(SYS_io_uring_setup, 4, &parameters);
	if (ends[0] < 0)
		cannot("io_uring_setup");
}

static long call_io_uring_enter(void)
{
	struct __kernel_timespec wait = {.tv_sec = blocked_seconds};
	struct io_uring_getevents_arg argument = {.ts = (uint64_t)(uintptr_t)&wait};

	return syscall(SYS_io_uring_enter, ends[0], 0, 1,
		IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof(argument));
}

/* A page that is missing until it is served: the wait of a fault, not of a call. */
static char *missing_page;

static void setup_fault(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register area = {.range = {0, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};

	missing_page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	area.range.start = (uint64_t)(uintptr_t)missing_page;
	ends[0] = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (ends[0] < 0 || ioctl(ends[0], UFFDIO_API, &api) < 0 ||
		ioctl(ends[0], UFFDIO_REGISTER, &area) < 0)
		cannot("userfaultfd");
}

static long call_fault(void)
{
	return *(volatile char *)missing_page;
}

static void wake_fault(void)
{
	struct uffdio_zeropage zero = {.range = {(uint64_t)(uintptr_t)missing_page, 4096}};

	ioctl(ends[0], UFFDIO_ZEROPAGE, &zero);
}

static void setup_aio(void)
{
	if (syscall(SYS_io_setup, 4, &aio) < 0)
		cannot("io_setup");
}

static long call_io_getevents(void)
{
	struct timespec wait = blocked_timeout();
	struct io_event event;

	return syscall(SYS_io_getevents, aio, 1, 1, &event, &wait);
}

/* A write that finds a full pipe, from the first byte on: what it returns, it wrote after it. */
static void setup_full_pipe(void)
{
	setup_pipe();
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], buffer, sizeof(buffer)) > 0)
		;
	fcntl(ends[1], F_SETFL, 0);
}

static long call_write(void)
{
	return write(ends[1], buffer, 4096);
}

static void wake_drain(void)
{
	if (read(ends[0], buffer, sizeof(buffer)) < 0)
		die("read");
}

const struct blocked_call blocked_reads[] = {
	{"read-pipe", setup_pipe, call_read, wake_write, 3, 0},
	{"read-unix", setup_unix, call_read, wake_write, 3, 0},
	{"read-pty", setup_pty, call_read, wake_pty, 2, 0},
	{"read-eventfd", setup_eventfd, call_read, wake_eventfd, 8, 0},
	{"read-timerfd", setup_timerfd, call_timerfd, NULL, 8, 0},
	{"read-signalfd", setup_signalfd, call_read, wake_signalfd, 128, 0},
	{"read-inotify", setup_inotify, call_inotify, wake_inotify, 1, 0},
	{"recv-udp", setup_udp, call_recv, wake_write, 3, 0},
	{"recvmmsg", setup_udp, call_recvmmsg, wake_write, 1, 0},
	{"recv-timeout", setup_recv_timeout, call_recv, NULL, -1, EAGAIN},
	{"recv-udp-timeout", setup_udp_timeout, call_recv, NULL, -1, EAGAIN},
	{"send-timeout", setup_send_timeout, call_send, NULL, -1, EAGAIN},
	{"accept", setup_listen, call_accept, wake_connect, 1, 0},
	{"accept-timeout", setup_accept_timeout, call_accept, NULL, -1, EAGAIN},
	{"msgrcv", setup_msg, call_msgrcv, wake_msgrcv, 8, 0},
	{"msgsnd", setup_full_msg, call_msgsnd, wake_msgsnd, 0, 0},
	{"mq_receive", setup_mq, call_mq_receive, wake_mq, 3, 0},
	{"open-fifo", setup_fifo, call_open_fifo, wake_fifo, 1, 0},
	{"splice", setup_pipe, call_splice, wake_write, 3, 0},
	{"tee", setup_pipe, call_tee, wake_write, 3, 0},
	{"connect", setup_backlog, call_connect, wake_backlog, 0, 0},
	{"io_uring_enter", setup_io_uring, call_io_uring_enter, NULL, -1, ETIME},
	{"page-fault", setup_fault, call_fault, wake_fault, 0, 0},
	{"io_getevents", setup_aio, call_io_getevents, NULL, 0, 0},
	{"write-pipe", setup_full_pipe, call_write, wake_drain, 4096, 0},
	{NULL, NULL, NULL, NULL, 0, 0},
};
