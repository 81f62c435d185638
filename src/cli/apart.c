// SPDX-License-Identifier: MIT
/*
 * The child has pipes for stdout and stderr: who reads ours would wait for the end of a child that
 * cannot die and has them open.
 */
#include "apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cryocore/evidence.h>

#include "cli.h"

enum {
	DEATH_MS = 2000,
	TICK_MS = 50,
	N_PIPES = 3
};

struct note {
	int phase, status;
};

/* @pipes: stdout, stderr and notes */
struct apart {
	pid_t child;
	int pipes[N_PIPES];
	struct note note;
	uint64_t since, patience_ms; /* of the phase */
	int passed_on;               /* a signal */
};

static int own_notes = -1; /* in the child */

void cli_apart_note(enum cli_apart_phase phase, int status)
{
	struct note note = {(int)phase, status};

	if (own_notes < 0)
		return;
	fflush(stdout);
	if (write(own_notes, &note, sizeof(note)) < 0)
		return;
}

static uint64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* ---- the child ---- */

static void live(int ends[N_PIPES], pid_t parent, int (*run)(void *), void *user)
{
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CLI_FAILED);
	dup2(ends[0], STDOUT_FILENO);
	dup2(ends[1], STDERR_FILENO);
	own_notes = ends[2];
	status = run(user);
	cli_apart_note(CLI_APART_DONE, status);
	_exit(status);
}

static void close_pipes(int pipes[N_PIPES])
{
	for (int i = 0; i < N_PIPES; i++)
		if (pipes[i] >= 0)
			close(pipes[i]);
}

static int make_pipes(int pipes[N_PIPES], int ends[N_PIPES])
{
	for (int i = 0; i < N_PIPES; i++) {
		int both[2];

		if (pipe2(both, O_CLOEXEC) < 0)
			return -errno;
		pipes[i] = both[0];
		ends[i] = both[1];
	}
	return 0;
}

static int start(struct apart *apart, int (*run)(void *), void *user)
{
	int ends[N_PIPES] = {-1, -1, -1}, r;
	pid_t parent = getpid();

	fflush(stdout);
	r = make_pipes(apart->pipes, ends);
	if (r == 0)
		apart->child = fork();
	if (r == 0 && apart->child == 0)
		live(ends, parent, run, user);
	close_pipes(ends);
	return r < 0 ? r : apart->child < 0 ? -errno : 0;
}

/* ---- what it says ---- */

static void print(int number, const char *text, size_t size)
{
	if (number == 0) {
		fwrite(text, 1, size, stdout); /* an error of it is told at the end */
		fflush(stdout);
	} else if (write(STDERR_FILENO, text, size) < 0) {
		return;
	}
}

static void hear(struct apart *apart, int number)
{
	char text[4096];
	ssize_t n = read(apart->pipes[number], number == 2 ? (void *)&apart->note : (void *)text,
		number == 2 ? sizeof(apart->note) : sizeof(text));

	if (n > 0 && number == 2)
		apart->since = now_ms();
	else if (n > 0)
		print(number, text, (size_t)n);
	if (n > 0 || (n < 0 && errno == EINTR))
		return;
	close(apart->pipes[number]);
	apart->pipes[number] = -1;
}

/* Whether it said something. */
static bool listen_for(struct apart *apart, int ms)
{
	struct pollfd ends[N_PIPES];
	bool any = false;

	for (int i = 0; i < N_PIPES; i++)
		ends[i] = (struct pollfd){.fd = apart->pipes[i], .events = POLLIN};
	if (poll(ends, N_PIPES, ms) <= 0)
		return any;
	for (int i = 0; i < N_PIPES; i++)
		if (ends[i].revents) {
			hear(apart, i);
			any = true;
		}
	return any;
}

/* ---- its end ---- */

static void pass_on(struct apart *apart)
{
	int number = *cli_cancel_flag();

	if (!number || number == apart->passed_on)
		return;
	apart->passed_on = number;
	kill(apart->child, number);
}

static bool is_too_late(const struct apart *apart)
{
	uint64_t limit = apart->note.phase == CLI_APART_DONE ? DEATH_MS : apart->patience_ms;

	return apart->note.phase != CLI_APART_WORK && now_ms() >= apart->since + limit;
}

/* Its exit status, or -1: it does not end. */
static int await(struct apart *apart)
{
	int status;

	while (waitpid(apart->child, &status, WNOHANG) == 0) {
		listen_for(apart, TICK_MS);
		pass_on(apart);
		if (is_too_late(apart))
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
}

/* It has its status; or the server has not let it open or close what it was to. */
static int give_up(struct apart *apart, const char *name)
{
	kill(apart->child, SIGKILL);
	if (apart->note.phase == CLI_APART_DONE) {
		cli_note(1, "process %d cannot die before a file system answers it: left behind",
			apart->child);
		return apart->note.status;
	}
	cli_error("%s: its file server does not answer: %s", name,
		apart->note.phase == CLI_APART_OPEN ? "nothing was collected: give another place"
						    : "whether it has everything is not known");
	if (apart->note.phase == CLI_APART_OPEN || apart->note.status == CLI_FAILED)
		return CLI_FAILED;
	return CLI_PARTIAL;
}

int cli_apart(int (*run)(void *user), void *user, const char *name, uint64_t timeout_ms)
{
	struct apart apart = {.pipes = {-1, -1, -1},
		.note = {CLI_APART_OPEN, CLI_FAILED},
		.since = now_ms(),
		.patience_ms = CRYOCORE_SERVER_SILENCE_MS};
	int status;

	if (timeout_ms && timeout_ms < apart.patience_ms)
		apart.patience_ms = timeout_ms;
	status = start(&apart, run, user);
	if (status < 0) {
		cli_error("%s: nothing was collected", strerror(-status));
		close_pipes(apart.pipes);
		return CLI_FAILED;
	}
	status = await(&apart);
	while (listen_for(&apart, 0))
		;
	if (status < 0)
		status = give_up(&apart, name);
	close_pipes(apart.pipes);
	return status;
}
