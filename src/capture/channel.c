// SPDX-License-Identifier: MIT
/*
 * SOCK_SEQPACKET keeps letters whole, so there is no framing to get wrong. When the other side ends
 * with a letter of ours unread, the next recv(2) says ECONNRESET once (net/unix/af_unix.c
 * unix_release_sock()), before it gives the last letters of the other side.
 */
#include "capture/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"

int cryo_channel_pair(int ret_ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) < 0 ? -errno : 0;
}

int cryo_channel_send(int end, const struct cryo_letter *letter)
{
	ssize_t n;

	do
		n = send(end, letter, sizeof(*letter), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

int cryo_channel_receive(int end, uint64_t deadline, struct cryo_letter *ret_letter)
{
	struct pollfd ready = {.fd = end, .events = POLLIN};
	int r = poll(&ready, 1, cryo_deadline_poll_ms(deadline));
	ssize_t n;

	if (r < 0)
		return -errno;
	if (r == 0)
		return -ETIMEDOUT;
	n = recv(end, ret_letter, sizeof(*ret_letter), 0);
	if (n < 0 && errno == ECONNRESET)
		n = recv(end, ret_letter, sizeof(*ret_letter), 0);
	if (n < 0)
		return -errno;
	return n == sizeof(*ret_letter) ? 0 : -EPIPE;
}

void cryo_channel_say(int end, uint32_t severity, int error, const char *format, ...)
{
	struct cryo_letter letter = {
		.kind = CRYO_LETTER_MESSAGE, .severity = severity, .error = error};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(letter.text, sizeof(letter.text), format, arguments);
	va_end(arguments);
	cryo_channel_send(end, &letter);
}
