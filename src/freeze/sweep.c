// SPDX-License-Identifier: MIT
/*
 * To load a BPF program takes longer than to ask some ten thousand numbers by system call. What it
 * finds is asked of the system call too, so that one that lies is found out.
 */
#include "freeze/sweep.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "trace/bpf_sweep.h"

enum {
	MAX_PARTS = 16,      /* threads of a sweep */
	WORTH_BPF = 1 << 18, /* numbers that take longer than to load the program */
	WORTH_THREAD = 1 << 16,
};

/* A stretch of the numbers: @first up to, but not including, @end. */
struct stretch {
	const struct cryo_bpf_sweep *bpf;
	uint16_t *seen;
	pid_t first, end;
	int error;
};

static void *ask_kernel(void *user)
{
	struct stretch *stretch = user;

	stretch->error =
		cryo_bpf_sweep_run(stretch->bpf, stretch->first, stretch->end - stretch->first);
	return NULL;
}

static void *ask(void *user)
{
	const struct stretch *stretch = user;

	for (pid_t pid = stretch->first; pid < stretch->end; pid++)
		if (sched_getscheduler(pid) >= 0)
			stretch->seen[pid] |= CRYO_VIEW_SCHED;
	return NULL;
}

/* All processors share the work. Whether it was done. */
static bool share(void *(*work)(void *), struct stretch whole)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t count = whole.end - whole.first;
	pid_t parts = count < WORTH_THREAD || processors < 1 ? 1
		      : processors > MAX_PARTS               ? MAX_PARTS
							     : (pid_t)processors;
	struct stretch stretches[MAX_PARTS];
	pthread_t threads[MAX_PARTS];
	bool started[MAX_PARTS] = {false}, done = true;

	for (pid_t i = 0; i < parts; i++) {
		stretches[i] = whole;
		stretches[i].first += count / parts * i;
		if (i + 1 < parts)
			stretches[i].end = whole.first + count / parts * (i + 1);
		started[i] = i && pthread_create(&threads[i], NULL, work, &stretches[i]) == 0;
	}
	for (pid_t i = 0; i < parts; i++)
		if (!started[i])
			work(&stretches[i]);
	for (pid_t i = 0; i < parts; i++) {
		if (started[i])
			pthread_join(threads[i], NULL);
		done &= stretches[i].error == 0;
	}
	return done;
}

/* What BPF has found is asked of the system call too. */
static void take(const struct cryo_bpf_sweep *bpf, pid_t end, uint16_t *seen)
{
	for (pid_t word = 0; word + 8 <= CRYO_BPF_PID_LIMIT && word < end; word += 8) {
		uint64_t eight;

		memcpy(&eight, bpf->seen + word, sizeof(eight));
		for (pid_t pid = word; eight && pid < word + 8 && pid < end; pid++)
			if (bpf->seen[pid])
				seen[pid] |= CRYO_VIEW_BPF |
					     (sched_getscheduler(pid) >= 0 ? CRYO_VIEW_SCHED : 0);
	}
}

static bool sweep_by_bpf(pid_t pid_max, uint16_t *seen)
{
	_cleanup_bpf_sweep_ struct cryo_bpf_sweep bpf = CRYO_BPF_SWEEP_NONE;
	pid_t end = pid_max < CRYO_BPF_PID_LIMIT ? pid_max + 1 : CRYO_BPF_PID_LIMIT;

	if (pid_max < WORTH_BPF || cryo_bpf_sweep_open(&bpf) < 0 ||
		!share(ask_kernel, (struct stretch){.bpf = &bpf, .first = 1, .end = end}))
		return false;
	take(&bpf, end, seen);
	return true;
}

void cryo_sweep(pid_t pid_max, uint16_t *seen)
{
	if (!sweep_by_bpf(pid_max, seen))
		share(ask, (struct stretch){.seen = seen, .first = 1, .end = pid_max + 1});
}
