// SPDX-License-Identifier: MIT
/*
 * Features of the kernel by which a process hears of what others do with it, or holds them up.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile.h"
#include "victim.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

enum {
	PAGE = 4096,
	FILE_PAGES = 16,
	DISPATCH_ON = 1,
	SIGNAL_ALL = 1
};

/* ---- syscall user dispatch ---- */

static volatile char selector;
static volatile uint64_t turns;

static void dispatch(void)
{
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, DISPATCH_ON, 0, 0, &selector) < 0)
		cannot("PR_SET_SYSCALL_USER_DISPATCH");
}

/* Every system call of the leader would be SIGSYS, and its end. */
static void state_dispatch(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	tell("counter=%#lx", (unsigned long)(uintptr_t)&turns);
	dispatch();
	tell_ready();
	selector = SIGNAL_ALL;
	for (;;)
		turns++;
}

static pid_t waiter;

/* As soon as the leader waits. */
static void *switch_on(void *argument)
{
	(void)argument;
	while (!turns)
		usleep(100);
	hostile_await_state(waiter, "S");
	selector = SIGNAL_ALL;
	tell_ready();
	for (;;)
		pause();
	return NULL;
}

/* The leader waits in a call that ends with EINTR after any stop, and made once more would be
 * SIGSYS. Then it waits without. */
static void state_dispatch_wait(int argc, char **argv)
{
	int epoll = epoll_create1(0);
	struct epoll_event event;

	(void)argc;
	(void)argv;
	waiter = thread_id();
	hostile_thread(switch_on, NULL);
	dispatch();
	turns = 1;
	do {
		epoll_wait(epoll, &event, 1, -1);
		selector = 0;
	} while (errno == EINTR);
}

/* ---- a fork that has to be told ---- */

/* Under a userfaultfd that wants to hear of forks, and that nobody reads. */
static void state_uffd_fork(int argc, char **argv)
{
	struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_EVENT_FORK};
	uint8_t *memory =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register area = {
		.range = {(uintptr_t)memory, PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	(void)argc;
	(void)argv;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &area) < 0)
		cannot("UFFD_FEATURE_EVENT_FORK");
	tell_thread(1);
	tell_ready();
	park(1);
}

/* ---- files ---- */

/* A file in the current directory that begins like an ELF file; mapped, and never touched there. */
static int map_file(const char *name)
{
	static uint8_t content[FILE_PAGES * PAGE];
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	uint8_t *start;

	if (fd < 0)
		die(name);
	memcpy(content, "\177ELF", 4);
	if (write(fd, content, sizeof(content)) != sizeof(content))
		die("write");
	start = mmap(NULL, sizeof(content), PROT_READ, MAP_PRIVATE, fd, 0);
	if (start == MAP_FAILED)
		die("mmap");
	return fd;
}

/* Who opens the file lets SIGIO come, which stays pending. */
static void state_leased(int argc, char **argv)
{
	int fd = map_file("leased");
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		cannot("F_SETLEASE");
	if (argc > 1 && strcmp(argv[1], "deleted") == 0 && unlink("leased") < 0)
		die("unlink");
	tell_thread(1);
	tell_ready();
	park(1);
}

/* Each open of a file waits for an answer of ours, which never comes. */
static void hold_opens(const char *name)
{
	int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);

	if (group < 0 || fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, name) < 0)
		cannot("fanotify");
}

static void state_fanotify_mapped(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	close(map_file("guarded"));
	hold_opens("guarded");
	tell_thread(1);
	tell_ready();
	park(1);
}

/* The same, and each time the answer is that it may be opened. */
static void state_fanotify_answers(int argc, char **argv)
{
	struct fanotify_event_metadata event;
	int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);

	(void)argc;
	(void)argv;
	close(map_file("guarded"));
	if (group < 0 || fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "guarded") < 0)
		cannot("fanotify");
	tell_ready();
	while (read(group, &event, sizeof(event)) == sizeof(event)) {
		struct fanotify_response answer = {event.fd, FAN_ALLOW};

		if (write(group, &answer, sizeof(answer)) != sizeof(answer))
			die("answer");
		close(event.fd);
	}
}

/* The program must be a copy of ours alone: nobody else can start it any more. */
static void state_fanotify_exe(int argc, char **argv)
{
	char path[4096];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

	(void)argc;
	(void)argv;
	path[size < 0 ? 0 : size] = 0;
	hold_opens(path);
	tell_thread(1);
	tell_ready();
	park(1);
}

/* ---- code of the other size of word ---- */

#if defined(__x86_64__)
#define OTHER_SEGMENT 0x23
#define OTHER_CODE 0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7 /* pause(2) by int 0x80, for ever */
#define JUMP "mov %1, %%rsp\n\tljmp *(%0)"
#elif defined(__i386__)
#define OTHER_SEGMENT 0x33
#define OTHER_CODE 0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7 /* the same by syscall */
#define JUMP "mov %1, %%esp\n\tljmp *(%0)"
#endif

#ifdef JUMP
static volatile pid_t stranger;

/* Told is where it waits. */
static void *go_there(void *argument)
{
	static const uint8_t code[] = {OTHER_CODE};
	uint8_t *area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct {
		uint32_t ip;
		uint16_t cs;
	} __attribute__((packed)) far = {(uint32_t)(uintptr_t)area, OTHER_SEGMENT};

	if (area == MAP_FAILED)
		die("mmap");
	memcpy(area, code, sizeof(code));
	tell("stranger=%d %#lx", (int)thread_id(), (unsigned long)(uintptr_t)(area + 7));
	if (argument)
		tell_ready();
	stranger = thread_id();
	__asm__ volatile(JUMP ::"r"(&far), "r"(area + 2 * PAGE - 64) : "memory");
	return NULL;
}

/* A thread runs 32-bit code in a 64-bit program, or the other way round; and the leader too. */
static void state_other_code(int argc, char **argv)
{
	hostile_thread(go_there, NULL);
	while (!stranger)
		usleep(100);
	hostile_await_state(stranger, "S");
	if (argc > 1 && strcmp(argv[1], "leader") == 0)
		go_there(argv);
	tell_thread(1);
	tell_ready();
	park(1);
}
#else
static void state_other_code(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	errno = ENOSYS;
	cannot("code of another size of word");
}
#endif

const struct victim_state hostile_kernel_states[] = {
	{"dispatch", "", state_dispatch},
	{"dispatch-wait", "", state_dispatch_wait},
	{"uffd-fork", "", state_uffd_fork},
	{"leased", "[deleted]", state_leased},
	{"fanotify-mapped", "", state_fanotify_mapped},
	{"fanotify-answers", "", state_fanotify_answers},
	{"fanotify-exe", "", state_fanotify_exe},
	{"other-code", "[leader]", state_other_code},
	{NULL, NULL, NULL},
};
