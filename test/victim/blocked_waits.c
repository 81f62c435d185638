// SPDX-License-Identifier: MIT
/*
 * Waits for time, signals, locks and children.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blocked.h"
#include "victim.h"

static int ends[2]; /* of a pipe that nobody writes to until waked */
static int epoll_fd;
static int sem_id;
static int lock_fd;
static pid_t child;
static pthread_t waiter;
static uint32_t futex_word;

static void setup_pipe(void)
{
	blocked_pipe(ends);
}

static void wake_pipe(void)
{
	if (write(ends[1], "x", 1) != 1)
		die("write");
}

static long call_nanosleep(void)
{
	struct timespec wait = blocked_timeout();

	return nanosleep(&wait, NULL);
}

/*
 * Whoever makes restart_syscall(2) is killed. Only who is under no filter himself can read one, and
 * see that a sleep must not go on that way.
 */
static void setup_filter(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_restart_syscall, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	if (geteuid() != 0 || prctl(PR_GET_SECCOMP) != 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		cannot("seccomp");
}

static long call_clock_nanosleep(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += blocked_seconds;
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static long call_poll(void)
{
	struct pollfd item = {ends[0], POLLIN, 0};

	return poll(&item, 1, (int)blocked_seconds * 1000);
}

static long call_poll_ever(void)
{
	struct pollfd item = {ends[0], POLLIN, 0};

	return poll(&item, 1, -1);
}

static long call_ppoll(void)
{
	struct pollfd item = {ends[0], POLLIN, 0};
	struct timespec wait = blocked_timeout();

	return ppoll(&item, 1, &wait, NULL);
}

static long call_select(void)
{
	struct timeval wait = {.tv_sec = blocked_seconds};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	return select(ends[0] + 1, &set, NULL, NULL, &wait);
}

static long call_pselect(void)
{
	struct timespec wait = blocked_timeout();
	fd_set set;

	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	return pselect(ends[0] + 1, &set, NULL, NULL, &wait, NULL);
}

static void setup_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN};

	setup_pipe();
	epoll_fd = epoll_create1(0);
	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ends[0], &event) < 0)
		die("epoll");
}

static long call_epoll_wait(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_fd, &event, 1, (int)blocked_seconds * 1000);
}

static long call_epoll_ever(void)
{
	struct epoll_event event;

	return epoll_wait(epoll_fd, &event, 1, -1);
}

static long call_epoll_pwait(void)
{
	struct epoll_event event;
	sigset_t none;

	sigemptyset(&none);
	return epoll_pwait(epoll_fd, &event, 1, (int)blocked_seconds * 1000, &none);
}

/* A signal comes while it waits, and no earlier. */
static long call_epoll_pwait_signal(void)
{
	struct epoll_event event;
	sigset_t none;

	sigemptyset(&none);
	return epoll_pwait(epoll_fd, &event, 1, -1, &none);
}

static long call_epoll_pwait2(void)
{
	struct epoll_event event;
	struct timespec wait = blocked_timeout();

	return epoll_pwait2(epoll_fd, &event, 1, &wait, NULL);
}

static void setup_sem(void)
{
	sem_id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	if (sem_id < 0)
		die("semget");
	tell("sem=%d", sem_id); /* to be removed by the test if we are killed */
}

static void wake_sem(void)
{
	struct sembuf up = {0, 1, 0};

	semop(sem_id, &up, 1);
}

static long call_semop(void)
{
	struct sembuf down = {0, -1, 0};
	long result = semop(sem_id, &down, 1);
	int error = errno;

	semctl(sem_id, 0, IPC_RMID);
	errno = error;
	return result;
}

static long call_semtimedop(void)
{
	struct sembuf down = {0, -1, 0};
	struct timespec wait = blocked_timeout();
	long result = semtimedop(sem_id, &down, 1, &wait);
	int error = errno;

	semctl(sem_id, 0, IPC_RMID);
	errno = error;
	return result;
}

static sigset_t one_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return set;
}

static void no_handler(int signal)
{
	(void)signal;
}

static void setup_signal(void)
{
	struct sigaction action = {.sa_handler = no_handler};

	waiter = pthread_self();
	sigaction(SIGUSR1, &action, NULL);
}

static void setup_blocked_signal(void)
{
	sigset_t set = one_signal();

	setup_signal();
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void setup_epoll_signal(void)
{
	setup_epoll();
	setup_blocked_signal();
}

static void wake_signal(void)
{
	pthread_kill(waiter, SIGUSR1);
}

static long call_sigtimedwait(void)
{
	struct timespec wait = blocked_timeout();
	sigset_t set = one_signal();

	return sigtimedwait(&set, NULL, &wait);
}

static long call_sigwaitinfo(void)
{
	sigset_t set = one_signal();

	return sigwaitinfo(&set, NULL);
}

static long call_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	return sigsuspend(&none);
}

static long call_pause(void)
{
	return pause();
}

static long futex(int operation, uint32_t value, const struct timespec *wait)
{
	return syscall(
		SYS_futex, &futex_word, operation, value, wait, NULL, FUTEX_BITSET_MATCH_ANY);
}

static long call_futex(void)
{
	return futex(FUTEX_WAIT, 0, NULL);
}

/* syscall(2) passes the timespec as this C library has it, which fits the plain call. */
static long call_futex_timed(void)
{
	struct timespec wait = blocked_timeout();

	return futex(FUTEX_WAIT, 0, &wait);
}

static long call_futex_bitset(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += blocked_seconds;
	return futex(FUTEX_WAIT_BITSET, 0, &until);
}

static long call_futex_waitv(void)
{
	struct futex_waitv waiter_at = {
		.uaddr = (uint64_t)(uintptr_t)&futex_word, .flags = FUTEX_32};
	struct timespec now;
	struct {
		int64_t seconds, nanoseconds; /* of either size of word */
	} until;

	clock_gettime(CLOCK_MONOTONIC, &now);
	until.seconds = now.tv_sec + blocked_seconds;
	until.nanoseconds = now.tv_nsec;
	return syscall(SYS_futex_waitv, &waiter_at, 1, 0, &until, CLOCK_MONOTONIC);
}

static void wake_futex(void)
{
	futex(FUTEX_WAKE, 1, NULL);
}

static void setup_child(void)
{
	pid_t parent = getpid();

	setup_pipe();
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		char byte;

		die_with_parent(parent);
		_exit(read(ends[0], &byte, 1) == 1 ? 5 : 6);
	}
}

static long call_wait4(void)
{
	int status;

	return waitpid(child, &status, 0) == child ? status >> 8 : -1;
}

static long call_wait4_all(void)
{
	int status;

	return waitpid(-1, &status, __WALL) == child ? status >> 8 : -1;
}

static long call_waitid(void)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)child, &info, WEXITED) == 0 ? info.si_status : -1;
}

static int lock_file(void)
{
	char path[] = "victim-lock-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		die("mkstemp");
	lock_fd = open(path, O_RDWR | O_CLOEXEC);
	unlink(path);
	return fd;
}

static void setup_flock(void)
{
	flock(ends[0] = lock_file(), LOCK_EX);
}

static long call_flock(void)
{
	return flock(lock_fd, LOCK_EX);
}

static void wake_flock(void)
{
	flock(ends[0], LOCK_UN);
}

static void setup_ofd_lock(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	ends[0] = lock_file();
	if (fcntl(ends[0], F_OFD_SETLK, &lock) < 0)
		die("F_OFD_SETLK");
}

static long call_ofd_lock(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(lock_fd, F_OFD_SETLKW, &lock);
}

static void wake_ofd_lock(void)
{
	struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	fcntl(ends[0], F_OFD_SETLK, &lock);
}

const struct blocked_call blocked_waits[] = {
	{"nanosleep", NULL, call_nanosleep, NULL, 0, 0},
	{"nanosleep-filtered", setup_filter, call_nanosleep, NULL, 0, 0},
	{"clock_nanosleep", NULL, call_clock_nanosleep, NULL, 0, 0},
	{"poll", setup_pipe, call_poll, NULL, 0, 0},
	{"poll-ever", setup_pipe, call_poll_ever, wake_pipe, 1, 0},
	{"ppoll", setup_pipe, call_ppoll, NULL, 0, 0},
	{"select", setup_pipe, call_select, NULL, 0, 0},
	{"pselect", setup_pipe, call_pselect, NULL, 0, 0},
	{"epoll_wait", setup_epoll, call_epoll_wait, NULL, 0, 0},
	{"epoll_wait-ever", setup_epoll, call_epoll_ever, wake_pipe, 1, 0},
	{"epoll_pwait", setup_epoll, call_epoll_pwait, NULL, 0, 0},
	{"epoll_pwait-signal", setup_epoll_signal, call_epoll_pwait_signal, wake_signal, -1, EINTR},
	{"epoll_pwait2", setup_epoll, call_epoll_pwait2, NULL, 0, 0},
	{"semop", setup_sem, call_semop, wake_sem, 0, 0},
	{"semtimedop", setup_sem, call_semtimedop, NULL, -1, EAGAIN},
	{"sigtimedwait", setup_blocked_signal, call_sigtimedwait, NULL, -1, EAGAIN},
	{"sigwaitinfo", setup_blocked_signal, call_sigwaitinfo, wake_signal, SIGUSR1, 0},
	{"sigsuspend", setup_signal, call_sigsuspend, wake_signal, -1, EINTR},
	{"pause", setup_signal, call_pause, wake_signal, -1, EINTR},
	{"futex", NULL, call_futex, wake_futex, 0, 0},
	{"futex-timed", NULL, call_futex_timed, NULL, -1, ETIMEDOUT},
	{"futex-bitset", NULL, call_futex_bitset, NULL, -1, ETIMEDOUT},
	{"futex_waitv", NULL, call_futex_waitv, NULL, -1, ETIMEDOUT},
	{"wait4", setup_child, call_wait4, wake_pipe, 5, 0},
	{"wait4-all", setup_child, call_wait4_all, wake_pipe, 5, 0},
	{"waitid", setup_child, call_waitid, wake_pipe, 5, 0},
	{"flock", setup_flock, call_flock, wake_flock, 0, 0},
	{"ofd-lock", setup_ofd_lock, call_ofd_lock, wake_ofd_lock, 0, 0},
	{NULL, NULL, NULL, NULL, 0, 0},
};
