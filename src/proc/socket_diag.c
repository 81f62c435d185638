// SPDX-License-Identifier: MIT
/*
 * UNIX sockets by netlink: sock_diag(7), net/unix/diag.c. The kernel sends one message for each
 * socket, several in a datagram, and at last NLMSG_DONE. Lengths are checked although they come
 * from the kernel: the same parser reads fixtures.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "proc/socket.h"

static int take_attribute(const struct rtattr *attribute, struct cryo_socket *socket)
{
	const void *data = RTA_DATA(attribute);
	size_t size = RTA_PAYLOAD(attribute);
	uint32_t peer;

	if (attribute->rta_type == UNIX_DIAG_PEER && size >= sizeof(peer)) {
		memcpy(&peer, data, sizeof(peer));
		socket->peer = peer;
	}
	if (attribute->rta_type == UNIX_DIAG_NAME && size && !socket->name) {
		socket->name = malloc(size);
		if (!socket->name)
			return -ENOMEM;
		memcpy(socket->name, data, size);
		/* a path comes with a NUL behind it; an abstract name is as long as it is */
		socket->name_size = socket->name[0] ? strnlen(socket->name, size) : size;
	}
	return 0;
}

static int parse_message(const struct nlmsghdr *header, struct cryo_socket *socket)
{
	const struct unix_diag_msg *message = NLMSG_DATA(header);
	const struct rtattr *attribute = (const void *)(message + 1);
	int left = (int)header->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*message)), r = 0;

	if (left < 0)
		return -EBADMSG;
	socket->inode = message->udiag_ino;
	socket->type = message->udiag_type;
	socket->state = message->udiag_state;
	for (; RTA_OK(attribute, left) && r == 0; attribute = RTA_NEXT(attribute, left))
		r = take_attribute(attribute, socket);
	return r;
}

static int add_message(const struct nlmsghdr *header, struct cryo_sockets *sockets)
{
	struct cryo_socket socket = {.protocol = "UNIX", .family = AF_UNIX};
	int r = parse_message(header, &socket);
	struct cryo_socket *added = NULL;

	sockets->truncated |= sockets->count == CRYO_SOCKETS_MAX;
	if (r == 0 && sockets->count < CRYO_SOCKETS_MAX) {
		added = cryo_array_add(sockets->array, sockets->count);
		r = added ? 0 : -ENOMEM;
	}
	if (added)
		*added = socket;
	else
		free(socket.name);
	return r;
}

static int kernel_error(const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = NLMSG_DATA(header);

	return header->nlmsg_len < NLMSG_LENGTH(sizeof(*error)) ? -EBADMSG : error->error;
}

int cryo_sockets_parse_diag(const void *messages, size_t size, struct cryo_sockets *sockets)
{
	const struct nlmsghdr *header = messages;
	int left = (int)size, r = 0;

	/* NLMSG_NEXT() may make what is left negative. */
	for (; left > 0 && NLMSG_OK(header, (unsigned int)left) && r == 0;
		header = NLMSG_NEXT(header, left)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 0;
		if (header->nlmsg_type == NLMSG_ERROR)
			return kernel_error(header);
		if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY)
			r = add_message(header, sockets);
	}
	return r < 0 ? r : 1;
}
