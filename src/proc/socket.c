// SPDX-License-Identifier: MIT
/*
 * Two ends of a connection on one machine know each other only by address: the socket whose local
 * address is my remote one and the other way round. With the sockets sorted by address once, every
 * other end is one binary search away.
 */
#include "proc/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/escape.h"

void cryo_sockets_clear(struct cryo_sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++)
		free(sockets->array[i].name);
	free(sockets->array);
	free(sockets->ends);
	*sockets = (struct cryo_sockets){0};
}

static int compare_inodes(const void *a, const void *b)
{
	const struct cryo_socket *left = a, *right = b;

	return (left->inode > right->inode) - (left->inode < right->inode);
}

const struct cryo_socket *cryo_sockets_find(const struct cryo_sockets *sockets, uint64_t inode)
{
	const struct cryo_socket key = {.inode = inode};

	if (sockets->count == 0)
		return NULL;
	return bsearch(&key, sockets->array, sockets->count, sizeof(key), compare_inodes);
}

bool cryo_socket_is_connected(const struct cryo_socket *socket)
{
	return (socket->family == AF_INET || socket->family == AF_INET6) && socket->remote_port;
}

static struct cryo_address address_of(uint16_t family, const uint8_t *bytes)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct cryo_address address = {.family = family};

	if (family == AF_INET6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		address.family = AF_INET;
		memcpy(address.bytes, bytes + sizeof(mapped), 4);
	} else {
		memcpy(address.bytes, bytes, sizeof(address.bytes));
	}
	return address;
}

struct cryo_address cryo_socket_remote(const struct cryo_socket *socket)
{
	return address_of(socket->family, socket->remote);
}

/* A socket by what it is known by at the other end, in a form that memcmp() orders. */
struct cryo_socket_end {
	uint16_t type, local_family, remote_family, padding;
	uint32_t local_port, remote_port;
	uint8_t local[16], remote[16];
	uint32_t index;
};

static int compare_ends(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct cryo_socket_end, index));
}

static void set_address(uint8_t *to, uint16_t *family, const struct cryo_address *address)
{
	memcpy(to, address->bytes, sizeof(address->bytes));
	*family = address->family;
}

/* A connection through ::ffff:a.b.c.d is an IPv4 one: its other end may be an AF_INET socket. */
static struct cryo_socket_end end_of(const struct cryo_socket *socket, uint32_t index)
{
	struct cryo_address local = address_of(socket->family, socket->local),
			    remote = address_of(socket->family, socket->remote);
	struct cryo_socket_end end;

	memset(&end, 0, sizeof(end));
	end.type = socket->type;
	set_address(end.local, &end.local_family, &local);
	set_address(end.remote, &end.remote_family, &remote);
	end.local_port = socket->local_port;
	end.remote_port = socket->remote_port;
	end.index = index;
	return end;
}

static struct cryo_socket_end other_end(const struct cryo_socket_end *end)
{
	struct cryo_socket_end other = *end;

	other.local_family = end->remote_family;
	other.remote_family = end->local_family;
	other.local_port = end->remote_port;
	other.remote_port = end->local_port;
	memcpy(other.local, end->remote, sizeof(other.local));
	memcpy(other.remote, end->local, sizeof(other.remote));
	return other;
}

static const struct cryo_socket_end *find_end(
	const struct cryo_sockets *sockets, const struct cryo_socket_end *key)
{
	return sockets->n_ends
		       ? bsearch(key, sockets->ends, sockets->n_ends, sizeof(*key), compare_ends)
		       : NULL;
}

static void pair(struct cryo_sockets *sockets)
{
	for (size_t i = 0; i < sockets->n_ends; i++) {
		const struct cryo_socket_end *end = &sockets->ends[i], *other;
		struct cryo_socket_end key = other_end(end);

		other = end->remote_port ? find_end(sockets, &key) : NULL;
		if (other && other != end)
			sockets->array[end->index].peer = sockets->array[other->index].inode;
	}
}

int cryo_sockets_finish(struct cryo_sockets *sockets)
{
	if (sockets->count == 0)
		return 0;
	qsort(sockets->array, sockets->count, sizeof(*sockets->array), compare_inodes);
	sockets->ends = malloc(sockets->count * sizeof(*sockets->ends));
	if (!sockets->ends)
		return -ENOMEM;
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->array[i].local_port && (sockets->array[i].family == AF_INET ||
							    sockets->array[i].family == AF_INET6))
			sockets->ends[sockets->n_ends++] = end_of(&sockets->array[i], (uint32_t)i);
	qsort(sockets->ends, sockets->n_ends, sizeof(*sockets->ends), compare_ends);
	pair(sockets);
	return 0;
}

/* All with this key, but for the socket itself. 0 or -ENOMEM. */
static int add_ends(const struct cryo_sockets *sockets, const struct cryo_socket_end *key,
	const struct cryo_socket *but, const struct cryo_socket ***ends, size_t *count)
{
	const struct cryo_socket_end *end = find_end(sockets, key), *last;

	if (!end)
		return 0;
	last = sockets->ends + sockets->n_ends;
	while (end > sockets->ends && compare_ends(end - 1, key) == 0)
		end--;
	for (; end < last && compare_ends(end, key) == 0; end++) {
		const struct cryo_socket *found = &sockets->array[end->index], **added;

		if (found->inode == but->inode)
			continue;
		added = cryo_array_add(*ends, *count);
		if (!added)
			return -ENOMEM;
		*added = found;
	}
	return 0;
}

/* Of a receiver that is connected with nobody, and takes what comes to all addresses. */
static struct cryo_socket_end receiver(
	const struct cryo_socket_end *connected, uint16_t family, bool is_bound)
{
	struct cryo_socket_end key = *connected;

	memset(key.remote, 0, sizeof(key.remote));
	key.remote_port = 0;
	key.remote_family = family;
	if (!is_bound) {
		memset(key.local, 0, sizeof(key.local));
		key.local_family = family;
	}
	return key;
}

int cryo_sockets_other_ends(const struct cryo_sockets *sockets, const struct cryo_socket *socket,
	bool is_local, const struct cryo_socket ***ret_ends, size_t *ret_count)
{
	struct cryo_socket_end end = end_of(socket, 0), key = other_end(&end);
	const struct cryo_socket_end keys[] = {
		key,
		receiver(&key, key.local_family, true),
		receiver(&key, AF_INET6, true), /* bound to ::ffff:a.b.c.d */
		receiver(&key, key.local_family, false),
		receiver(&key, AF_INET6, false),
	};
	size_t n_keys = is_local && socket->type == SOCK_DGRAM ? ARRAY_SIZE(keys) : 1;
	int r = 0;

	*ret_ends = NULL;
	*ret_count = 0;
	for (size_t i = 0; i < n_keys && r == 0 && *ret_count == 0; i++)
		r = add_ends(sockets, &keys[i], socket, ret_ends, ret_count);
	if (r < 0)
		free(*ret_ends);
	return r;
}

static const char *const state_names[] = {NULL, "established", "syn-sent", "syn-recv", "fin-wait-1",
	"fin-wait-2", "time-wait", "close", "close-wait", "last-ack", "listen", "closing",
	"new-syn-recv"};

static const char *const type_names[] = {NULL, "stream", "dgram", "raw", "rdm", "seqpacket"};

static int format_address(const char *key, uint16_t family, const uint8_t *address, uint32_t port,
	struct cryo_buffer *buffer)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, address, text, sizeof(text)))
		return 0;
	return cryo_buffer_printf(
		buffer, family == AF_INET6 ? " %s=[%s]:%u" : " %s=%s:%u", key, text, port);
}

static int format_inet(const struct cryo_socket *socket, struct cryo_buffer *buffer)
{
	int r = format_address("local", socket->family, socket->local, socket->local_port, buffer);

	if (r < 0)
		return r;
	return format_address(
		"remote", socket->family, socket->remote, socket->remote_port, buffer);
}

static int format_unix(const struct cryo_socket *socket, struct cryo_buffer *buffer)
{
	bool abstract = socket->name_size && !socket->name[0];
	int r;

	if (!socket->name)
		return 0;
	r = cryo_buffer_printf(buffer, abstract ? " name=@" : " name=");
	if (r < 0)
		return r;
	return cryo_escape_word(
		buffer, socket->name + abstract, socket->name_size - (size_t)abstract);
}

static int format_netlink(const struct cryo_socket *socket, struct cryo_buffer *buffer)
{
	return cryo_buffer_printf(buffer, " netlink=%u port=%u groups=0x%x", socket->local[0],
		socket->local_port, socket->remote_port);
}

static int format_packet(const struct cryo_socket *socket, struct cryo_buffer *buffer)
{
	return cryo_buffer_printf(
		buffer, " ethertype=0x%04x ifindex=%u", socket->local_port, socket->remote_port);
}

static const struct {
	uint16_t family;
	int (*format)(const struct cryo_socket *socket, struct cryo_buffer *buffer);
} formats[] = {
	{AF_INET, format_inet},
	{AF_INET6, format_inet},
	{AF_UNIX, format_unix},
	{AF_NETLINK, format_netlink},
	{AF_PACKET, format_packet},
};

int cryo_socket_format(const struct cryo_socket *socket, struct cryo_buffer *buffer)
{
	const char *type = socket->type < ARRAY_SIZE(type_names) ? type_names[socket->type] : NULL;
	const char *state =
		socket->state < ARRAY_SIZE(state_names) ? state_names[socket->state] : NULL;
	int r = 0;

	if (type)
		r = cryo_buffer_printf(buffer, " type=%s", type);
	if (state && r == 0)
		r = cryo_buffer_printf(buffer, " state=%s", state);
	for (size_t i = 0; i < ARRAY_SIZE(formats) && r == 0; i++)
		if (formats[i].family == socket->family)
			r = formats[i].format(socket, buffer);
	return r;
}
