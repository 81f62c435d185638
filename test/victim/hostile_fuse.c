// SPDX-License-Identifier: MIT
/*
 * Threads that wait for a file system which does not answer, and memory that only it could give.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuse_server.h"
#include "hostile.h"
#include "victim.h"

enum {
	PAGE = 4096,
	PAGES = 16
};

static struct fuse_mount mounted;
static volatile pid_t waiter;

/* A file of known content to be served: every word of it is WORD_AT(its offset). */
static void start_pattern(void (*start)(const char *source, struct fuse_mount *ret_mount))
{
	char path[] = "/tmp/victim-source-XXXXXX";
	uint64_t words[PAGE / sizeof(uint64_t)];
	int fd = mkstemp(path);

	for (size_t page = 0; page < PAGES; page++) {
		for (size_t i = 0; i < PAGE / sizeof(words[0]); i++)
			words[i] = WORD_AT(page * PAGE + i * sizeof(words[0]));
		if (write(fd, words, sizeof(words)) != sizeof(words))
			die("write");
	}
	close(fd);
	start(path, &mounted);
	unlink(path);
}

static void start_with_pattern(void)
{
	start_pattern(fuse_start);
}

static int open_file(int flags)
{
	int fd = open(mounted.file, flags | O_CLOEXEC);

	if (fd < 0)
		die("open");
	return fd;
}

static noreturn void *read_for_ever(void *argument)
{
	char byte;
	int fd = open_file(O_RDONLY);

	(void)argument;
	waiter = thread_id();
	fuse_silence(mounted.server);
	for (;;)
		if (read(fd, &byte, 1) < 0 && errno != EINTR)
			pause();
}

static noreturn void *wait_for_ever(void *argument)
{
	atomic_fetch_add((_Atomic long *)argument, 1);
	for (;;)
		pause();
}

static void no_handler(int number_of_signal)
{
	(void)number_of_signal;
}

/* fuse-sleep: S in request_wait_answer; fuse-d: D, since a signal has come meanwhile. As many other
 * threads as are asked for wait, too. */
static void state_fuse_wait(int argc, char **argv)
{
	static _Atomic long n_waiting;
	long others = number(argc, argv, 1, 0);

	start_with_pattern();
	signal(SIGUSR2, no_handler);
	hostile_thread(read_for_ever, NULL);
	while (!waiter)
		usleep(100);
	hostile_await_wchan(waiter, "request_wait_answer");
	if (strcmp(argv[0], "fuse-d") == 0) {
		syscall(SYS_tgkill, getpid(), waiter, SIGUSR2);
		hostile_await_state(waiter, "D");
	}
	for (long i = 0; i < others; i++)
		hostile_thread(wait_for_ever, &n_waiting);
	while (n_waiting < others) /* a thread begins with all signals blocked */
		usleep(100);
	tell("stuck=%d", (int)waiter);
	tell_thread(1);
	tell_ready();
	park(1);
}

static void *tell_of_exec(void *argument)
{
	(void)argument;
	hostile_await_wchan(getpid(), "request_wait_answer");
	tell_thread(2);
	tell_ready();
	park(2);
}

/* The leader is in execve(2), with cred_guard_mutex held. */
static void state_fuse_exec(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	start_with_pattern();
	close(open_file(O_RDONLY));
	fuse_silence(mounted.server);
	hostile_thread(tell_of_exec, NULL);
	execl(mounted.file, "nothing", NULL);
	die("execl");
}

static char *map_file(int protection, int flags)
{
	int fd = open_file(protection & PROT_WRITE ? O_RDWR : O_RDONLY);
	char *start = mmap(NULL, PAGES * PAGE, protection, flags, fd, 0);

	if (start == MAP_FAILED)
		die("mmap");
	close(fd);
	tell("region=fuse %#lx %#lx -1", (unsigned long)(uintptr_t)start,
		(unsigned long)(uintptr_t)start + PAGES * PAGE);
	return start;
}

/* A private mapping of which one page is there, changed; nobody will ever give the others.
 * Detached: no mount table names the file system any more. */
static void state_fuse_mapping(int argc, char **argv)
{
	char *start;

	(void)argv;
	start_with_pattern();
	start = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);
	fill_pages(start, PAGE);
	posix_fadvise(open_file(O_RDONLY), 0, 0, POSIX_FADV_DONTNEED);
	if (argc > 1 && umount2(mounted.directory, MNT_DETACH) < 0)
		die("umount2");
	fuse_silence(mounted.server);
	tell("page=%#lx data", (unsigned long)(uintptr_t)start);
	tell_thread(1);
	tell_ready();
	park(1);
}

static void *touch_for_ever(void *argument)
{
	waiter = thread_id();
	fuse_silence(mounted.server);
	return (void *)(uintptr_t) * (volatile unsigned char *)argument;
}

/* A thread in a page fault that the server would have to serve. */
static void state_fuse_fault(int argc, char **argv)
{
	char *start;

	(void)argc;
	(void)argv;
	start_with_pattern();
	start = map_file(PROT_READ, MAP_SHARED);
	hostile_thread(touch_for_ever, start + 8 * PAGE);
	while (!waiter)
		usleep(100);
	hostile_await_wchan(waiter, "request_wait_answer");
	tell("stuck=%d", (int)waiter);
	tell_thread(1);
	tell_ready();
	park(1);
}

static noreturn void *touch(void *argument)
{
	volatile unsigned char *page = argument;

	waiter = thread_id();
	(void)*page;
	for (;;)
		pause();
}

/* A thread in a page fault that is answered late. */
static void state_slow_fault(int argc, char **argv)
{
	char *start;

	(void)argc;
	(void)argv;
	start_pattern(fuse_start_slow);
	start = map_file(PROT_READ, MAP_SHARED);
	hostile_thread(touch, start + 8 * PAGE);
	while (!waiter)
		usleep(100);
	hostile_await_state(waiter, "D");
	tell("stuck=%d", (int)waiter);
	tell_thread(1);
	tell_ready();
	park(1);
}

/*
 * A dirty page of a shared mapping is written back when something is mapped over it, with mmap_lock
 * held for writing (fs/fuse/file.c, fuse_vma_close()).
 */
static noreturn void *map_over(void *argument)
{
	waiter = thread_id();
	mmap(argument, PAGES * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	for (;;)
		pause();
}

static void state_fuse_mmap_lock(int argc, char **argv)
{
	char *start;

	(void)argc;
	(void)argv;
	start_with_pattern();
	start = map_file(PROT_READ | PROT_WRITE, MAP_SHARED);
	start[0] = 1;
	mlockall(MCL_CURRENT);
	fuse_silence(mounted.server);
	tell_thread(1);
	tell_ready(); /* no memory is to be had for it later */
	hostile_thread(map_over, start);
	while (!waiter)
		usleep(100);
	hostile_await_state(waiter, "D");
	tell("stuck=%d", (int)waiter);
	park(1);
}

/* The program itself lies on the file system; its pages are all in memory. */
static void state_fuse_exe(int argc, char **argv)
{
	char server[16];

	if (argc > 1) {
		if (mlockall(MCL_CURRENT) < 0)
			cannot("mlockall");
		fuse_silence((pid_t)number(argc, argv, 1, 0));
		tell_thread(1);
		tell_ready();
		park(1);
	}
	fuse_start("/proc/self/exe", &mounted);
	snprintf(server, sizeof(server), "%d", (int)mounted.server);
	execl(mounted.file, "victim", "fuse-exe", server, NULL);
	die("execl");
}

const struct victim_state hostile_fuse_states[] = {
	{"fuse-sleep", "[N]", state_fuse_wait},
	{"fuse-d", "[N]", state_fuse_wait},
	{"fuse-exec", "", state_fuse_exec},
	{"fuse-mapping", "[detached]", state_fuse_mapping},
	{"fuse-fault", "", state_fuse_fault},
	{"slow-fault", "", state_slow_fault},
	{"fuse-mmap-lock", "", state_fuse_mmap_lock},
	{"fuse-exe", "", state_fuse_exe},
	{NULL, NULL, NULL},
};
