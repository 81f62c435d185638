// SPDX-License-Identifier: MIT
/* Tables of /proc/PID/net of Linux 6.18, and answers of sock_diag(7). */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "proc/socket.h"

static const struct cryo_socket_source tcp = {
	"net/tcp", CRYO_SOCKETS_INET, "TCP", AF_INET, SOCK_STREAM};
static const struct cryo_socket_source tcp6 = {
	"net/tcp6", CRYO_SOCKETS_INET, "TCPv6", AF_INET6, SOCK_STREAM};
static const struct cryo_socket_source local = {"net/unix", CRYO_SOCKETS_UNIX, "UNIX", AF_UNIX, 0};
static const struct cryo_socket_source netlink = {
	"net/netlink", CRYO_SOCKETS_NETLINK, "NETLINK", AF_NETLINK, SOCK_RAW};

static const char tcp_text[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
			       "retrnsmt   uid  timeout inode\n"
			       "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 "
			       "00000000     0        0 11 1 0 100\n"
			       "   1: 0100007F:0016 0100007F:D431 01 00000000:00000000 00:00000000 "
			       "00000000     0        0 12 1 0 100\n"
			       "   2: 0100007F:D431 0100007F:0016 01 00000000:00000000 00:00000000 "
			       "00000000     0        0 13 1 0 100\n"
			       "   3: 0100007F:0017 0200007F:D431 06 00000000:00000000 03:00000A2C "
			       "00000000     0        0 0 3 0\n"
			       "garbage\n"
			       "   4: 0100007F 0100007F:0016 01 00000000:00000000 00:00000000 "
			       "00000000     0        0 14 1 0 100\n";

static const char tcp6_text[] =
	"  sl  local_address                         remote_address                        st ...\n"
	"   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A "
	"00000000:00000000 00:00000000 00000000     0        0 21 1 0 100\n"
	"   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:D432 01 "
	"00000000:00000000 00:00000000 00000000     0        0 22 1 0 100\n";

static const char mapped_client[] = "  sl\n"
				    "   2: 0100007F:D432 0100007F:1F90 01 00000000:00000000 "
				    "00:00000000 00000000     0        0 23 1 0 100\n";

static void expect_format(const struct cryo_sockets *sockets, uint64_t inode, const char *text)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};
	const struct cryo_socket *socket = cryo_sockets_find(sockets, inode);

	cr_assert_not_null(socket);
	cr_assert_eq(cryo_socket_format(socket, &buffer), 0);
	cr_expect_str_eq((const char *)buffer.data, text);
}

static void parse(
	const struct cryo_socket_source *source, const char *text, struct cryo_sockets *sockets)
{
	cr_assert_eq(cryo_sockets_parse(source, text, strlen(text), sockets), 0);
}

Test(socket, tcp)
{
	struct cryo_sockets sockets = {0};

	parse(&tcp, tcp_text, &sockets);
	cr_assert_eq(cryo_sockets_finish(&sockets), 0);
	cr_expect_eq(sockets.count, 3, "a connection without a socket and nonsense are left out");
	expect_format(
		&sockets, 11, " type=stream state=listen local=127.0.0.1:22 remote=0.0.0.0:0");
	expect_format(&sockets, 13,
		" type=stream state=established local=127.0.0.1:54321 remote=127.0.0.1:22");
	cr_expect_eq(cryo_sockets_find(&sockets, 12)->peer, 13);
	cr_expect_eq(cryo_sockets_find(&sockets, 13)->peer, 12);
	cr_expect_eq(cryo_sockets_find(&sockets, 11)->peer, 0);
	cr_expect_null(cryo_sockets_find(&sockets, 14));
	cryo_sockets_clear(&sockets);
}

Test(socket, tcp_version_6_and_mapped_addresses)
{
	struct cryo_sockets sockets = {0};

	parse(&tcp6, tcp6_text, &sockets);
	parse(&tcp, mapped_client, &sockets);
	cr_assert_eq(cryo_sockets_finish(&sockets), 0);
	expect_format(&sockets, 21, " type=stream state=listen local=[::1]:80 remote=[::]:0");
	cr_expect_eq(cryo_sockets_find(&sockets, 22)->peer, 23, "an IPv4 client of an IPv6 server");
	cr_expect_eq(cryo_sockets_find(&sockets, 23)->peer, 22);
	cryo_sockets_clear(&sockets);
}

Test(socket, unix_table)
{
	static const char text[] =
		"Num       RefCount Protocol Flags    Type St Inode Path\n"
		"0000000000000000: 00000002 00000000 00010000 0001 01 31 /run/a b\x1b\n"
		"0000000000000000: 00000003 00000000 00000000 0002 03 32\n"
		"0000000000000000: 00000002 00000000 00010000 0005 01 33 @abstract\n"
		"0000000000000000: 00000002 00000000 0001";
	struct cryo_sockets sockets = {0};

	parse(&local, text, &sockets);
	cr_assert_eq(cryo_sockets_finish(&sockets), 0);
	cr_expect_eq(sockets.count, 3);
	expect_format(&sockets, 31, " type=stream state=listen name=/run/a\\x20b\\x1b");
	expect_format(&sockets, 32, " type=dgram state=established");
	expect_format(&sockets, 33, " type=seqpacket state=listen name=@abstract");
	cryo_sockets_clear(&sockets);
}

Test(socket, netlink_table)
{
	static const char text[] = "sk               Eth Pid        Groups   Rmem     Wmem     "
				   "Dump  Locks    Drops    Inode\n"
				   "00000000bf02b4a1 15  1234       00000002 0        0        0   "
				   "  2        0        41      \n";
	struct cryo_sockets sockets = {0};

	parse(&netlink, text, &sockets);
	cr_assert_eq(cryo_sockets_finish(&sockets), 0);
	expect_format(&sockets, 41, " type=raw netlink=15 port=1234 groups=0x2");
	cryo_sockets_clear(&sockets);
}

/* One message with a name and a peer, as net/unix/diag.c sends it. */
struct answer {
	struct nlmsghdr header;
	struct unix_diag_msg message;
	struct rtattr name_head;
	char name[8];
	struct rtattr peer_head;
	uint32_t peer;
};

static struct answer make_answer(void)
{
	return (struct answer){
		.header = {.nlmsg_len = sizeof(struct answer), .nlmsg_type = SOCK_DIAG_BY_FAMILY},
		.message = {.udiag_family = AF_UNIX,
			.udiag_type = SOCK_STREAM,
			.udiag_state = 1,
			.udiag_ino = 51},
		.name_head = {RTA_LENGTH(8), UNIX_DIAG_NAME},
		.name = "\0a\nb\0c\0d",
		.peer_head = {RTA_LENGTH(4), UNIX_DIAG_PEER},
		.peer = 52,
	};
}

Test(socket, diag)
{
	struct answer answer = make_answer();
	struct nlmsghdr done = {.nlmsg_len = sizeof(done), .nlmsg_type = NLMSG_DONE};
	struct cryo_sockets sockets = {0};

	cr_assert_eq(cryo_sockets_parse_diag(&answer, sizeof(answer), &sockets), 1);
	cr_assert_eq(cryo_sockets_parse_diag(&done, sizeof(done), &sockets), 0);
	cr_assert_eq(cryo_sockets_finish(&sockets), 0);
	cr_expect_eq(cryo_sockets_find(&sockets, 51)->peer, 52);
	expect_format(&sockets, 51, " type=stream state=established name=@a\\x0ab\\x00c\\x00d");
	cryo_sockets_clear(&sockets);
}

Test(socket, diag_that_is_cut_or_refused)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} refusal = {{.nlmsg_len = sizeof(refusal), .nlmsg_type = NLMSG_ERROR}, {.error = -ENOENT}};
	struct answer answer = make_answer();

	for (size_t size = 0; size < sizeof(answer); size++) {
		struct cryo_sockets sockets = {0};

		cr_expect_eq(cryo_sockets_parse_diag(&answer, size, &sockets), 1);
		cr_expect_eq(sockets.count, 0, "a message longer than the datagram is none");
		cryo_sockets_clear(&sockets);
	}
	for (uint32_t size = sizeof(answer.header); size < sizeof(answer); size++) {
		struct cryo_sockets sockets = {0};

		answer.header.nlmsg_len = size;
		cryo_sockets_parse_diag(&answer, sizeof(answer), &sockets);
		cryo_sockets_clear(&sockets);
	}
	cr_expect_eq(cryo_sockets_parse_diag(&refusal, sizeof(refusal), &(struct cryo_sockets){0}),
		-ENOENT);
}
