// SPDX-License-Identifier: MIT
/*
 * The network namespaces of the processes of a machine, and who is at the other end of a connection
 * in one of them.
 */
#pragma once

#include "freeze/census.h"
#include "proc/address.h"
#include "proc/socket.h"

/**
 * struct cryo_network - a network namespace.
 * @inode: of /proc/PID/ns/net; 0: unknown
 * @pid: somebody in it
 * @has_addresses, @has_sockets: they were read
 */
struct cryo_network {
	uint64_t inode;
	pid_t pid;
	bool has_addresses, has_sockets;
	struct cryo_addresses addresses;
	struct cryo_sockets sockets;
};

/* @array: our own first. */
struct cryo_networks {
	int procfs;
	struct cryo_network *array;
	size_t count;
};

/* Those of all processes of a census. Nothing of them is read yet. 0 or -ENOMEM. */
int cryo_networks_list(int procfs, pid_t self, const struct cryo_census *census,
	struct cryo_networks *ret_networks);
void cryo_networks_clear(struct cryo_networks *networks);

/* That of a process; our own if that is not to be had. */
struct cryo_network *cryo_networks_of(struct cryo_networks *networks, pid_t pid);

/**
 * cryo_networks_socket - a socket of a process.
 * @network: that of the process, in which it is looked for first
 * @ret_home: the namespace that it belongs to
 *
 * NULL if it is in none. Sockets may be inherited from a process of another namespace.
 */
const struct cryo_socket *cryo_networks_socket(struct cryo_networks *networks,
	struct cryo_network *network, uint64_t inode, struct cryo_network **ret_home);

/**
 * cryo_networks_other_ends - the sockets at the other end of one.
 * @home: the namespace of the socket
 * @ret_inodes: malloc'ed
 *
 * 0 or -ENOMEM.
 */
int cryo_networks_other_ends(struct cryo_networks *networks, struct cryo_network *home,
	const struct cryo_socket *socket, uint64_t **ret_inodes, size_t *ret_count);
