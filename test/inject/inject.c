// SPDX-License-Identifier: MIT
/*
 * Run a program, and at one chosen system call of one of its processes do it some harm:
 *
 *	inject ROLE CALL ACTION VALUE PROGRAM [ARGUMENT]...
 *
 * ROLE is the number of the process or thread in the order of their making (0: the program itself);
 * CALL counts its system calls from 0. ACTION is
 *
 *	list		harm nobody; print a line "ROLE CALL NUMBER TEXT" for each call, where TEXT
 *			is the path of an openat(2), or the file that a pread64(2) reads
 *	signal VALUE	a signal comes as the call begins
 *	error VALUE	the call is not made and fails with this errno
 *	short VALUE	its third argument, a size or a count, becomes VALUE if it is larger
 *	kill VALUE	process VALUE is killed, and given the time to die, before the call begins
 *	block		the call never returns; CALL counts only those that ask for memory:
 *			process_vm_readv(2), and pread64(2) of /proc/PID/mem
 *	hang		the call, whichever it is, never returns
 *
 * The exit status is that of the program (128 + signal if it was killed). "fired=NUMBER" on file
 * descriptor 9 says which call was harmed; without a NUMBER it never came. Everything is traced to
 * its end; a process that does not end is killed after LIFE seconds; with list and
 * hang, which others wait for, after LONG_LIFE.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MAX_TASKS = 64,
	THREADS = 100, /* the role of the first thread: processes are counted by themselves */
	LIFE = 40,
	LONG_LIFE = 220,
	RESULTS = 9,
	DYING_US = 20 * 1000,
	OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		  PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL
};

enum action {
	LIST,
	SIGNAL,
	ERROR,
	SHORT,
	KILL,
	BLOCK,
	HANG
};

static const char *const action_names[] = {
	"list", "signal", "error", "short", "kill", "block", "hang"};

/* @role: -1 until its parent has told of it; @parked: it waits for that */
struct task {
	pid_t tid;
	int role;
	long calls;
	bool inside, parked, failing;
};

struct run {
	int role;
	long call;
	enum action action;
	long value;
	bool fired;
	long harmed; /* the number of the call */
	int n_roles, n_threads;
	struct task tasks[MAX_TASKS];
	size_t n_tasks;
	FILE *results;
};

static struct run *the_run; /* for the alarm, which has to end everything */

static struct task *find_task(struct run *run, pid_t tid)
{
	for (size_t i = 0; i < run->n_tasks; i++)
		if (run->tasks[i].tid == tid)
			return &run->tasks[i];
	if (run->n_tasks == MAX_TASKS)
		exit(99);
	run->tasks[run->n_tasks] = (struct task){.tid = tid, .role = -1};
	return &run->tasks[run->n_tasks++];
}

static void resume(pid_t tid, int signal_number)
{
	ptrace(PTRACE_SYSCALL, tid, 0, (void *)(long)signal_number);
}

static void read_path(pid_t tid, uint64_t address, char *path, size_t size)
{
	size_t at = 0;

	while (at + sizeof(long) < size) {
		errno = 0;
		long word = ptrace(PTRACE_PEEKDATA, tid, (void *)(uintptr_t)(address + at), 0);

		if (errno)
			break;
		memcpy(path + at, &word, sizeof(word));
		if (memchr(&word, 0, sizeof(word)))
			return;
		at += sizeof(word);
	}
	path[at] = 0;
}

static void read_file_name(pid_t tid, int fd, char *name, size_t size)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", tid, fd);
	n = readlink(link, name, size - 1);
	name[n < 0 ? 0 : n] = 0;
}

static bool asks_for_memory(pid_t tid, const struct user_regs_struct *registers)
{
	static const char mem[] = "/mem";
	char name[128];
	size_t length;

	if (registers->orig_rax != SYS_pread64)
		return registers->orig_rax == SYS_process_vm_readv;
	read_file_name(tid, (int)registers->rdi, name, sizeof(name));
	length = strlen(name);
	return length >= strlen(mem) && strcmp(name + length - strlen(mem), mem) == 0;
}

static void list_call(
	struct run *run, const struct task *task, const struct user_regs_struct *registers)
{
	char path[128] = "";

	if (registers->orig_rax == SYS_openat)
		read_path(task->tid, registers->rsi, path, sizeof(path));
	else if (registers->orig_rax == SYS_pread64)
		read_file_name(task->tid, (int)registers->rdi, path, sizeof(path));
	for (char *at = path; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	fprintf(run->results, "%d %ld %lld %s\n", task->role, task->calls,
		(long long)registers->orig_rax, path);
}

static void do_harm(struct run *run, struct task *task, struct user_regs_struct *registers)
{
	run->fired = true;
	run->harmed = (long)registers->orig_rax;
	if (run->action == SIGNAL) {
		syscall(SYS_tgkill, task->tid, task->tid, (int)run->value);
	} else if (run->action == KILL) {
		kill((pid_t)run->value, SIGKILL);
		usleep(DYING_US);
	} else if (run->action == BLOCK || run->action == HANG) {
		registers->orig_rax = SYS_pause;
		ptrace(PTRACE_SETREGS, task->tid, 0, registers);
	} else if (run->action == ERROR) {
		registers->orig_rax = (unsigned long long)-1;
		task->failing = true;
		ptrace(PTRACE_SETREGS, task->tid, 0, registers);
	} else if (registers->rdx > (unsigned long long)run->value) {
		registers->rdx = (unsigned long long)run->value;
		ptrace(PTRACE_SETREGS, task->tid, 0, registers);
	}
}

static void begin_call(struct run *run, struct task *task)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, task->tid, 0, &registers) < 0)
		return;
	if (run->action == BLOCK && !asks_for_memory(task->tid, &registers))
		return;
	if (run->action == LIST)
		list_call(run, task, &registers);
	else if (task->role == run->role && task->calls == run->call)
		do_harm(run, task, &registers);
	task->calls++;
}

static void end_call(struct run *run, struct task *task)
{
	struct user_regs_struct registers;

	if (!task->failing || ptrace(PTRACE_GETREGS, task->tid, 0, &registers) < 0)
		return;
	task->failing = false;
	registers.rax = (unsigned long long)-run->value;
	ptrace(PTRACE_SETREGS, task->tid, 0, &registers);
}

/* A new task may stop before its maker tells of it. */
static void name_child(struct run *run, pid_t parent, int event)
{
	unsigned long tid = 0;
	struct task *child;

	ptrace(PTRACE_GETEVENTMSG, parent, 0, &tid);
	child = find_task(run, (pid_t)tid);
	child->role = event == PTRACE_EVENT_CLONE ? THREADS + run->n_threads++ : run->n_roles++;
	if (child->parked)
		resume(child->tid, 0);
	child->parked = false;
}

static void hear_stop(struct run *run, struct task *task, int status)
{
	int number = WSTOPSIG(status), event = status >> 16;

	if (task->role < 0) {
		task->parked = true;
		return;
	}
	if (number == (SIGTRAP | 0x80)) {
		if (task->inside)
			end_call(run, task);
		else
			begin_call(run, task);
		task->inside = !task->inside;
		resume(task->tid, 0);
	} else if (event == PTRACE_EVENT_STOP) {
		resume(task->tid, 0);
	} else if (event) {
		name_child(run, task->tid, event);
		resume(task->tid, 0);
	} else {
		resume(task->tid, number);
	}
}

static void kill_all(int number)
{
	(void)number;
	for (size_t i = 0; i < the_run->n_tasks; i++)
		if (the_run->tasks[i].tid)
			kill(the_run->tasks[i].tid, SIGKILL);
}

static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		close(RESULTS);
		execv(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, WUNTRACED);
	if (ptrace(PTRACE_SEIZE, pid, 0, (void *)(long)OPTIONS) < 0)
		exit(98);
	kill(pid, SIGCONT);
	return pid;
}

/* Until nobody is left. The wait status of the first. */
static int follow(struct run *run, pid_t first)
{
	int result = 0, status;
	pid_t tid;

	for (;;) {
		struct task *task;

		tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return result;
		task = find_task(run, tid);
		if (WIFSTOPPED(status)) {
			hear_stop(run, task, status);
			continue;
		}
		task->tid = 0;
		if (tid == first)
			result = status;
	}
}

static enum action parse_action(const char *word)
{
	for (int i = LIST; i <= HANG; i++)
		if (strcmp(action_names[i], word) == 0)
			return (enum action)i;
	exit(97);
}

int main(int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	int status;
	pid_t first;

	if (argc < 6 || !run)
		return 97;
	the_run = run;
	*run = (struct run){.role = atoi(argv[1]),
		.call = atol(argv[2]),
		.action = parse_action(argv[3]),
		.value = atol(argv[4]),
		.results = fdopen(RESULTS, "w"),
		.n_roles = 1};
	if (!run->results)
		return 97;
	first = start(argv + 5);
	find_task(run, first)->role = 0;
	signal(SIGALRM, kill_all);
	alarm(run->action == HANG || run->action == LIST ? LONG_LIFE : LIFE);
	status = follow(run, first);
	if (run->fired)
		fprintf(run->results, "fired=%ld\n", run->harmed);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
