// SPDX-License-Identifier: MIT
/*
 * One line that is written over itself. It goes through a descriptor of its own that does not
 * block where possible: a terminal that is stopped (Ctrl-S) must not hold the target.
 */
#include "progress.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const uint64_t quiet_ns = 500000000;

static bool shown;

static void put(const char *text, size_t size)
{
	struct pollfd stderr_ready = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&stderr_ready, 1, 0) == 1 && write(STDERR_FILENO, text, size) > 0)
		shown = true;
}

static void show(const struct cryocore_progress *progress, void *user)
{
	double seconds = (double)progress->elapsed_ns / 1e9;
	double mib = (double)progress->bytes_done / 1048576;
	double left = (double)progress->bytes_expected / 1048576 - mib;
	char line[160];
	int length;

	(void)user;
	if (progress->elapsed_ns < quiet_ns)
		return;
	length = snprintf(line, sizeof(line),
		"\rpid %d: %s, %.0f of about %.0f MiB, %.0f MiB/s, %.0f s left\033[K",
		progress->pid, progress->stage, mib, mib + (left > 0 ? left : 0), mib / seconds,
		mib > 0 && left > 0 ? left * seconds / mib : 0.0);
	put(line, (size_t)length);
}

static void show_gather(const struct cryocore_gather_progress *progress, void *user)
{
	double seconds = (double)progress->elapsed_ns / 1e9;
	double done = (double)progress->bytes_done, all = (double)progress->bytes_expected;
	char line[160];
	int length;

	(void)user;
	if (progress->elapsed_ns < quiet_ns)
		return;
	length = snprintf(line, sizeof(line),
		"\r%zu of %zu processes, %.0f of about %.0f MiB, %.0f s left\033[K",
		progress->processes_done, progress->processes, done / 1048576, all / 1048576,
		done > 0 && all > done ? (all - done) * seconds / done : 0.0);
	put(line, (size_t)length);
}

static bool is_shown(void)
{
	return isatty(STDERR_FILENO) && cli_verbosity >= 0;
}

void (*cli_gather_progress_callback(void))(
	const struct cryocore_gather_progress *progress, void *user)
{
	return is_shown() ? show_gather : NULL;
}

void (*cli_progress_callback(void))(const struct cryocore_progress *progress, void *user)
{
	return is_shown() ? show : NULL;
}

void cli_progress_end(void)
{
	static const char erase[] = "\r\033[K";

	if (shown)
		put(erase, strlen(erase));
	shown = false;
}
