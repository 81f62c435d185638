// SPDX-License-Identifier: MIT
/*
 * A thread that waits for a server cannot be ended, so everything that it might still look at stays
 * where it is. Of a process only that is told which does not change any more: who it is, and its
 * capture, once that has ended.
 */
#include "capture/gather_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/answer.h"
#include "capture/capture.h"
#include "capture/gather_begin.h"
#include "capture/gather_close.h"
#include "capture/result.h"
#include "proc/procfs.h"

/* How long threads that are not stuck may take to end; and a capture, which has bounds of its own,
 * to give back its process: it does that first, and may then wait for a reader to die. */
#define GRACE_NS (2 * CRYO_NSEC_PER_SEC)
#define INSIDE_NS (20 * CRYO_NSEC_PER_SEC)

enum {
	TICK_US = 20 * 1000
};

void cryo_gather_say(struct cryo_gather *gather, enum cryocore_severity severity, int error,
	const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	pthread_mutex_lock(&gather->callbacks);
	if (!gather->left)
		cryo_result_vsay(&gather->words, severity, error, format, arguments);
	pthread_mutex_unlock(&gather->callbacks);
	va_end(arguments);
}

/* Who leaves sets the flag and then looks at the number. */
bool cryo_gather_enter(struct cryo_gather *gather)
{
	atomic_fetch_add(&gather->n_inside, 1);
	if (!gather->left)
		return true;
	cryo_gather_leave(gather);
	return false;
}

void cryo_gather_leave(struct cryo_gather *gather)
{
	atomic_fetch_sub(&gather->n_inside, 1);
}

int cryo_gather_capture(struct cryo_gather *gather, struct cryo_target *target,
	const struct cryocore_options *options, struct cryo_session *session)
{
	int r = -ETIMEDOUT;

	if (!cryo_gather_enter(gather))
		return r;
	r = cryo_capture(target->dossier.pid, options, gather->policy, session, &target->core);
	cryo_gather_leave(gather);
	return r;
}

/* ---- while it is collected ---- */

struct watch {
	struct cryo_gather *gather;
	pthread_t thread;
	const volatile int *cancel; /* the user's */
	struct cryo_asking asking;
	uint64_t patience, end;
};

static bool has_ended(const struct watch *watch)
{
	return pthread_tryjoin_np(watch->thread, NULL) == 0;
}

/* Nobody waits longer for a server than for the rest of a capture. */
static void set_limits(struct watch *watch)
{
	const struct cryo_gather *gather = watch->gather;
	uint64_t timeout = gather->options->timeout_ms, silence = CRYOCORE_SERVER_SILENCE_MS;
	uint64_t total = cryo_ns_of_ms(gather->options->total_timeout_ms);

	watch->patience = cryo_ns_of_ms(timeout && timeout < silence ? timeout : silence);
	watch->end = total ? gather->begin + total + watch->patience : UINT64_MAX;
}

/* Until it has ended (true), or the server has been silent for too long, or the time for all and
 * some more has passed. */
static bool await_end(struct watch *watch)
{
	struct cryo_gather *gather = watch->gather;

	while (!has_ended(watch)) {
		if (watch->cancel && *watch->cancel)
			gather->cancelled = gather->stopping = *watch->cancel;
		if (cryo_asking_look(&watch->asking, gather->options->directory) >=
				watch->patience ||
			cryo_now() >= watch->end)
			return false;
		usleep(TICK_US);
	}
	return true;
}

static bool await_grace(const struct watch *watch)
{
	uint64_t limit = cryo_now() + GRACE_NS;

	while (cryo_now() < limit) {
		if (has_ended(watch))
			return true;
		usleep(TICK_US);
	}
	return false;
}

static void await_inside(const struct cryo_gather *gather)
{
	uint64_t limit = cryo_now() + INSIDE_NS;

	while (gather->n_inside && cryo_now() < limit)
		usleep(TICK_US);
}

static void leave(struct watch *watch)
{
	struct cryo_gather *gather = watch->gather;

	pthread_mutex_lock(&gather->callbacks);
	gather->left = true;
	pthread_mutex_unlock(&gather->callbacks);
	await_inside(gather);
	pthread_detach(watch->thread);
}

/* With a procfs of its own: that of the collection may be closed by now. */
static void end_asking(struct watch *watch)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");

	cryo_asking_end(&watch->asking, procfs);
}

bool cryo_gather_watch(struct cryo_gather *gather, void *(*collect)(void *gather))
{
	struct watch watch = {.gather = gather, .cancel = gather->options->cancel};
	bool ended;

	set_limits(&watch);
	gather->own.cancel = &gather->cancelled;
	gather->stop = &gather->stopping;
	if (pthread_create(&watch.thread, NULL, collect, gather) != 0) {
		gather->stop = gather->own.cancel = watch.cancel; /* nobody else looks at it */
		collect(gather);
		return true;
	}
	ended = await_end(&watch);
	if (!ended) {
		cryo_gather_note_error(gather, -ETIMEDOUT);
		gather->stopping = ETIMEDOUT;
		ended = await_grace(&watch);
	}
	if (!ended)
		leave(&watch);
	end_asking(&watch);
	return ended;
}

/* ---- when it is left ---- */

/* A child whose parent has not heard of its end: nobody else has its number. */
static void end_child(pid_t pid)
{
	siginfo_t info;

	if (pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		kill(pid, SIGKILL);
}

/* The children of a thread that is stuck would wait for it: its end would be theirs. */
static void end_children(struct cryo_gather *gather)
{
	pthread_mutex_lock(&gather->callbacks);
	for (size_t i = 0; i < CRYO_CREW_MAX; i++) {
		const struct cryo_hands *hands = gather->hands[i];

		if (!hands)
			continue;
		end_child(hands->worker.child);
		end_child(hands->session.children.tracer.pid);
		end_child(hands->session.children.reader.pid);
	}
	pthread_mutex_unlock(&gather->callbacks);
}

static void count(struct cryo_gather *gather)
{
	struct cryocore_gather_result *result = gather->result;

	for (size_t i = 0; i < gather->targets.count; i++) {
		const struct cryo_target *target = &gather->targets.array[i];
		bool none = cryo_dossier_wants_core(&target->dossier) && !target->has_core;

		result->processes++;
		result->kernel_threads += cryo_dossier_is_kernel_thread(&target->dossier);
		result->partial += !none;
		result->failed += none;
		result->files += target->n_made;
	}
}

/* How many cores there are. */
static size_t tell(struct cryo_gather *gather)
{
	size_t wanted = 0, cores = 0;

	for (size_t i = 0; i < gather->targets.count; i++) {
		wanted += cryo_dossier_wants_core(&gather->targets.array[i].dossier);
		cores += gather->targets.array[i].has_core;
	}
	cryo_result_say(&gather->words, CRYOCORE_ERROR, ETIMEDOUT,
		"%s: its file server has stopped answering: there are %zu of %zu cores, and what "
		"the log tells of as far as it goes; no manifest vouches for it: collect again to "
		"another place",
		cryo_gather_sink_name(gather), cores, wanted);
	return cores;
}

void cryo_gather_abandon(struct cryo_gather *gather)
{
	end_children(gather);
	cryo_gather_thaw_left(gather);
	count(gather);
	for (size_t i = gather->n_closed; i < gather->targets.count; i++)
		cryo_gather_tell_left(gather, &gather->targets.array[i]);
	gather->result->outcome = tell(gather) ? CRYOCORE_PARTIAL : CRYOCORE_FAILED;
}
