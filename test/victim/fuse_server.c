// SPDX-License-Identifier: MIT
/*
 * The protocol is that of include/uapi/linux/fuse.h. A caller in state D dies only with the
 * connection, so the server must not outlive a test that was killed: it looks at the victim's
 * stdin, which the test holds open, and has a time limit.
 */
#include "fuse_server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "victim.h"

enum {
	ROOT_NODE = 1,
	FILE_NODE = 2,
	REQUEST_ROOM = 1 << 18,
	LIFE_SECONDS = 240,
	FOR_EVER = 1000000
};

static volatile sig_atomic_t silent, told;
static int is_slow;

struct server {
	int device, source;
	off_t size;
	char request[REQUEST_ROOM];
	char data[REQUEST_ROOM];
};

static void answer(
	const struct server *server, uint64_t unique, int error, const void *data, size_t size)
{
	struct fuse_out_header header = {(uint32_t)(sizeof(header) + size), error, unique};
	struct iovec parts[2] = {{&header, sizeof(header)}, {(void *)data, size}};

	if (writev(server->device, parts, size ? 2 : 1) < 0 && errno == ENODEV)
		_exit(0);
}

static struct fuse_attr attributes(const struct server *server, uint64_t node)
{
	struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = 4096};

	attr.mode = node == ROOT_NODE ? S_IFDIR | 0755 : S_IFREG | 0755;
	attr.size = node == ROOT_NODE ? 0 : (uint64_t)server->size;
	return attr;
}

static void do_init(struct server *server, const struct fuse_in_header *in)
{
	const struct fuse_init_in *wish = (const void *)(in + 1);
	struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION,
		.minor = wish->minor < FUSE_KERNEL_MINOR_VERSION ? wish->minor
								 : FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
		.max_background = 16,
		.congestion_threshold = 12,
		.max_readahead = is_slow ? REQUEST_ROOM : 0,
		.flags = is_slow ? FUSE_ASYNC_READ : 0};

	answer(server, in->unique, 0, &out, sizeof(out));
}

static void do_lookup(struct server *server, const struct fuse_in_header *in)
{
	struct fuse_entry_out out = {.nodeid = FILE_NODE,
		.attr = attributes(server, FILE_NODE),
		.entry_valid = FOR_EVER,
		.attr_valid = FOR_EVER};

	answer(server, in->unique, strcmp((const char *)(in + 1), "file") == 0 ? 0 : -ENOENT, &out,
		strcmp((const char *)(in + 1), "file") == 0 ? sizeof(out) : 0);
}

static void do_getattr(struct server *server, const struct fuse_in_header *in)
{
	struct fuse_attr_out out = {.attr = attributes(server, in->nodeid), .attr_valid = FOR_EVER};

	answer(server, in->unique, 0, &out, sizeof(out));
}

static void do_open(struct server *server, const struct fuse_in_header *in)
{
	struct fuse_open_out out = {.fh = 1};

	answer(server, in->unique, 0, &out, sizeof(out));
}

/* As a disk that takes its time; or the end of whoever started us. */
static void await_order(void)
{
	struct pollfd end = {.fd = STDIN_FILENO, .events = 0};

	while (!told)
		if (poll(&end, 1, 100) > 0)
			_exit(0);
}

static void do_read(struct server *server, const struct fuse_in_header *in)
{
	const struct fuse_read_in *wish = (const void *)(in + 1);
	size_t size = wish->size < REQUEST_ROOM ? wish->size : REQUEST_ROOM;
	ssize_t n = pread(server->source, server->data, size, (off_t)wish->offset);

	if (is_slow)
		await_order();
	answer(server, in->unique, n < 0 ? -errno : 0, server->data, n < 0 ? 0 : (size_t)n);
}

static void do_nothing(struct server *server, const struct fuse_in_header *in)
{
	answer(server, in->unique, 0, NULL, 0);
}

static void do_not_answer(struct server *server, const struct fuse_in_header *in)
{
	(void)server;
	(void)in;
}

static const struct {
	uint32_t opcode;
	void (*handle)(struct server *server, const struct fuse_in_header *in);
} handlers[] = {
	{FUSE_INIT, do_init},
	{FUSE_LOOKUP, do_lookup},
	{FUSE_GETATTR, do_getattr},
	{FUSE_OPEN, do_open},
	{FUSE_READ, do_read},
	{FUSE_FLUSH, do_nothing},
	{FUSE_RELEASE, do_nothing},
	{FUSE_FORGET, do_not_answer},
	{FUSE_BATCH_FORGET, do_not_answer},
	{FUSE_INTERRUPT, do_not_answer},
};

static void handle(struct server *server, const struct fuse_in_header *in)
{
	if (silent)
		return;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].opcode == in->opcode) {
			handlers[i].handle(server, in);
			return;
		}
	answer(server, in->unique, -ENOSYS, NULL, 0);
}

static void on_silence(int number)
{
	(void)number;
	silent = 1;
}

static void on_order(int number)
{
	(void)number;
	told = 1;
}

static noreturn void serve(struct server *server)
{
	struct sigaction action = {.sa_handler = on_silence};

	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = on_order;
	sigaction(SIGUSR2, &action, NULL);
	signal(SIGALRM, SIG_DFL);
	alarm(LIFE_SECONDS);
	for (;;) {
		struct pollfd ends[2] = {{.fd = server->device, .events = POLLIN},
			{.fd = STDIN_FILENO, .events = 0}};

		if (poll(ends, 2, -1) < 0)
			continue;
		if (ends[1].revents & POLLHUP)
			_exit(0);
		if (!(ends[0].revents & POLLIN) && ends[0].revents)
			_exit(0);
		if (read(server->device, server->request, REQUEST_ROOM) > 0)
			handle(server, (const void *)server->request);
	}
}

static int mount_it(const char *directory)
{
	char options[96];
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (device < 0)
		cannot("/dev/fuse");
	if (unshare(CLONE_NEWNS) < 0)
		cannot("unshare(CLONE_NEWNS)");
	if (mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		cannot("mount --make-rprivate");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (mount("victim", directory, "fuse", MS_NODEV, options) < 0)
		cannot("mount of fuse");
	return device;
}

void fuse_start(const char *source, struct fuse_mount *ret_mount)
{
	struct server *server = calloc(1, sizeof(*server));
	char directory[] = "/tmp/victim-fuse-XXXXXX";
	struct stat found;

	if (!server || !mkdtemp(directory))
		die("mkdtemp");
	server->source = open(source, O_RDONLY | O_CLOEXEC);
	if (server->source < 0 || fstat(server->source, &found) < 0)
		die(source);
	server->size = found.st_size;
	server->device = mount_it(directory);
	ret_mount->server = fork();
	if (ret_mount->server < 0)
		die("fork");
	if (ret_mount->server == 0)
		serve(server);
	close(server->device);
	close(server->source);
	free(server);
	memcpy(ret_mount->directory, directory, sizeof(directory));
	snprintf(ret_mount->file, sizeof(ret_mount->file), "%s/file", directory);
	tell("server=%d", (int)ret_mount->server);
	tell("mountpoint=%s", directory);
}

void fuse_start_slow(const char *source, struct fuse_mount *ret_mount)
{
	is_slow = 1;
	fuse_start(source, ret_mount);
}

void fuse_silence(pid_t server)
{
	kill(server, SIGUSR1);
}
