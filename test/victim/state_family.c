// SPDX-License-Identifier: MIT
/*
 * Parents, children, tracers, and processes that do not stay what they are.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"
#include "victim.h"

static volatile uint64_t counter;

static void tell_counter(void)
{
	tell("counter=%#lx", (unsigned long)(uintptr_t)&counter);
}

static pid_t fork_bound(void)
{
	pid_t parent = getpid(), child = fork();

	if (child < 0)
		die("fork");
	if (child == 0)
		die_with_parent(parent);
	return child;
}

static void state_zombie(int argc, char **argv)
{
	pid_t child = fork_bound();
	siginfo_t info;

	(void)argc;
	(void)argv;
	if (child == 0)
		_exit(0);
	if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) < 0)
		die("waitid");
	tell("zombie=%d", (int)child);
	tell_ready();
	park(1);
}

static volatile uint64_t n_sigchld;

static void count_sigchld(int signal)
{
	(void)signal;
	n_sigchld++;
}

/* The state is entered by a child; the parent counts what it is told about it. */
static void state_parent(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = count_sigchld};
	pid_t child;

	sigaction(SIGCHLD, &action, NULL);
	tell("parent=%d", (int)getpid());
	tell("sigchld=%#lx", (unsigned long)(uintptr_t)&n_sigchld);
	child = fork_bound();
	if (child == 0)
		victim_run(argc - 1, argv + 1);
	for (;;)
		pause();
}

/* execve(2) of ourselves, for ever. Only the first says READY. */
static void state_exec_loop(int argc, char **argv)
{
	char turn[32];
	long n = number(argc, argv, 1, 0);

	if (n == 0)
		tell_ready();
	snprintf(turn, sizeof(turn), "%ld", n + 1);
	execl("/proc/self/exe", "victim", "exec-loop", turn, NULL);
	die("exec");
}

static void *execute(void *next_turn)
{
	execl("/proc/self/exe", "victim", "exec-thread", (char *)next_turn, NULL);
	die("exec");
}

/* The same by a thread that is not the leader, which it becomes. */
static void state_exec_thread(int argc, char **argv)
{
	static char turn[32];
	long n = number(argc, argv, 1, 0);
	pthread_t thread;

	if (n == 0)
		tell_ready();
	snprintf(turn, sizeof(turn), "%ld", n + 1);
	if (pthread_create(&thread, NULL, execute, turn) != 0)
		die("pthread_create");
	for (;;)
		pause();
}

static void state_fork_loop(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	tell_counter();
	tell_ready();
	for (;; counter++) {
		pid_t child = fork_bound();

		if (child == 0)
			_exit(0);
		waitpid(child, NULL, 0);
	}
}

static noreturn void wait_in_vfork(void)
{
	pid_t parent = getpid(), child;

	tell_thread(1);
	tell_ready();
	child = vfork();
	if (child == 0) {
		die_with_parent(parent);
		await_command();
		_exit(0);
	}
	tell("vfork=%d", (int)child);
	park(1);
}

/* The parent sits in vfork(2), in a killable D state, until the child hears a line or EOF. */
static void state_vfork_parent(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	wait_in_vfork();
}

static void *park_beside(void *told)
{
	tell_thread(2);
	sem_post(told);
	park(2);
}

/* The same beside a thread that waits for nothing. */
static void state_vfork_thread(int argc, char **argv)
{
	pthread_t thread;
	sem_t told;

	(void)argc;
	(void)argv;
	sem_init(&told, 0, 0);
	if (pthread_create(&thread, NULL, park_beside, &told) != 0)
		die("pthread_create");
	sem_wait(&told);
	wait_in_vfork();
}

/* Our own child traces us, as anti-debugging does. */
static void state_self_traced(int argc, char **argv)
{
	pid_t parent = getpid(), child;
	int ready[2];
	char byte;

	(void)argc;
	(void)argv;
	if (pipe(ready) < 0)
		die("pipe");
	child = fork_bound();
	if (child == 0) {
		if (ptrace(PTRACE_SEIZE, parent, 0, 0) < 0)
			cannot("PTRACE_SEIZE");
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;) {
			int status;
			pid_t pid = waitpid(parent, &status, __WALL);

			if (pid == parent && WIFSTOPPED(status))
				ptrace(PTRACE_CONT, parent, 0, status >> 16 ? 0 : WSTOPSIG(status));
		}
	}
	if (read(ready[0], &byte, 1) != 1)
		die("tracer");
	tell("tracer=%d", (int)child);
	tell_thread(1);
	tell_ready();
	park(1);
}

/* In a pid namespace of its own, where its pid is 1; ids are told as seen inside. */
static void state_pidns(int argc, char **argv)
{
	pid_t child;

	if (unshare(CLONE_NEWPID) < 0)
		cannot("unshare(CLONE_NEWPID)");
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		victim_run(argc - 1, argv + 1);
	}
	tell("outer=%d", (int)child);
	waitpid(child, NULL, 0);
}

/* A process that shares our memory but is not a thread of ours. */
static noreturn int partner(void *argument)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (argument)
		pause();
	for (;;)
		counter++;
}

static void state_clone_vm(int argc, char **argv)
{
	size_t size = 64 * 1024;
	char *stack = malloc(size), *asleep = argc > 1 ? argv[1] : NULL;
	pid_t child = stack ? clone(partner, stack + size, CLONE_VM | SIGCHLD, asleep) : -1;

	if (child < 0)
		die("clone");
	if (asleep)
		hostile_await_child(child, "S");
	tell("partner=%d", (int)child);
	tell_counter();
	tell_thread(1);
	tell_ready();
	park(1);
}

/* A child that comes out of a thread which is not the leader: pr_ppid of a core is its tid. */
static void *fork_in_thread(void *argument)
{
	pid_t child = fork();

	(void)argument;
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		tell_thread(1);
		tell_ready();
		park(1);
	}
	tell("child=%d", (int)child);
	tell("forker=%d", (int)thread_id());
	for (;;)
		pause();
}

static void state_thread_child(int argc, char **argv)
{
	pthread_t thread;

	(void)argc;
	(void)argv;
	if (pthread_create(&thread, NULL, fork_in_thread, NULL) != 0)
		die("pthread_create");
	for (;;)
		pause();
}

const struct victim_state family_states[] = {
	{"zombie", "", state_zombie},
	{"parent", "STATE...", state_parent},
	{"exec-loop", "", state_exec_loop},
	{"exec-thread", "", state_exec_thread},
	{"fork-loop", "", state_fork_loop},
	{"vfork-parent", "", state_vfork_parent},
	{"vfork-thread", "", state_vfork_thread},
	{"self-traced", "", state_self_traced},
	{"pidns", "STATE...", state_pidns},
	{"clone-vm", "[asleep]", state_clone_vm},
	{"thread-child", "", state_thread_child},
	{NULL, NULL, NULL},
};
