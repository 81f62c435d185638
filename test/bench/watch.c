// SPDX-License-Identifier: MIT
/*
 * The two stop watches. A program is timed from its start to its end. The kernel's own dump is
 * timed twice: until the last change of the core file (told by inotify), which is when the core is
 * complete, and until the process is gone, which is when its parent hears of it: between these the
 * kernel frees the memory.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

static long microseconds(struct timeval time)
{
	return time.tv_sec * 1000000 + time.tv_usec;
}

int bench_run(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	uint64_t begin;
	int status;
	pid_t pid;

	if (argc < 2)
		return 64;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, argv[0], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	begin = bench_now();
	if (posix_spawnp(&pid, argv[1], &actions, NULL, argv + 1, environ) != 0)
		bench_die(argv[1]);
	if (wait4(pid, &status, 0, &usage) != pid)
		bench_die("wait4");
	printf("wall_ns=%lu\nstatus=%d\nmaxrss_kib=%ld\nuser_us=%ld\nsystem_us=%ld\n",
		(unsigned long)(bench_now() - begin), status, usage.ru_maxrss,
		microseconds(usage.ru_utime), microseconds(usage.ru_stime));
	return 0;
}

/* Whether something has been written since the last call. */
static int has_changed(int watch)
{
	char events[8192];
	int changed = 0;

	while (read(watch, events, sizeof(events)) > 0)
		changed = 1;
	return changed;
}

/* Often enough to be exact to 1 %, seldom enough not to be noticed. */
static void doze(uint64_t elapsed)
{
	uint64_t ns = elapsed / 200 < 20000 ? 20000 : elapsed / 200;

	if (ns > 5000000)
		ns = 5000000;
	nanosleep(&(struct timespec){0, (long)ns}, NULL);
}

int bench_abort(int argc, char **argv)
{
	struct pollfd gone = {.events = POLLIN};
	uint64_t begin, complete = 0;
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (argc < 2)
		return 64;
	if (watch < 0 || inotify_add_watch(watch, argv[0], IN_MODIFY) < 0)
		bench_die("inotify");
	begin = bench_now();
	for (int i = 1; i < argc; i++) {
		pid_t pid = atoi(argv[i]);

		gone.fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (gone.fd < 0 || syscall(SYS_tgkill, pid, pid, SIGABRT) < 0)
			bench_die("abort");
		while (poll(&gone, 1, 0) == 0) {
			if (has_changed(watch))
				complete = bench_now();
			doze(bench_now() - begin);
		}
		if (has_changed(watch) && !complete)
			complete = bench_now();
		close(gone.fd);
	}
	printf("wall_ns=%lu\ncomplete_ns=%lu\n", (unsigned long)(bench_now() - begin),
		(unsigned long)(complete ? complete - begin : 0));
	return 0;
}
