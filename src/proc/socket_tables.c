// SPDX-License-Identifier: MIT
/*
 * The tables of /proc/PID/net. Addresses are printed as 32-bit words in the byte order of the
 * machine (net/ipv4/tcp_ipv4.c get_tcp4_sock(), net/ipv6/tcp_ipv6.c get_tcp6_sock()), so storing
 * the parsed word gives the address back as it stands in a packet.
 *
 * A UNIX name may hold newlines, which the kernel prints as they are (net/unix/af_unix.c
 * unix_seq_show()): such a name is cut here, and whole in the answers of sock_diag.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "proc/socket.h"
#include "proc/text.h"

static bool take_word(struct cryo_text *line, struct cryo_text *ret_word)
{
	cryo_text_skip_blanks(line);
	return cryo_text_until(line, ' ', ret_word);
}

static bool skip_words(struct cryo_text *line, unsigned int count)
{
	struct cryo_text word;

	while (count && take_word(line, &word))
		count--;
	return count == 0;
}

/* "0100007F:0016", or four words of eight digits. */
static bool take_address(struct cryo_text *line, uint16_t family, uint8_t *address, uint32_t *port)
{
	size_t words = family == AF_INET6 ? 4 : 1;
	struct cryo_text word;
	uint64_t number;

	if (!take_word(line, &word) || cryo_text_size(&word) < 8 * words + 2)
		return false;
	for (size_t i = 0; i < words; i++) {
		struct cryo_text part = {word.at, word.at + 8};

		if (!cryo_text_number(&part, 16, &number) || part.at != part.end)
			return false;
		memcpy(address + 4 * i, &(uint32_t){(uint32_t)number}, 4);
		word.at += 8;
	}
	if (!cryo_text_byte(&word, ':') || !cryo_text_number(&word, 16, &number))
		return false;
	*port = (uint32_t)number;
	return true;
}

/* sl local remote st tx:rx tr:tm retrnsmt uid timeout inode ... */
static bool parse_inet(struct cryo_text *line, struct cryo_socket *socket)
{
	uint64_t state;

	if (!skip_words(line, 1) ||
		!take_address(line, socket->family, socket->local, &socket->local_port) ||
		!take_address(line, socket->family, socket->remote, &socket->remote_port) ||
		!cryo_text_number(line, 16, &state) || !skip_words(line, 5))
		return false;
	socket->state = (uint8_t)state;
	return cryo_text_number(line, 10, &socket->inode);
}

/* Num: RefCount Protocol Flags Type St Inode Path; St is enum socket_state of linux/net.h */
static bool parse_unix(struct cryo_text *line, struct cryo_socket *socket)
{
	enum {
		FLAG_LISTENING = 0x10000, /* __SO_ACCEPTCON, linux/net.h */
		STATE_CONNECTED = 3,      /* SS_CONNECTED */
		TCP_ESTABLISHED = 1,
		TCP_CLOSE = 7,
		TCP_LISTEN = 10
	};
	uint64_t flags, type, state;

	if (!skip_words(line, 3) || !cryo_text_number(line, 16, &flags) ||
		!cryo_text_number(line, 16, &type) || !cryo_text_number(line, 16, &state) ||
		!cryo_text_number(line, 10, &socket->inode))
		return false;
	socket->type = (uint8_t)type;
	socket->state = flags & FLAG_LISTENING     ? TCP_LISTEN
			: state == STATE_CONNECTED ? TCP_ESTABLISHED
						   : TCP_CLOSE;
	if (!cryo_text_byte(line, ' ') || line->at == line->end)
		return true;
	socket->name = cryo_text_dup(line);
	if (!socket->name)
		return false;
	socket->name_size = strlen(socket->name); /* a text with a NUL in it is cut there */
	if (socket->name[0] == '@')
		socket->name[0] = 0;
	return true;
}

/* sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode */
static bool parse_netlink(struct cryo_text *line, struct cryo_socket *socket)
{
	uint64_t protocol, port, groups;

	if (!skip_words(line, 1) || !cryo_text_number(line, 10, &protocol) ||
		!cryo_text_number(line, 10, &port) || !cryo_text_number(line, 16, &groups) ||
		!skip_words(line, 5))
		return false;
	socket->local[0] = (uint8_t)protocol;
	socket->local_port = (uint32_t)port;
	socket->remote_port = (uint32_t)groups;
	return cryo_text_number(line, 10, &socket->inode);
}

/* sk RefCnt Type Proto Iface R Rmem User Inode */
static bool parse_packet(struct cryo_text *line, struct cryo_socket *socket)
{
	uint64_t type, protocol, interface;

	if (!skip_words(line, 2) || !cryo_text_number(line, 10, &type) ||
		!cryo_text_number(line, 16, &protocol) || !cryo_text_number(line, 10, &interface) ||
		!skip_words(line, 3))
		return false;
	socket->type = (uint8_t)type;
	socket->local_port = (uint32_t)protocol;
	socket->remote_port = (uint32_t)interface;
	return cryo_text_number(line, 10, &socket->inode);
}

static bool (*const parsers[])(struct cryo_text *line, struct cryo_socket *socket) = {
	[CRYO_SOCKETS_INET] = parse_inet,
	[CRYO_SOCKETS_UNIX] = parse_unix,
	[CRYO_SOCKETS_NETLINK] = parse_netlink,
	[CRYO_SOCKETS_PACKET] = parse_packet,
};

int cryo_sockets_parse(const struct cryo_socket_source *source, const char *text, size_t size,
	struct cryo_sockets *sockets)
{
	struct cryo_text at = cryo_text_of(text, size), line;

	cryo_text_line(&at, &line);
	while (cryo_text_line(&at, &line)) {
		struct cryo_socket socket = {.protocol = source->protocol,
			.family = source->family,
			.type = source->type};
		struct cryo_socket *added = NULL;

		if (!parsers[source->table](&line, &socket) || socket.inode == 0) {
			free(socket.name);
			continue;
		}
		sockets->truncated |= sockets->count == CRYO_SOCKETS_MAX;
		if (sockets->count < CRYO_SOCKETS_MAX)
			added = cryo_array_add(sockets->array, sockets->count);
		if (!added) {
			free(socket.name);
			return sockets->truncated ? 0 : -ENOMEM;
		}
		*added = socket;
	}
	return 0;
}
