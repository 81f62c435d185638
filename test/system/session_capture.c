// SPDX-License-Identifier: MIT
/*
 * session_capture: captures by the library as lines on stdin say, and a line about each on stdout.
 *
 *	WORD... PID	a capture; the words, if any: alone (not in the session), thread (in a
 *			thread that ends behind it), no-stop, snapshot, dry, stream (to /dev/null),
 *			piped (to a pipe), fifo (to the pipe "fifo"), hurry (10 ms for all), patient
 *			(the longest time that there is), cancel
 *	free		the session ends, and another begins
 *
 * Its words on the command line are what it does with signals: reaps (waits for any child that
 *	there is news of), ignores (SIGCHLD), blocks (all of them).
 */
#include <cryocore/cryocore.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct order {
	struct cryocore_options options;
	pid_t pid;
	bool in_thread;
};

static const int cancelled = 1;

/* A pipe that somebody empties. */
static void *drain(void *user)
{
	int fd = *(int *)user;
	char data[4096];

	while (read(fd, data, sizeof(data)) > 0)
		;
	close(fd);
	return NULL;
}

static int open_pipe(void)
{
	static int ends[2];
	pthread_t thread;

	if (pipe2(ends, O_CLOEXEC) < 0 || pthread_create(&thread, NULL, drain, &ends[0]) != 0)
		return -1;
	pthread_detach(thread);
	return ends[1];
}

static void take_word(struct order *order, const char *word)
{
	struct cryocore_options *options = &order->options;

	if (strcmp(word, "alone") == 0)
		options->session = NULL;
	else if (strcmp(word, "thread") == 0)
		order->in_thread = true;
	else if (strcmp(word, "no-stop") == 0)
		options->no_stop = true;
	else if (strcmp(word, "snapshot") == 0)
		options->snapshot = CRYOCORE_SNAPSHOT_AUTO;
	else if (strcmp(word, "dry") == 0)
		options->dry_run = true;
	else if (strcmp(word, "stream") == 0)
		options->stream_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	else if (strcmp(word, "piped") == 0)
		options->stream_fd = open_pipe();
	else if (strcmp(word, "fifo") == 0)
		options->stream_fd = open(word, O_WRONLY | O_CLOEXEC);
	else if (strcmp(word, "hurry") == 0)
		options->timeout_ms = 10;
	else if (strcmp(word, "patient") == 0)
		options->timeout_ms = UINT64_MAX;
	else if (strcmp(word, "cancel") == 0)
		options->cancel = &cancelled;
	else
		order->pid = atoi(word);
}

static void *capture(void *user)
{
	static const char *const outcomes[] = {"complete", "partial", "failed"};
	struct order *order = user;
	struct cryocore_result *result = NULL;

	if (cryocore_capture(order->pid, &order->options, &result) < 0)
		return NULL;
	printf("%s", outcomes[result->outcome]);
	for (size_t i = 0; i < result->n_messages; i++)
		printf("; %s", result->messages[i].text);
	cryocore_result_free(result);
	return NULL;
}

static void obey(char *line, struct cryocore_session *session)
{
	struct order order = {0};
	pthread_t thread;

	cryocore_options_init(&order.options);
	order.options.session = session;
	order.options.overwrite = true;
	for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		take_word(&order, word);
	if (!order.in_thread)
		capture(&order);
	else if (pthread_create(&thread, NULL, capture, &order) == 0)
		pthread_join(thread, NULL);
	if (order.options.stream_fd >= 0)
		close(order.options.stream_fd);
}

static void on_child(int number)
{
	(void)number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void live_by(const char *word)
{
	sigset_t all;

	if (strcmp(word, "reaps") == 0) {
		signal(SIGCHLD, on_child);
	} else if (strcmp(word, "ignores") == 0) {
		signal(SIGCHLD, SIG_IGN);
	} else {
		sigfillset(&all);
		sigprocmask(SIG_BLOCK, &all, NULL);
	}
}

int main(int argc, char **argv)
{
	struct cryocore_session *session = NULL;
	char line[256];

	for (int i = 1; i < argc; i++)
		live_by(argv[i]);
	if (cryocore_session_new(&session) < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "free\n") != 0) {
			obey(line, session);
		} else {
			cryocore_session_free(session);
			if (cryocore_session_new(&session) < 0)
				return 1;
		}
		printf("\n");
		fflush(stdout);
	}
	cryocore_session_free(session);
	return 0;
}
