// SPDX-License-Identifier: MIT
/*
 * A capture is a target that can be had, and one attempt at it, seldom more.
 */
#include "capture/capture.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "capture/carrier.h"
#include "capture/result.h"
#include "capture/select.h"
#include "capture/supervisor.h"

static int select_target(pid_t pid, struct cryo_session *session, struct cryo_request *request,
	struct cryo_buffer *why)
{
	int r = cryo_session_open(session);

	if (r == 0)
		cryo_children_prepare(&session->children, session->procfs,
			!request->dry_run && !request->no_stop);
	if (cryo_children_include(&session->children, pid)) /* nobody has meant them */
		cryo_children_end(&session->children, session->procfs);
	return cryo_select(pid, r < 0 ? r : session->procfs, request, why);
}

static const char carried[] = "its core goes through itself, as the reader of the stream or the "
			      "server of the file system: it "
			      "is not stopped; write the core elsewhere";

static void attempt(struct cryo_request *request, const struct cryocore_options *options,
	struct cryo_session *session, uint64_t begin, struct cryocore_result *result)
{
	size_t said = result->n_messages;
	enum cryo_repeat repeat;

	while ((repeat = cryo_supervise(request, options, session, begin, result))) {
		request->cautious |= repeat == CRYO_REPEAT_CAUTIOUSLY;
		request->n_attempts++;
		if (repeat == CRYO_REPEAT_AS_IT_WAS) /* it failed, and nobody has to know */
			cryo_result_forget(result, said);
		said = result->n_messages;
	}
}

static int capture(pid_t pid, const struct cryocore_options *options,
	const struct cryo_policy *policy, struct cryo_session *session,
	struct cryocore_result **ret_result)
{
	_cleanup_request_ struct cryo_request request = {
		.procfs = -1,
		.identity = CRYO_IDENTITY_NONE,
		.policy = *policy,
		.prefix = options->prefix ? options->prefix : "core",
		.zstd_level = options->zstd_level,
		.stream_fd = options->stream_fd,
		.sparse_stream = options->sparse_stream,
		.no_exe = options->no_exe,
		.overwrite = options->overwrite,
		.dry_run = options->dry_run,
		.no_syscall_restart = options->no_syscall_restart,
		.no_stop = options->no_stop,
		.require_registers = options->require_registers,
		.snapshot = options->snapshot,
		.may_hold_tracer = !session->is_borrowed && options->stream_fd < 0,
		.max_pause_ns = cryo_ns_of_ms(options->max_pause_ms),
	};
	_cleanup_buffer_ struct cryo_buffer why = {0};
	struct cryocore_result *result = cryo_result_new();
	uint64_t begin = cryo_now();
	int r;

	if (!result)
		return -ENOMEM;
	result->pid = pid;
	result->started_ns = cryo_clock_ns(CLOCK_REALTIME);
	r = select_target(pid, session, &request, &why);
	if (r < 0) {
		cryo_result_say(result, CRYOCORE_ERROR, -r, "%s", why.data ? (char *)why.data : "");
		cryo_result_conclude(result, false);
	} else {
		if (!session->is_borrowed && cryo_carrier_is_target(&request, &session->carriers)) {
			request.no_stop = true;
			cryo_result_say(result, CRYOCORE_WARNING, 0, "%s", carried);
		}
		attempt(&request, options, session, begin, result);
	}
	result->ended_ns = cryo_clock_ns(CLOCK_REALTIME);
	result->total_ns = cryo_now() - begin;
	*ret_result = result;
	return 0;
}

int cryo_capture(pid_t pid, const struct cryocore_options *options,
	const struct cryo_policy *policy, struct cryo_session *session,
	struct cryocore_result **ret_result)
{
	_cleanup_session_ struct cryo_session own = CRYO_SESSION(-1);

	own.is_for_one = true;
	return capture(pid, options, policy, session ? session : &own, ret_result);
}
