// SPDX-License-Identifier: MIT
/*
 * The sockets of a network namespace, found by inode: addresses, state, and which other socket is
 * at the other end.
 *
 * They come from /proc/PID/net/{tcp,tcp6,udp,...}, which shows the namespace of PID to anybody, and
 * from sock_diag(7) for UNIX sockets, since only that tells the peer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "proc/address.h"

enum {
	CRYO_SOCKETS_MAX = 1 << 20 /* sockets of one namespace that are kept */
};

/**
 * struct cryo_socket - one socket.
 * @inode: the number in "socket:[N]"
 * @peer: inode of the other end; 0 if none is known
 * @protocol: as "TCP"; a literal
 * @family: AF_*; @type: SOCK_*; @state: of TCP (include/net/tcp_states.h), used by all families
 * @local, @remote: addresses in network order: 4 bytes of AF_INET, 16 of AF_INET6
 * @local_port, @remote_port: host order; AF_NETLINK: port id and groups; AF_PACKET: protocol,
 *	interface index
 * @name: of AF_UNIX, malloc'ed, @name_size bytes; an abstract one begins with NUL; NULL: unnamed
 */
struct cryo_socket {
	uint64_t inode, peer;
	const char *protocol;
	uint16_t family;
	uint8_t type, state;
	uint8_t local[16], remote[16];
	uint32_t local_port, remote_port;
	char *name;
	size_t name_size;
};

/**
 * struct cryo_sockets - the sockets of a namespace.
 * @truncated: there are more than were kept, or a source could not be read whole
 * @ends: those of AF_INET and AF_INET6 by address, after cryo_sockets_finish()
 */
struct cryo_sockets {
	struct cryo_socket *array;
	size_t count;
	bool truncated;
	struct cryo_socket_end *ends;
	size_t n_ends;
};

void cryo_sockets_clear(struct cryo_sockets *sockets);

/* Kinds of tables below /proc/PID/net. */
enum cryo_socket_table {
	CRYO_SOCKETS_INET,    /* tcp, udp, udplite, raw, icmp and their ...6 */
	CRYO_SOCKETS_UNIX,    /* unix */
	CRYO_SOCKETS_NETLINK, /* netlink */
	CRYO_SOCKETS_PACKET,  /* packet */
};

/* What all sockets of a table have in common. */
struct cryo_socket_source {
	const char *file;
	enum cryo_socket_table table;
	const char *protocol;
	uint16_t family;
	uint8_t type;
};

/**
 * cryo_sockets_parse - append the sockets of a table's text.
 *
 * The first line is a heading. Lines that make no sense are left out. Returns 0 or -ENOMEM.
 */
int cryo_sockets_parse(const struct cryo_socket_source *source, const char *text, size_t size,
	struct cryo_sockets *sockets);

/**
 * cryo_sockets_parse_diag - append the UNIX sockets of one answer of sock_diag(7).
 * @messages, @size: a datagram: struct nlmsghdr and what follows
 *
 * Returns 1 if more datagrams follow, 0 if that was the last, -EBADMSG, -ENOMEM, or the -errno
 * that the kernel sent.
 */
int cryo_sockets_parse_diag(const void *messages, size_t size, struct cryo_sockets *sockets);

/* Sort by inode and find the other ends of connections within the namespace. 0 or -ENOMEM. */
int cryo_sockets_finish(struct cryo_sockets *sockets);

/* By inode, after cryo_sockets_finish(); or NULL. */
const struct cryo_socket *cryo_sockets_find(const struct cryo_sockets *sockets, uint64_t inode);

/* Whether a socket has the address of another: a connection, of TCP or another protocol. */
bool cryo_socket_is_connected(const struct cryo_socket *socket);

/* The address that a socket is connected with; one of ::ffff:0:0/96 as that of AF_INET. */
struct cryo_address cryo_socket_remote(const struct cryo_socket *socket);

/**
 * cryo_sockets_other_ends - who is at the other end of a connection.
 * @sockets: of the namespace in which the other end lies, after cryo_sockets_finish()
 * @socket: perhaps of another namespace
 * @is_local: what is sent to its remote address arrives in that namespace; false: only a socket
 *that is connected with @socket is meant
 * @ret_ends: malloc'ed; borrowed sockets
 *
 * Of datagrams, whose receiver need not be connected, otherwise those that are bound to the port. 0
 *or -ENOMEM.
 */
int cryo_sockets_other_ends(const struct cryo_sockets *sockets, const struct cryo_socket *socket,
	bool is_local, const struct cryo_socket ***ret_ends, size_t *ret_count);

/**
 * cryo_sockets_load - the sockets of the network namespace of a process.
 * @task: its directory in procfs
 *
 * What cannot be had is left out. The calling thread enters the namespace for a moment (setns(2),
 * needs CAP_SYS_ADMIN there; without, UNIX sockets have no peer). Returns 0 or -ENOMEM.
 */
int cryo_sockets_load(int task, struct cryo_sockets *ret_sockets);

/* Append "key=value" pairs about a socket, a blank before each. 0 or -ENOMEM. */
int cryo_socket_format(const struct cryo_socket *socket, struct cryo_buffer *buffer);
