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
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* A letter without text. */
#define HEAD_SIZE ((ssize_t)offsetof(struct cryo_letter, text))

int cryo_channel_pair(int ret_ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) < 0 ? -errno : 0;
}

/* One packet, and room for a descriptor beside it. */
struct parcel {
	struct iovec content;
	struct msghdr message;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} beside;
};

static void pack(struct parcel *parcel, const struct cryo_letter *letter, size_t size)
{
	parcel->content = (struct iovec){(void *)letter, size};
	parcel->message = (struct msghdr){.msg_iov = &parcel->content, .msg_iovlen = 1};
}

static void make_room(struct parcel *parcel)
{
	memset(&parcel->beside, 0, sizeof(parcel->beside));
	parcel->message.msg_control = parcel->beside.room;
	parcel->message.msg_controllen = sizeof(parcel->beside.room);
}

int cryo_channel_send_file(int end, const struct cryo_letter *letter, int fd)
{
	struct parcel parcel;
	ssize_t n;

	pack(&parcel, letter, HEAD_SIZE + strnlen(letter->text, sizeof(letter->text)));
	if (fd >= 0) {
		make_room(&parcel);
		parcel.beside.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(fd)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&parcel.beside.head), &fd, sizeof(fd));
	}
	do
		n = sendmsg(end, &parcel.message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

int cryo_channel_send(int end, const struct cryo_letter *letter)
{
	return cryo_channel_send_file(end, letter, -1);
}

int cryo_channel_receive_file(
	int end, uint64_t deadline, struct cryo_letter *ret_letter, int *ret_fd)
{
	struct pollfd ready = {.fd = end, .events = POLLIN};
	int r = poll(&ready, 1, cryo_deadline_poll_ms(deadline));
	struct parcel parcel;
	ssize_t n;

	*ret_fd = -1;
	if (r < 0)
		return -errno;
	if (r == 0)
		return -ETIMEDOUT;
	pack(&parcel, ret_letter, sizeof(*ret_letter) - 1);
	make_room(&parcel);
	n = recvmsg(end, &parcel.message, MSG_CMSG_CLOEXEC);
	if (n < 0 && errno == ECONNRESET)
		n = recvmsg(end, &parcel.message, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	if (parcel.message.msg_controllen && parcel.beside.head.cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(&parcel.beside.head), sizeof(*ret_fd));
	if (n < HEAD_SIZE)
		return -EPIPE;
	((char *)ret_letter)[n] = '\0'; /* behind its text */
	return 0;
}

int cryo_channel_receive(int end, uint64_t deadline, struct cryo_letter *ret_letter)
{
	_cleanup_close_ int fd = -1;

	return cryo_channel_receive_file(end, deadline, ret_letter, &fd);
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
