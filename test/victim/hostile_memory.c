// SPDX-License-Identifier: MIT
/*
 * Memory that is a trap for who reads it: pages that nobody serves, pages that go away while they
 * are read, memory that even the kernel may not read, and more of everything than is usual.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile.h"
#include "victim.h"

enum {
	PAGE = 4096,
	LONG_STRING = 100 * 1024, /* below the kernel's MAX_ARG_STRLEN of 128 KiB */
	LONG_NAME = 250,
	MAX_STRINGS = 64
};

static int watch_missing(void *start, size_t size)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register area = {
		.range = {(uint64_t)(uintptr_t)start, size},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0)
		cannot("userfaultfd");
	if (ioctl(fd, UFFDIO_REGISTER, &area) < 0)
		cannot("UFFDIO_REGISTER");
	return fd;
}

static char *map_private(size_t size)
{
	char *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		die("mmap");
	return start;
}

static volatile pid_t waiter;

static void *touch(void *argument)
{
	waiter = thread_id();
	return (void *)(uintptr_t) * (volatile unsigned char *)argument;
}

/* A thread in a page fault that nobody ever serves. */
static void state_uffd_fault(int argc, char **argv)
{
	char *start = map_private(4 * PAGE);

	(void)argc;
	(void)argv;
	watch_missing(start, 4 * PAGE);
	hostile_thread(touch, start + PAGE);
	while (!waiter)
		usleep(100);
	hostile_await_wchan(waiter, "handle_userfault");
	tell("stuck=%d", (int)waiter);
	tell_thread(1);
	tell_ready();
	park(1);
}

static char *strings_start, *strings_end;

/* In a thread, since the leader's stack is what goes away. */
static void *hide_strings(void *argument)
{
	size_t size = (size_t)(strings_end - strings_start);

	(void)argument;
	tell_thread(2);
	tell_ready();
	watch_missing(strings_start, size);
	if (madvise(strings_start, size, MADV_DONTNEED) < 0)
		die("MADV_DONTNEED");
	tell("hidden=1");
	for (;;)
		pause();
}

/* Arguments and environment lie under a userfaultfd: who reads cmdline or environ hangs. */
static void state_uffd_args(int argc, char **argv)
{
	extern char **environ;
	char *last = argv[argc - 1];

	for (char **entry = environ; *entry; entry++)
		last = *entry > last ? *entry : last;
	strings_start = (char *)((uintptr_t)argv[-1] & ~(uintptr_t)(PAGE - 1));
	strings_end = last + strlen(last);
	strings_end = (char *)(((uintptr_t)strings_end + PAGE) & ~(uintptr_t)(PAGE - 1));
	hostile_thread(hide_strings, NULL);
	park(1);
}

/* Memory that the kernel itself has no mapping of. */
static void state_secret(int argc, char **argv)
{
	int fd = (int)syscall(447, 0); /* memfd_secret */
	char *start;

	(void)argc;
	(void)argv;
	if (fd < 0 || ftruncate(fd, 4 * PAGE) < 0)
		cannot("memfd_secret");
	start = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (start == MAP_FAILED)
		cannot("mmap of memfd_secret");
	fill_pages(start, 4 * PAGE);
	tell("region=secret %#lx %#lx 0", (unsigned long)(uintptr_t)start,
		(unsigned long)(uintptr_t)start + 4 * PAGE);
	tell_thread(1);
	tell_ready();
	park(1);
}

/* So many mappings: every second page has another protection. */
static void state_vmas(int argc, char **argv)
{
	size_t wanted = (size_t)number(argc, argv, 1, 60000);
	char *start = map_private(wanted * PAGE);
	size_t made = 0;

	memset(start, 1, PAGE);
	for (size_t i = 1; i < wanted; i += 2) {
		if (mprotect(start + i * PAGE, PAGE, PROT_READ) < 0)
			break;
		made += 2;
	}
	tell("mappings=%zu", made);
	tell_thread(1);
	tell_ready();
	park(1);
}

/* A mapped file at the end of so long a path that no system call takes it. */
static void state_deep_name(int argc, char **argv)
{
	size_t wanted = (size_t)number(argc, argv, 1, 128) * 1024;
	char name[LONG_NAME + 1];
	char *start;
	int fd;

	memset(name, 'n', LONG_NAME);
	name[LONG_NAME] = 0;
	for (size_t length = 0; length < wanted; length += LONG_NAME + 1)
		if (mkdir(name, 0755) < 0 || chdir(name) < 0)
			cannot("mkdir");
	fd = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || ftruncate(fd, PAGE) < 0)
		die("open");
	start = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (start == MAP_FAILED)
		die("mmap");
	fill_pages(start, PAGE);
	tell("page=%#lx data", (unsigned long)(uintptr_t)start);
	tell_thread(1);
	tell_ready();
	park(1);
}

/* So much environment, in a second life. */
static void state_environment(int argc, char **argv)
{
	size_t wanted = (size_t)number(argc, argv, 1, 4096) * 1024;
	struct rlimit room = {64 << 20, 64 << 20};
	char *strings[MAX_STRINGS + 1] = {NULL};
	const char *words[] = {"victim", "sleeping", NULL};
	size_t count = wanted / LONG_STRING + 1;

	if (setrlimit(RLIMIT_STACK, &room) < 0)
		cannot("RLIMIT_STACK");
	for (size_t i = 0; i < count && i < MAX_STRINGS; i++) {
		strings[i] = malloc(LONG_STRING);
		if (!strings[i])
			die("malloc");
		memset(strings[i], 'e', LONG_STRING - 1);
		memcpy(strings[i], "E=\033", 3);
		strings[i][LONG_STRING - 1] = 0;
	}
	execve("/proc/self/exe", (char **)words, strings);
	cannot("execve with so much environment");
}

/* Stack of a process that shares our memory without being a thread. */
static char partner_stack[64 * 1024] __attribute__((aligned(16)));
static volatile uint64_t turns;

enum {
	RUG_PAGES = 256
};

static char *rug;

/* Pulls the rug while it is read: unmaps it, maps other things over it, forbids it. */
static noreturn int pull_rug(void *argument)
{
	static const int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
	size_t size = RUG_PAGES * PAGE;

	(void)argument;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;; turns++) {
		size_t half = size / 2;

		munmap(rug + (turns % 2 ? half : 0), half);
		mmap(rug, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
		memset(rug, (int)turns, size);
		mprotect(rug + half, half, protections[turns % 3]);
		madvise(rug, half / 2, MADV_DONTNEED);
	}
}

static void state_rug(int argc, char **argv)
{
	pid_t partner;

	(void)argc;
	(void)argv;
	rug = map_private(RUG_PAGES * PAGE);
	partner = clone(pull_rug, partner_stack + sizeof(partner_stack), CLONE_VM | SIGCHLD, NULL);
	if (partner < 0)
		die("clone");
	tell("partner=%d", (int)partner);
	tell("counter=%#lx", (unsigned long)(uintptr_t)&turns);
	tell_thread(1);
	tell_ready();
	park(1);
}

enum {
	TRAP_PAGES = 16384,
	OPEN_USEC = 5000,
	SHUT_MSEC = 3
};

static char *trap;

/* The first page fault that nobody serves is the last. */
static void keep_if_caught(int fd)
{
	struct pollfd caught = {.fd = fd, .events = POLLIN};

	while (poll(&caught, 1, SHUT_MSEC) > 0) {
		turns = UINT64_MAX;
		pause();
	}
}

/* Memory that is there when it is listed and gone when it is read: only who reads at the wrong
 * moment is caught, and waits for ever. */
static noreturn int set_trap(void *argument)
{
	size_t size = (size_t)TRAP_PAGES * PAGE;

	(void)argument;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;; turns++) {
		int fd;

		memset(trap, 1, size);
		usleep(OPEN_USEC);
		fd = watch_missing(trap, size);
		madvise(trap, size, MADV_DONTNEED);
		keep_if_caught(fd);
		close(fd);
	}
}

static void state_uffd_trap(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	trap = map_private((size_t)TRAP_PAGES * PAGE);
	if (clone(set_trap, partner_stack + sizeof(partner_stack), CLONE_VM | SIGCHLD, NULL) < 0)
		die("clone");
	tell("counter=%#lx", (unsigned long)(uintptr_t)&turns);
	tell_thread(1);
	tell_ready();
	park(1);
}

const struct victim_state hostile_memory_states[] = {
	{"uffd-fault", "", state_uffd_fault},
	{"uffd-args", "", state_uffd_args},
	{"secret", "", state_secret},
	{"vmas", "[N]", state_vmas},
	{"deep-name", "[KIBIBYTES]", state_deep_name},
	{"environment", "[KIBIBYTES]", state_environment},
	{"rug", "", state_rug},
	{"uffd-trap", "", state_uffd_trap},
	{NULL, NULL, NULL},
};
