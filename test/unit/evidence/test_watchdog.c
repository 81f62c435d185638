// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "evidence/watchdog.h"

enum {
	PATIENCE_MS = 10000
};

/* Who waits for the end of a pipe does not wait for a child that cannot die. */
Test(watchdog, a_child_keeps_no_pipe_of_the_caller)
{
	struct pollfd end = {.events = POLLIN};
	int ends[2], kept[2], status;
	char byte;
	pid_t child;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(pipe(kept), 0);
	child = cryo_watchdog_fork(&kept[1], 1);
	if (child == 0) {
		(void)!write(kept[1], "x", 1);
		for (;;)
			pause();
	}
	cr_assert_gt(child, 0);
	close(kept[1]);
	cr_assert_eq(read(kept[0], &byte, 1), 1, "what it needs it has");
	close(ends[1]);
	end.fd = ends[0];
	cr_expect_eq(poll(&end, 1, PATIENCE_MS), 1);
	cr_expect_eq(end.revents, POLLHUP);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}
