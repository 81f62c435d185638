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

/* The directory and, where there is one, the pidfd. */
enum {
	N_FILES = 2
};

struct parcel {
	struct iovec parts[2];
	struct msghdr message;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(N_FILES * sizeof(int))];
	} beside;
};

static void pack(struct parcel *parcel, struct cryo_job *job, char *prefix, size_t size)
{
	*parcel = (struct parcel){.parts = {{job, sizeof(*job)}, {prefix, size}}};
	parcel->message = (struct msghdr){.msg_iov = parcel->parts,
		.msg_iovlen = 2,
		.msg_control = parcel->beside.room,
		.msg_controllen = sizeof(parcel->beside.room)};
}

int cryo_job_send(int channel, const struct cryo_job *job)
{
	const struct cryo_identity *identity = &job->request.identity;
	const int files[N_FILES] = {identity->dir, identity->pidfd};
	size_t size = (identity->pidfd < 0 ? 1 : N_FILES) * sizeof(int);
	struct parcel parcel;
	ssize_t n;

	pack(&parcel, (struct cryo_job *)job, (char *)job->request.prefix,
		strnlen(job->request.prefix, PATH_MAX - 1));
	parcel.message.msg_controllen = CMSG_SPACE(size);
	parcel.beside.head = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&parcel.beside.head), files, size);
	do
		n = sendmsg(channel, &parcel.message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

static void take_files(struct parcel *parcel, struct cryo_identity *identity)
{
	int files[N_FILES] = {-1, -1};

	if (parcel->message.msg_controllen && parcel->beside.head.cmsg_type == SCM_RIGHTS)
		memcpy(files, CMSG_DATA(&parcel->beside.head),
			parcel->beside.head.cmsg_len - CMSG_LEN(0));
	identity->dir = files[0];
	identity->pidfd = files[1];
}

int cryo_job_receive(int channel, struct cryo_job *ret_job)
{
	char prefix[PATH_MAX];
	struct parcel parcel;
	ssize_t n;

	do {
		pack(&parcel, ret_job, prefix, sizeof(prefix));
		n = recvmsg(channel, &parcel.message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(*ret_job))
		return n < 0 ? -errno : -EPIPE;
	take_files(&parcel, &ret_job->request.identity);
	ret_job->request.prefix = strndup(prefix, (size_t)n - sizeof(*ret_job));
	if (ret_job->request.prefix && ret_job->request.identity.dir >= 0)
		return 0;
	cryo_job_clear(ret_job);
	return -ENOMEM;
}

void cryo_job_clear(struct cryo_job *job)
{
	cryo_identity_close(&job->request.identity);
	free((char *)job->request.prefix);
	job->request.prefix = NULL;
}
