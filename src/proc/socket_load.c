// SPDX-License-Identifier: MIT
/*
 * Reading the tables of a network namespace. Tables that the kernel does not have (a module that is
 * not loaded) are simply not there, and nothing is done that would load a module: for that reason
 * only UNIX sockets are asked for by netlink, which every kernel that has them can dump or refuse.
 *
 * setns(2) with CLONE_NEWNET moves only the calling thread, and a socket belongs for ever to the
 * namespace in which it was made: so the thread is back before anything else happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "proc/procfs.h"
#include "proc/socket.h"

enum {
	TABLE_LIMIT = 1 << 28, /* bytes of one table */
	STEP = 1 << 16,
	NOT_FULL = 2048, /* a page, with room left for a line: lines have 200 bytes */
	ANSWER_SIZE = 1 << 16
};

static const struct cryo_socket_source sources[] = {
	{"net/tcp", CRYO_SOCKETS_INET, "TCP", AF_INET, SOCK_STREAM},
	{"net/tcp6", CRYO_SOCKETS_INET, "TCPv6", AF_INET6, SOCK_STREAM},
	{"net/udp", CRYO_SOCKETS_INET, "UDP", AF_INET, SOCK_DGRAM},
	{"net/udp6", CRYO_SOCKETS_INET, "UDPv6", AF_INET6, SOCK_DGRAM},
	{"net/udplite", CRYO_SOCKETS_INET, "UDP-Lite", AF_INET, SOCK_DGRAM},
	{"net/udplite6", CRYO_SOCKETS_INET, "UDPLITEv6", AF_INET6, SOCK_DGRAM},
	{"net/icmp", CRYO_SOCKETS_INET, "PING", AF_INET, SOCK_DGRAM},
	{"net/icmp6", CRYO_SOCKETS_INET, "PINGv6", AF_INET6, SOCK_DGRAM},
	{"net/raw", CRYO_SOCKETS_INET, "RAW", AF_INET, SOCK_RAW},
	{"net/raw6", CRYO_SOCKETS_INET, "RAWv6", AF_INET6, SOCK_RAW},
	{"net/netlink", CRYO_SOCKETS_NETLINK, "NETLINK", AF_NETLINK, SOCK_RAW},
	{"net/packet", CRYO_SOCKETS_PACKET, "PACKET", AF_PACKET, 0},
};

static const struct cryo_socket_source unix_source = {
	"net/unix", CRYO_SOCKETS_UNIX, "UNIX", AF_UNIX, 0};

/*
 * The kernel fills a page with lines, or stops at the end of the table: what leaves room for more
 * lines is the end, and need not be asked for. To ask costs milliseconds, since all buckets of a
 * hash are looked through once more (net/ipv4/tcp_ipv4.c tcp_seq_start()).
 */
static int read_table(int task, const char *file, struct cryo_buffer *text)
{
	_cleanup_close_ int fd = openat(task, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = STEP;

	if (fd < 0)
		return -errno;
	while (n >= NOT_FULL && text->size < TABLE_LIMIT) {
		int r = cryo_buffer_reserve(text, STEP);

		if (r < 0)
			return r;
		n = read(fd, text->data + text->size, STEP);
		if (n < 0)
			return -errno;
		text->size += (size_t)n;
	}
	return n >= NOT_FULL;
}

static int load_table(
	int task, const struct cryo_socket_source *source, struct cryo_sockets *sockets)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = read_table(task, source->file, &text);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	sockets->truncated |= r > 0;
	return cryo_sockets_parse(source, (const char *)text.data, text.size, sockets);
}

static int open_diag(void)
{
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	return fd < 0 ? -errno : fd;
}

static bool is_same_namespace(int task, const char *own)
{
	struct stat theirs, ours;

	return fstatat(task, "ns/net", &theirs, 0) == 0 && stat(own, &ours) == 0 &&
	       theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

/* A netlink socket in the namespace of the process. A descriptor or -errno. */
static int open_diag_of(int task)
{
	static const char own[] = "/proc/thread-self/ns/net";
	_cleanup_close_ int theirs = -1, ours = -1;
	int fd;

	if (is_same_namespace(task, own))
		return open_diag();
	theirs = openat(task, "ns/net", O_RDONLY | O_CLOEXEC);
	ours = theirs < 0 ? -1 : open(own, O_RDONLY | O_CLOEXEC);
	if (ours < 0 || setns(theirs, CLONE_NEWNET) < 0)
		return -errno;
	fd = open_diag();
	if (setns(ours, CLONE_NEWNET) < 0)
		return -errno;
	return fd;
}

static int ask(int fd)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req body;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.sdiag_family = AF_UNIX,
			.udiag_states = ~0U,
			.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER},
	};
	struct timeval patience = {.tv_sec = 2};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static int load_diag(int task, struct cryo_sockets *sockets)
{
	_cleanup_close_ int fd = open_diag_of(task);
	_cleanup_free_ char *answer = malloc(ANSWER_SIZE);
	int r = fd < 0 ? fd : ask(fd);

	if (!answer)
		return -ENOMEM;
	if (r < 0)
		return r;
	do {
		ssize_t n = recv(fd, answer, ANSWER_SIZE, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		r = cryo_sockets_parse_diag(answer, (size_t)n, sockets);
	} while (r > 0);
	return r;
}

static int load_all(int task, struct cryo_sockets *sockets)
{
	size_t before;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sources) && r == 0; i++)
		r = load_table(task, &sources[i], sockets);
	if (r < 0)
		return r;
	before = sockets->count;
	r = load_diag(task, sockets);
	if (r == -ENOMEM)
		return r;
	if (r < 0 && sockets->count == before) /* no sock_diag here: names without peers */
		r = load_table(task, &unix_source, sockets);
	sockets->truncated |= r < 0;
	return cryo_sockets_finish(sockets);
}

int cryo_sockets_load(int task, struct cryo_sockets *ret_sockets)
{
	struct cryo_sockets sockets = {0};
	int r = load_all(task, &sockets);

	if (r < 0)
		cryo_sockets_clear(&sockets);
	else
		*ret_sockets = sockets;
	return r;
}
