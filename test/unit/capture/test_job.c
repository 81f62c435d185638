// SPDX-License-Identifier: MIT
/* A job on its way to a child: what it names, and the descriptors of its target. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/channel.h"
#include "capture/job.h"

static int ends[2];

static void connect_ends(void)
{
	cr_assert_eq(cryo_channel_pair(ends), 0);
}

TestSuite(job, .init = connect_ends);

static struct cryo_job job_of(const char *prefix, int dir, int pidfd)
{
	return (struct cryo_job){
		.request = {.prefix = prefix,
			.stream_fd = -1,
			.no_exe = true,
			.identity = {.pid = 42, .start_time = 7, .dir = dir, .pidfd = pidfd}},
		.deadline = 1234567,
		.is_last = true};
}

static bool is_same_file(int one, int other)
{
	struct stat left, right;

	return fstat(one, &left) == 0 && fstat(other, &right) == 0 && left.st_ino == right.st_ino &&
	       left.st_dev == right.st_dev;
}

Test(job, arrives_whole)
{
	int dir = open("/proc", O_RDONLY | O_DIRECTORY), file = open("/dev/null", O_RDONLY);
	struct cryo_job sent = job_of("some/where", dir, file), job;

	cr_assert_eq(cryo_job_send(ends[0], &sent), 0);
	cr_assert_eq(cryo_job_receive(ends[1], &job), 0);
	cr_assert_str_eq(job.request.prefix, "some/where");
	cr_assert_eq(job.request.identity.pid, 42);
	cr_assert_eq(job.request.identity.start_time, 7);
	cr_assert_eq(job.deadline, 1234567);
	cr_assert(job.is_last && job.request.no_exe && !job.request.overwrite);
	cr_assert(is_same_file(job.request.identity.dir, dir));
	cr_assert(is_same_file(job.request.identity.pidfd, file));
	cr_assert_neq(job.request.identity.dir, dir, "a descriptor of its own");
	cr_assert(fcntl(job.request.identity.dir, F_GETFD) & FD_CLOEXEC);
	file = job.request.identity.pidfd;
	cryo_job_clear(&job);
	cr_assert_eq(fcntl(file, F_GETFD), -1, "closed with it");
}

Test(job, without_a_pidfd)
{
	struct cryo_job sent = job_of("", open("/proc", O_RDONLY), -1), job;

	sent.request.stream_fd = open("/dev/zero", O_RDONLY);
	cr_assert_eq(cryo_job_send(ends[0], &sent), 0);
	cr_assert_eq(cryo_job_receive(ends[1], &job), 0);
	cr_assert_str_empty(job.request.prefix);
	cr_assert_geq(job.request.identity.dir, 0);
	cr_assert_eq(job.request.identity.pidfd, -1);
	cr_assert(is_same_file(job.request.stream_fd, sent.request.stream_fd));
}

Test(job, without_room_for_its_descriptors)
{
	int file = open("/dev/null", O_RDONLY), next = dup(file);
	struct cryo_job sent = job_of("core", file, file), job;
	struct rlimit limit = {(rlim_t)next + 1, (rlim_t)next + 1};

	close(next);
	cr_assert_eq(cryo_job_send(ends[0], &sent), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(cryo_job_receive(ends[1], &job), -EMFILE);
	cr_assert_eq(fcntl(next, F_GETFD), -1, "the one that has come is closed");
}

/* Else the core would get another name. */
Test(job, a_prefix_that_is_too_long_stays_so)
{
	char prefix[2 * PATH_MAX];
	struct cryo_job sent = job_of(prefix, open("/proc", O_RDONLY), -1), job;

	memset(prefix, 'x', sizeof(prefix));
	prefix[sizeof(prefix) - 1] = 0;
	cr_assert_eq(cryo_job_send(ends[0], &sent), 0);
	cr_assert_eq(cryo_job_receive(ends[1], &job), 0);
	cr_assert_eq(strlen(job.request.prefix), PATH_MAX - 1);
	cr_assert(open(job.request.prefix, O_RDONLY) < 0 && errno == ENAMETOOLONG);
	cryo_job_clear(&job);
}

Test(job, nobody_is_there)
{
	struct cryo_job sent = job_of("core", open("/proc", O_RDONLY), -1), job;

	close(ends[0]);
	cr_assert_eq(cryo_job_receive(ends[1], &job), -EPIPE);
	cr_assert_eq(cryo_job_send(ends[1], &sent), -EPIPE);
}

Test(job, something_else)
{
	struct cryo_job job;

	cr_assert_eq(write(ends[0], "x", 1), 1);
	cr_assert_eq(cryo_job_receive(ends[1], &job), -EPIPE);
}
