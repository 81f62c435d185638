// SPDX-License-Identifier: MIT
/*
 * What is asked for are the attributes, which must not come from a cache of the kernel
 * (AT_STATX_FORCE_SYNC): a server that has stopped would seem to answer as long as these are valid.
 */
#include "capture/answer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/child.h"
#include "freeze/outputs.h"

#define PATIENCE_NS (10 * CRYO_NSEC_PER_SEC)
#define AGAIN_NS (1 * CRYO_NSEC_PER_SEC)

/* The child that asks, or -1. */
static pid_t ask(const char *path)
{
	pid_t parent = getpid(), child = fork();
	struct statx found;

	if (child != 0)
		return child;
	cryo_child_begin(parent, SIGKILL, NULL, 0);
	statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &found);
	_exit(0);
}

bool cryo_answer_is_given(int procfs, const char *path)
{
	pid_t child;

	if (!cryo_outputs_may_be_served(path))
		return true;
	child = ask(path);
	if (child < 0 || cryo_child_reap(&child, cryo_now() + PATIENCE_NS))
		return true;
	cryo_child_end(&child, procfs, 0);
	return false;
}

uint64_t cryo_asking_look(struct cryo_asking *asking, const char *path)
{
	uint64_t now = cryo_now();

	if (asking->child && !cryo_child_reap(&asking->child, now))
		return now - asking->since;
	if (now < asking->again)
		return 0;
	asking->child = ask(path);
	if (asking->child < 0)
		asking->child = 0;
	asking->since = now;
	asking->again = now + AGAIN_NS;
	return 0;
}

void cryo_asking_end(struct cryo_asking *asking, int procfs)
{
	if (asking->child)
		cryo_child_end(&asking->child, procfs, 0);
}
