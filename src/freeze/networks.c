// SPDX-License-Identifier: MIT
/*
 * Theory: a connection between two namespaces (a pair of veth, a bridge) has the same addresses at
 * both ends, where nothing translates them between. So its other end lies in a namespace that has
 * the remote address; there may be several, since addresses are no names for namespaces, and then
 * all of them count: rather one too many goes on than the one that carries our words is stopped.
 * Loopback addresses lead nowhere else.
 *
 * To read the sockets of a namespace takes milliseconds, and a machine may have a thousand of them,
 * so that is done where the remote address is one of theirs, and in the namespaces of those who
 * carry our words.
 */
#include "freeze/networks.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "proc/holders.h"
#include "proc/procfs.h"
#include "proc/text.h"

void cryo_networks_clear(struct cryo_networks *networks)
{
	for (size_t i = 0; i < networks->count; i++) {
		cryo_addresses_clear(&networks->array[i].addresses);
		cryo_sockets_clear(&networks->array[i].sockets);
	}
	free(networks->array);
	*networks = (struct cryo_networks){0};
}

/* The number in "net:[N]"; 0 if it is not to be had. */
static uint64_t inode_of(int procfs, pid_t pid)
{
	_cleanup_close_ int process = cryo_holders_open(procfs, pid);
	_cleanup_buffer_ struct cryo_buffer link = {0};
	struct cryo_text text;
	uint64_t inode;

	if (process < 0 || cryo_procfs_readlink(process, "ns/net", &link) < 0)
		return 0;
	text = cryo_text_of((char *)link.data, link.size);
	return cryo_text_key(&text, "net:[", 5) && cryo_text_number(&text, 10, &inode) ? inode : 0;
}

static struct cryo_network *find(struct cryo_networks *networks, uint64_t inode)
{
	for (size_t i = 0; i < networks->count; i++)
		if (networks->array[i].inode == inode)
			return &networks->array[i];
	return NULL;
}

static int add(struct cryo_networks *networks, pid_t pid, uint64_t inode)
{
	struct cryo_network *added = cryo_array_add(networks->array, networks->count);

	if (!added)
		return -ENOMEM;
	*added = (struct cryo_network){.inode = inode, .pid = pid};
	return 0;
}

int cryo_networks_list(int procfs, pid_t self, const struct cryo_census *census,
	struct cryo_networks *ret_networks)
{
	struct cryo_networks networks = {.procfs = procfs};
	int r = add(&networks, self, inode_of(procfs, self));

	for (size_t i = 0; i < census->count && r == 0; i++) {
		pid_t pid = census->rows[i].pid;
		uint64_t inode = cryo_row_is_kthread(&census->rows[i]) ? 0 : inode_of(procfs, pid);

		if (inode && !find(&networks, inode))
			r = add(&networks, pid, inode);
	}
	if (r < 0)
		cryo_networks_clear(&networks);
	else
		*ret_networks = networks;
	return r;
}

struct cryo_network *cryo_networks_of(struct cryo_networks *networks, pid_t pid)
{
	struct cryo_network *network = find(networks, inode_of(networks->procfs, pid));

	return network ? network : &networks->array[0];
}

/* Without memory, or if nobody is there any more, it has no sockets. */
static const struct cryo_sockets *sockets_of(
	const struct cryo_networks *networks, struct cryo_network *network)
{
	_cleanup_close_ int process = -1;

	if (network->has_sockets)
		return &network->sockets;
	network->has_sockets = true;
	process = cryo_holders_open(networks->procfs, network->pid);
	if (process >= 0)
		cryo_sockets_load(process, &network->sockets);
	return &network->sockets;
}

const struct cryo_socket *cryo_networks_socket(struct cryo_networks *networks,
	struct cryo_network *network, uint64_t inode, struct cryo_network **ret_home)
{
	const struct cryo_socket *socket = cryo_sockets_find(sockets_of(networks, network), inode);

	*ret_home = network;
	for (size_t i = 0; i < networks->count && !socket; i++) {
		*ret_home = &networks->array[i];
		if (i == 0 || (*ret_home)->has_sockets)
			socket = cryo_sockets_find(sockets_of(networks, *ret_home), inode);
	}
	return socket;
}

static bool has_address(const struct cryo_networks *networks, struct cryo_network *network,
	const struct cryo_address *address)
{
	_cleanup_close_ int process = -1;

	if (!network->has_addresses) {
		network->has_addresses = true;
		process = cryo_holders_open(networks->procfs, network->pid);
		if (process >= 0)
			cryo_addresses_load(process, &network->addresses);
	}
	return cryo_addresses_have(&network->addresses, address);
}

struct inodes {
	uint64_t *array;
	size_t count;
};

static void inodes_clear(struct inodes *inodes)
{
	free(inodes->array);
}

/* Of another namespace one counts that has no other end there. */
static int add_ends(const struct cryo_networks *networks, struct cryo_network *network,
	const struct cryo_socket *socket, bool is_local, bool is_home, struct inodes *inodes)
{
	_cleanup_free_ const struct cryo_socket **ends = NULL;
	size_t count;
	int r = cryo_sockets_other_ends(
		sockets_of(networks, network), socket, is_local, &ends, &count);

	for (size_t i = 0; i < count && r == 0; i++) {
		uint64_t *added;

		if (!is_home && ends[i]->peer)
			continue;
		added = cryo_array_add(inodes->array, inodes->count);
		if (!added)
			return -ENOMEM;
		*added = ends[i]->inode;
	}
	return r;
}

/* Where both ends lie in one namespace, both are known, whatever its addresses are. */
static int find_ends(struct cryo_networks *networks, struct cryo_network *home,
	const struct cryo_socket *socket, struct inodes *inodes)
{
	const struct cryo_address remote = cryo_socket_remote(socket);
	bool is_loopback = cryo_address_is_loopback(&remote);
	bool is_here = is_loopback || has_address(networks, home, &remote);
	int r = add_ends(networks, home, socket, is_here, true, inodes);

	if (is_here || inodes->count)
		return r;
	for (size_t i = 0; i < networks->count && r == 0; i++) {
		struct cryo_network *network = &networks->array[i];

		if (network != home && has_address(networks, network, &remote))
			r = add_ends(networks, network, socket, true, false, inodes);
	}
	return r;
}

int cryo_networks_other_ends(struct cryo_networks *networks, struct cryo_network *home,
	const struct cryo_socket *socket, uint64_t **ret_inodes, size_t *ret_count)
{
	_cleanup_(inodes_clear) struct inodes inodes = {0};
	uint64_t *added;
	int r = 0;

	if (cryo_socket_is_connected(socket)) {
		r = find_ends(networks, home, socket, &inodes);
	} else if (socket->peer) {
		added = cryo_array_add(inodes.array, inodes.count);
		r = added ? 0 : -ENOMEM;
		if (added)
			*added = socket->peer;
	}
	*ret_count = inodes.count;
	*ret_inodes = steal_ptr(inodes.array);
	return r;
}
