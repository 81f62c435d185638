// SPDX-License-Identifier: MIT
/*
 * Theory: both ends of a Unix socket pair show as socket:[N] with different N. Only the socket
 * monitoring of the kernel knows which belong together; it is asked for one inode, with any
 * cookie (linux/unix_diag.h, sock_diag(7)).
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "freeze/peers.h"

struct request {
	struct nlmsghdr header;
	struct unix_diag_req body;
};

static int ask(int netlink, uint64_t inode)
{
	struct request request = {
		.header = {.nlmsg_len = sizeof(request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = AF_UNIX,
			.udiag_states = ~0u,
			.udiag_ino = (uint32_t)inode,
			.udiag_show = UDIAG_SHOW_PEER,
			.udiag_cookie = {~0u, ~0u}},
	};

	return send(netlink, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static int take_peer(const struct nlmsghdr *header, uint64_t *ret_peer)
{
	const struct unix_diag_msg *body = NLMSG_DATA(header);
	unsigned int left = (unsigned int)NLMSG_PAYLOAD(header, sizeof(*body));

	for (struct rtattr *attribute = (struct rtattr *)(body + 1); RTA_OK(attribute, left);
		attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == UNIX_DIAG_PEER &&
			RTA_PAYLOAD(attribute) >= sizeof(uint32_t)) {
			*ret_peer = *(uint32_t *)RTA_DATA(attribute);
			return 0;
		}
	return -ENOTCONN;
}

int cryo_socket_peer(uint64_t inode, uint64_t *ret_peer)
{
	_cleanup_close_ int netlink =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} answer;
	ssize_t n;
	int r = netlink < 0 ? -errno : ask(netlink, inode);

	if (r < 0)
		return r;
	n = recv(netlink, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if (!NLMSG_OK(&answer.header, (size_t)n))
		return -EBADMSG;
	if (answer.header.nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(&answer.header))->error;
	return take_peer(&answer.header, ret_peer);
}
