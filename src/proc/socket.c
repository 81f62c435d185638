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
	*sockets = (struct cryo_sockets){0};
}

static int compare_inodes(const void *a, const void *b)
{
	const struct cryo_socket *left = a, *right = b;

	return (left->inode > right->inode) - (left->inode < right->inode);
}

const struct cryo_socket *cryo_sockets_find(const struct cryo_sockets *sockets, uint64_t inode)
{
	struct cryo_socket key = {.inode = inode};

	if (sockets->count == 0)
		return NULL;
	return bsearch(&key, sockets->array, sockets->count, sizeof(key), compare_inodes);
}

/* One end of a connection in a form that memcmp() orders. */
struct connection {
	uint16_t family, type;
	uint32_t local_port, remote_port;
	uint8_t local[16], remote[16];
	uint32_t index;
};

static int compare_connections(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct connection, index));
}

static bool is_connected(const struct cryo_socket *socket)
{
	return (socket->family == AF_INET || socket->family == AF_INET6) && socket->remote_port;
}

/* A connection through ::ffff:a.b.c.d is an IPv4 one: its other end may be an AF_INET socket. */
static void normalise(struct connection *connection)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (connection->family != AF_INET6 || memcmp(connection->local, mapped, 12) != 0)
		return;
	connection->family = AF_INET;
	memmove(connection->local, connection->local + 12, 4);
	memmove(connection->remote, connection->remote + 12, 4);
	memset(connection->local + 4, 0, 12);
	memset(connection->remote + 4, 0, 12);
}

static struct connection connection_of(const struct cryo_socket *socket, uint32_t index)
{
	struct connection connection;

	memset(&connection, 0, sizeof(connection));
	connection.family = socket->family;
	connection.type = socket->type;
	connection.local_port = socket->local_port;
	connection.remote_port = socket->remote_port;
	memcpy(connection.local, socket->local, sizeof(connection.local));
	memcpy(connection.remote, socket->remote, sizeof(connection.remote));
	connection.index = index;
	normalise(&connection);
	return connection;
}

static struct connection other_end(const struct connection *connection)
{
	struct connection other = *connection;

	other.local_port = connection->remote_port;
	other.remote_port = connection->local_port;
	memcpy(other.local, connection->remote, sizeof(other.local));
	memcpy(other.remote, connection->local, sizeof(other.remote));
	return other;
}

static void pair(struct cryo_sockets *sockets, const struct connection *ends, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct connection key = other_end(&ends[i]);
		const struct connection *other =
			bsearch(&key, ends, count, sizeof(key), compare_connections);

		if (other && other != &ends[i])
			sockets->array[ends[i].index].peer = sockets->array[other->index].inode;
	}
}

int cryo_sockets_finish(struct cryo_sockets *sockets)
{
	_cleanup_free_ struct connection *ends = NULL;
	size_t count = 0;

	if (sockets->count == 0)
		return 0;
	qsort(sockets->array, sockets->count, sizeof(*sockets->array), compare_inodes);
	ends = malloc(sockets->count * sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	for (size_t i = 0; i < sockets->count; i++)
		if (is_connected(&sockets->array[i]))
			ends[count++] = connection_of(&sockets->array[i], (uint32_t)i);
	qsort(ends, count, sizeof(*ends), compare_connections);
	pair(sockets, ends, count);
	return 0;
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
