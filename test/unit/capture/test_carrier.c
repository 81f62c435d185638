// SPDX-License-Identifier: MIT
/* Who reads a pipe is found once for the captures that go into it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/carrier.h"
#include "proc/procfs.h"

/* A process that has only one descriptor, as soon as this returns: what it closes last is ours to
 * read. */
static pid_t begin(int fd)
{
	int ready[2], r = pipe(ready);
	pid_t child = fork();
	char byte;

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fd != 0)
			dup2(fd, 0);
		close_range(1, ~0U, 0);
		for (;;)
			pause();
	}
	cr_assert_eq(r, 0);
	cr_assert_gt(child, 0);
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static bool carries(pid_t target, int stream, struct cryo_carriers **carriers)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_request request = {.procfs = procfs, .prefix = "core", .stream_fd = stream};

	request.identity.pid = target;
	return cryo_carrier_is_target(&request, carriers);
}

Test(carrier, is_searched_for_once)
{
	struct cryo_carriers *carriers = NULL, *first;
	int null = open("/dev/null", O_RDONLY), ends[2], others[2];
	pid_t reader, other;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(pipe(others), 0);
	reader = begin(ends[0]);
	other = begin(null);
	cr_expect(carries(reader, ends[1], &carriers));
	first = carriers;
	cr_assert_not_null(first);
	cr_expect(!carries(other, ends[1], &carriers));
	cr_expect(carries(reader, ends[1], &carriers));
	cr_expect_eq(carriers, first, "what was found is still so");
	cr_assert_eq(dup2(others[1], ends[1]), ends[1]);
	cr_expect(!carries(reader, ends[1], &carriers), "it is another pipe");
	end(reader);
	reader = begin(others[0]);
	cr_expect(carries(reader, ends[1], &carriers), "one who came later");
	end(reader);
	end(other);
	cryo_carriers_free(carriers);
}

Test(carrier, nobody_is_asked_for_an_ordinary_file)
{
	struct cryo_carriers *carriers = NULL;

	cr_expect(!carries(getpid(), -1, &carriers));
	cr_expect_null(carriers);
}
