// SPDX-License-Identifier: MIT
/*
 * Both ends are the same program, so the request goes as it lies in memory, but for what is behind
 * its pointers and its descriptors: the prefix follows, and the descriptors go beside it. A prefix
 * that is too long for a path is cut, and still is.
 */
#include "capture/job.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	N_FILES = 3
};

#define MAGIC 0x6a6f6221U /* "job!" */

struct parcel {
	struct iovec parts[2];
	struct msghdr message;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(N_FILES * sizeof(int))];
	} beside;
};

/* The descriptors of a request, in the order in which they travel; those that are -1 do not. */
struct places {
	int *fds[N_FILES];
};

static struct places places_of(struct cryo_request *request)
{
	return (struct places){
		{&request->identity.dir, &request->identity.pidfd, &request->stream_fd}};
}

static void pack(struct parcel *parcel, struct cryo_job *job, char *prefix, size_t size)
{
	*parcel = (struct parcel){.parts = {{job, sizeof(*job)}, {prefix, size}}};
	parcel->message = (struct msghdr){.msg_iov = parcel->parts,
		.msg_iovlen = 2,
		.msg_control = parcel->beside.room,
		.msg_controllen = sizeof(parcel->beside.room)};
}

static void put_files(struct parcel *parcel, struct cryo_request *request)
{
	struct places places = places_of(request);
	int files[N_FILES];
	size_t count = 0;

	for (size_t i = 0; i < N_FILES; i++)
		if (*places.fds[i] >= 0)
			files[count++] = *places.fds[i];
	parcel->message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	parcel->beside.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&parcel->beside.head), files, count * sizeof(int));
}

int cryo_job_send(int channel, const struct cryo_job *job)
{
	struct cryo_job sent = *job;
	struct parcel parcel;
	ssize_t n;

	sent.magic = MAGIC;
	pack(&parcel, &sent, (char *)job->request.prefix,
		strnlen(job->request.prefix, PATH_MAX - 1));
	put_files(&parcel, &sent.request);
	do
		n = sendmsg(channel, &parcel.message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

/* Those that have come, of which there is no use for more than N_FILES. */
static size_t take_out(struct parcel *parcel, int files[N_FILES])
{
	size_t count = 0, used;

	if (parcel->message.msg_controllen && parcel->beside.head.cmsg_type == SCM_RIGHTS)
		count = (parcel->beside.head.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	used = count < N_FILES ? count : N_FILES;
	memcpy(files, CMSG_DATA(&parcel->beside.head), used * sizeof(int));
	for (size_t i = used; i < count; i++) {
		int surplus;

		memcpy(&surplus, CMSG_DATA(&parcel->beside.head) + i * sizeof(int), sizeof(int));
		close(surplus);
	}
	return used;
}

/* Whether all have come: there may have been no room for them (RLIMIT_NOFILE). */
static bool take_files(struct parcel *parcel, struct cryo_request *request)
{
	struct places places = places_of(request);
	int files[N_FILES] = {0};
	size_t count = take_out(parcel, files), taken = 0;
	bool all = true;

	for (size_t i = 0; i < N_FILES; i++) {
		if (*places.fds[i] < 0)
			continue;
		all &= taken < count;
		*places.fds[i] = taken < count ? files[taken++] : -1;
	}
	return all;
}

int cryo_job_receive(int channel, struct cryo_job *ret_job)
{
	char prefix[PATH_MAX];
	struct parcel parcel;
	ssize_t n;
	bool all;

	do {
		pack(&parcel, ret_job, prefix, sizeof(prefix));
		n = recvmsg(channel, &parcel.message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(*ret_job) || ret_job->magic != MAGIC)
		return -EPIPE;
	all = take_files(&parcel, &ret_job->request);
	ret_job->request.prefix = strndup(prefix, (size_t)n - sizeof(*ret_job));
	if (ret_job->request.prefix && all)
		return 0;
	cryo_job_clear(ret_job);
	return all ? -ENOMEM : -EMFILE;
}

void cryo_job_clear(struct cryo_job *job)
{
	struct places places = places_of(&job->request);

	for (size_t i = 0; i < N_FILES; i++) {
		cryo_cleanup_close(places.fds[i]);
		*places.fds[i] = -1;
	}
	free((char *)job->request.prefix);
	job->request.prefix = NULL;
}
