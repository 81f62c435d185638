// SPDX-License-Identifier: MIT
/*
 * A state that blocks its own thread is told by another one, which sees from /proc that it is
 * reached.
 */
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "victim.h"

enum {
	LOOK_USEC = 1000,
	LOOKS = 20000
};

void hostile_thread(void *(*function)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 * 1024);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	errno = pthread_create(&thread, &attributes, function, argument);
	if (errno)
		die("pthread_create");
	pthread_attr_destroy(&attributes);
}

/* Of a process, or, if that is 0, of a thread of ours. */
static void read_text(pid_t pid, pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	else
		snprintf(path, sizeof(path), "/proc/self/task/%d/%s", (int)tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = 0;
}

static void await_state(pid_t pid, pid_t tid, const char *states)
{
	char text[512];

	for (int i = 0; i < LOOKS; i++) {
		const char *end;

		read_text(pid, tid, "stat", text, sizeof(text));
		end = strrchr(text, ')');
		if (end && end[1] && end[2] && strchr(states, end[2]))
			return;
		usleep(LOOK_USEC);
	}
	cannot("the state is not reached");
}

void hostile_await_state(pid_t tid, const char *states)
{
	await_state(0, tid, states);
}

void hostile_await_child(pid_t child, const char *states)
{
	await_state(child, 0, states);
}

void hostile_await_wchan(pid_t tid, const char *name)
{
	char text[128];

	for (int i = 0; i < LOOKS; i++) {
		read_text(0, tid, "wchan", text, sizeof(text));
		if (strcmp(text, name) == 0)
			return;
		usleep(LOOK_USEC);
	}
	cannot("the place in the kernel is not reached");
}
