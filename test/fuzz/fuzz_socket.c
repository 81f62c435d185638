// SPDX-License-Identifier: MIT
/*
 * The first byte chooses: a table of /proc/PID/net, or an answer of sock_diag(7). What was
 * understood is matched up, looked up and printed.
 */
#include <string.h>
#include <sys/socket.h>

#include "proc/holders.h"
#include "proc/socket.h"

static const struct cryo_socket_source sources[] = {
	{"net/tcp", CRYO_SOCKETS_INET, "TCP", AF_INET, SOCK_STREAM},
	{"net/tcp6", CRYO_SOCKETS_INET, "TCPv6", AF_INET6, SOCK_STREAM},
	{"net/unix", CRYO_SOCKETS_UNIX, "UNIX", AF_UNIX, 0},
	{"net/netlink", CRYO_SOCKETS_NETLINK, "NETLINK", AF_NETLINK, SOCK_RAW},
	{"net/packet", CRYO_SOCKETS_PACKET, "PACKET", AF_PACKET, 0},
};

enum {
	SOURCES = sizeof(sources) / sizeof(sources[0])
};

/* The kernel's datagrams are aligned, and so has this one to be. */
static void parse_diag(const uint8_t *data, size_t size, struct cryo_sockets *sockets)
{
	void *aligned = malloc(size + 1);

	if (!aligned)
		return;
	memcpy(aligned, data, size);
	cryo_sockets_parse_diag(aligned, size, sockets);
	free(aligned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryo_sockets sockets = {0};
	uint64_t inode;

	if (size == 0)
		return 0;
	if (data[0] % (SOURCES + 1) == SOURCES)
		parse_diag(data + 1, size - 1, &sockets);
	else
		cryo_sockets_parse(&sources[data[0] % (SOURCES + 1)], (const char *)data + 1,
			size - 1, &sockets);
	cryo_sockets_finish(&sockets);
	for (size_t i = 0; i < sockets.count; i++) {
		_cleanup_buffer_ struct cryo_buffer text = {0};

		cryo_socket_format(&sockets.array[i], &text);
		if (!cryo_sockets_find(&sockets, sockets.array[i].inode))
			__builtin_trap();
	}
	cryo_holders_parse_link((const char *)data, size, &inode);
	cryo_sockets_clear(&sockets);
	return 0;
}
