// SPDX-License-Identifier: MIT
/*
 * The only file that knows the order. Each stage takes what the one before it made:
 *
 *	prepare (nothing is stopped) -> stopped -> inspect -> plan -> write -> release -> record
 *
 * Whatever fails, the target is released first and the words come afterwards.
 */
#include "capture/pipeline.h"

#include <cryocore/cryocore.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/channel.h"
#include "capture/child.h"
#include "capture/exe_copy.h"
#include "capture/inspect.h"
#include "capture/own_note.h"
#include "capture/plan.h"
#include "capture/privilege.h"
#include "capture/report.h"
#include "capture/select.h"
#include "capture/write.h"
#include "elf/core.h"

/* What the stages hand on. Everything in it is released in one place. */
struct capture {
	const struct cryo_reader *reader;
	struct cryo_inspector inspector;
	struct cryo_output core, exe;
	void *records;
	size_t records_size;
	struct cryo_process process;
	struct cryo_plan plan;
	struct cryo_written written;
	struct cryo_account account;
};

static void say(
	const struct capture *capture, enum cryocore_severity severity, int error, const char *text)
{
	cryo_channel_say(capture->reader->supervisor, severity, error, "%s", text);
}

static int fail_refused(const struct capture *capture, int error, const char *what)
{
	_cleanup_buffer_ struct cryo_buffer why = {0};

	if (cryo_select_explain(capture->reader->request, error, what, &why) == 0 && why.data)
		say(capture, CRYOCORE_ERROR, error, (const char *)why.data);
	return error;
}

static int fail_output(const struct capture *capture, int error, const char *path)
{
	const char *advice = error == -EEXIST ? ": remove it, or its .partial, or use --force"
			     : error == -ENOENT || error == -ENOTDIR
				     ? ": make the directory first, or choose "
				       "another with --output"
				     : "";
	char text[512];

	snprintf(text, sizeof(text), "%s: %s%s", path, strerror(-error), advice);
	say(capture, CRYOCORE_ERROR, error, text);
	return error;
}

static void set_stage(const struct capture *capture, enum cryo_stage stage)
{
	capture->reader->shared->stage = stage;
}

/* ---- before the stop ---- */

static int open_output(const struct capture *capture, const char *suffix, struct cryo_output *ret)
{
	const struct cryo_request *request = capture->reader->request;
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s.%d%s", request->prefix, request->identity.pid, suffix) < 0)
		return -ENOMEM;
	r = cryo_output_open(path, request->overwrite, ret);
	return r < 0 ? fail_output(capture, r, path) : 0;
}

static int open_outputs(struct capture *capture)
{
	const struct cryo_request *request = capture->reader->request;
	int r;

	if (request->stream_fd >= 0) {
		cryo_output_from_stream(request->stream_fd, &capture->core);
		return 0;
	}
	r = open_output(capture, "", &capture->core);
	if (r == 0 && !request->no_exe)
		r = open_output(capture, ".exe", &capture->exe);
	return r;
}

static int prepare(struct capture *capture)
{
	const struct cryo_request *request = capture->reader->request;
	int r = cryo_inspect_before(request->procfs, &request->identity, &capture->inspector);

	if (r < 0)
		return fail_refused(capture, r, "read it");
	cryo_privilege_lower();
	r = request->dry_run ? 0 : open_outputs(capture);
	cryo_privilege_raise();
	return r;
}

/* ---- the stop ---- */

/* Map what the tracer has read. Nothing is mapped if it holds no thread. */
static int map_records(struct capture *capture)
{
	struct stat found;
	void *records;

	if (fstat(capture->reader->records, &found) < 0)
		return -errno;
	if (found.st_size == 0)
		return 0;
	records = mmap(
		NULL, (size_t)found.st_size, PROT_READ, MAP_SHARED, capture->reader->records, 0);
	if (records == MAP_FAILED)
		return -errno;
	capture->records = records;
	capture->records_size = (size_t)found.st_size;
	return 0;
}

/* A tracer that refuses or dies is no end: then the process is read as it is. */
static int wait_for_stop(struct capture *capture)
{
	struct cryo_letter letter = {.kind = CRYO_LETTER_READY};
	int r;

	if (capture->reader->tracer < 0)
		return 0;
	r = cryo_channel_send(capture->reader->supervisor, &letter);
	if (r == 0)
		r = cryo_channel_receive(
			capture->reader->tracer, capture->reader->deadline, &letter);
	capture->account.stop_error = r < 0 ? -ETIMEDOUT : letter.error;
	return r == 0 && letter.kind == CRYO_LETTER_STOPPED ? map_records(capture) : 0;
}

static size_t count_sources(const struct cryo_process *process, enum cryo_register_source source)
{
	size_t count = 0;

	for (size_t i = 0; i < process->n_threads; i++)
		count += process->threads[i].source == source;
	return count;
}

/* Threads without registers of their own choice are an error where the user says so. */
static int check_registers(struct capture *capture)
{
	const struct cryo_process *process = &capture->process;

	capture->account.n_unstopped =
		process->n_threads - count_sources(process, CRYO_REGISTERS_PTRACE);
	if (!capture->account.n_unstopped || !capture->reader->request->require_registers)
		return 0;
	cryo_channel_say(capture->reader->supervisor, CRYOCORE_ERROR, 0,
		"%" PRIu64
		" of its %zu threads could not be stopped, and --require-registers was given",
		capture->account.n_unstopped, process->n_threads);
	return -EBUSY;
}

static int inspect(struct capture *capture)
{
	int r;

	set_stage(capture, CRYO_STAGE_INSPECT);
	r = cryo_inspect(&capture->inspector, capture->records, capture->records_size,
		&capture->process, &capture->account.executed);
	return r < 0 ? fail_refused(capture, r, "inspect it") : check_registers(capture);
}

static int report_comm(const struct capture *capture)
{
	char comm[sizeof(capture->process.comm) + 1] = {0};

	memcpy(comm, capture->process.comm, sizeof(capture->process.comm));
	return cryo_report_add(capture->reader->report, CRYO_REPORT_COMM, NULL, 0, comm);
}

static void expect_bytes(struct capture *capture)
{
	uint64_t expected = 0;

	for (size_t i = 0; i < capture->plan.n_segments; i++) {
		const struct cryo_segment *segment = &capture->plan.segments[i];
		uint64_t present = segment->vma->rss + segment->vma->swap;

		expected += present < segment->file_size ? present : segment->file_size;
	}
	capture->reader->shared->bytes_expected = expected;
}

static int make_plan(struct capture *capture)
{
	int r = cryo_plan_build(
		&capture->process, &capture->reader->request->policy, &capture->plan);

	if (r < 0)
		return fail_refused(capture, r, "lay out its core");
	expect_bytes(capture);
	return 0;
}

static int write_core(struct capture *capture)
{
	int r;

	set_stage(capture, CRYO_STAGE_WRITE);
	r = cryo_output_write(&capture->core, capture->plan.head.data, capture->plan.head.size, 0);
	if (r == 0)
		r = cryo_write(&capture->plan, &capture->inspector, &capture->core,
			capture->reader->shared, &capture->written);
	return r;
}

/* ---- release ---- */

static void release(struct capture *capture)
{
	struct cryo_letter letter = {.kind = CRYO_LETTER_RELEASE};
	int r;

	if (!capture->records)
		return;
	r = cryo_channel_send(capture->reader->tracer, &letter);

	if (r == 0)
		r = cryo_channel_receive(
			capture->reader->tracer, capture->reader->deadline, &letter);
	if (r == 0 && letter.kind == CRYO_LETTER_RELEASED) {
		capture->account.pause_ns = letter.release_ns - letter.stop_ns;
		capture->account.n_restarted = letter.n_restarted;
	} else if (!capture->reader->shared->cancel) {
		say(capture, CRYOCORE_WARNING, r,
			"the tracer ended early: the process may have run while its core was "
			"written");
	}
}

/* ---- record ---- */

static int write_tail(struct capture *capture, uint64_t *ret_size)
{
	_cleanup_buffer_ struct cryo_buffer tail = {0};
	uint64_t end = capture->plan.data_end;
	int r;

	capture->account.ended_ns = cryo_clock_ns(CLOCK_REALTIME);
	r = cryo_buffer_add(&tail, capture->plan.tail.data, capture->plan.tail.size);
	if (r == 0)
		r = cryo_own_note_add(
			&tail, &capture->process, &capture->account, &capture->written);
	if (r == 0)
		r = cryo_output_set_size(&capture->core, end);
	if (r == 0)
		r = cryo_output_write(&capture->core, tail.data, tail.size, end);
	*ret_size = end + tail.size;
	return r;
}

/* Read back what can be read back: the frame, with libelf. A stream cannot. */
static int check_core(const struct capture *capture)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	int r;

	if (capture->core.stream)
		return 0;
	r = cryo_core_open_fd(capture->core.fd, &core);
	if (r < 0)
		return r;
	return core.damage || core.n_phdrs != capture->plan.n_segments + 1 ? -EBADMSG : 0;
}

static int fail_core(struct capture *capture, int error)
{
	char text[512];

	if (error == -ESRCH)
		return fail_refused(capture, error, "read it");
	if (capture->core.stream && error == -EPIPE)
		snprintf(text, sizeof(text), "the reader of the stream went away: the core is cut");
	else if (capture->core.stream)
		snprintf(text, sizeof(text), "the stream: %s: the core is cut", strerror(-error));
	else if (error == -ECANCELED)
		snprintf(text, sizeof(text),
			"interrupted: what was written so far is in %s.partial",
			capture->core.path);
	else
		snprintf(text, sizeof(text), "%s: %s: what could be written is in %s.partial",
			capture->core.path, strerror(-error), capture->core.path);
	say(capture, CRYOCORE_ERROR, error, text);
	return error;
}

static int finish_core(struct capture *capture)
{
	uint64_t size = 0;
	int r = write_tail(capture, &size);

	if (r == 0)
		r = check_core(capture);
	if (r == 0)
		r = cryo_output_commit(&capture->core);
	if (r < 0)
		return fail_core(capture, r);
	if (!capture->core.stream)
		r = cryo_report_add(
			capture->reader->report, CRYO_REPORT_CORE, NULL, 0, capture->core.path);
	if (r == 0)
		r = cryo_report_add_written(
			capture->reader->report, &capture->process, size, &capture->written);
	return r;
}

static void tell_unstopped(const struct capture *capture)
{
	const struct cryo_process *process = &capture->process;
	_cleanup_buffer_ struct cryo_buffer why = {0};
	int error = capture->account.stop_error;

	if (error < 0 &&
		cryo_select_explain(capture->reader->request, error, "stop it", &why) == 0 &&
		why.data)
		say(capture, CRYOCORE_WARNING, error, (const char *)why.data);
	cryo_channel_say(capture->reader->supervisor, CRYOCORE_WARNING, 0,
		"%" PRIu64
		" of its %zu threads were not stopped: its memory was read while they could "
		"change it; of their registers, %zu have all general ones, %zu only pc and sp, %zu "
		"none",
		capture->account.n_unstopped, process->n_threads,
		count_sources(process, CRYO_REGISTERS_BPF),
		count_sources(process, CRYO_REGISTERS_SYSCALL),
		count_sources(process, CRYO_REGISTERS_NONE));
}

static void tell_shortcomings(const struct capture *capture)
{
	const struct cryo_written *written = &capture->written;

	if (written->n_gaps)
		cryo_channel_say(capture->reader->supervisor, CRYOCORE_WARNING, 0,
			"%" PRIu64 " bytes of memory in %" PRIu64
			" places could not be read and are holes in the core",
			written->gap_bytes, written->n_gaps);
	if (capture->account.n_unstopped)
		tell_unstopped(capture);
	if (capture->account.executed)
		say(capture, CRYOCORE_INFO, 0,
			"it executed another program meanwhile: the core shows the new one");
}

static void finish_exe(struct capture *capture)
{
	char text[512];
	int r = capture->inspector.exe_error;

	if (capture->exe.fd < 0)
		return;
	if (r == 0)
		r = cryo_exe_copy(capture->inspector.exe, &capture->exe);
	if (r == 0)
		r = cryo_output_commit(&capture->exe);
	if (r == 0) {
		cryo_report_add(
			capture->reader->report, CRYO_REPORT_EXE, NULL, 0, capture->exe.path);
		cryo_output_close(&capture->exe);
		return;
	}
	snprintf(text, sizeof(text), "the copy of its executable: %s", strerror(-r));
	say(capture, CRYOCORE_WARNING, r, text);
}

/* ---- the sentence ---- */

static int read_stopped(struct capture *capture)
{
	int r = inspect(capture);

	if (r == 0)
		r = report_comm(capture);
	if (r == 0)
		r = make_plan(capture);
	if (r < 0)
		return r;
	r = write_core(capture);
	return r < 0 ? fail_core(capture, r) : 0;
}

static int run_capture(struct capture *capture)
{
	int r = prepare(capture);

	if (r == 0)
		r = wait_for_stop(capture);
	if (r == 0 && capture->reader->shared->cancel) {
		say(capture, CRYOCORE_ERROR, -ECANCELED, "interrupted: nothing was captured");
		r = -ECANCELED;
	}
	if (r < 0)
		return r;
	r = read_stopped(capture);
	release(capture);
	if (r < 0)
		return r;
	set_stage(capture, CRYO_STAGE_FINISH);
	r = finish_core(capture);
	if (r == 0) {
		tell_shortcomings(capture);
		finish_exe(capture);
	}
	return r;
}

static int report_plan(const struct capture *capture)
{
	const struct cryo_policy *policy = &capture->reader->request->policy;
	struct cryo_written total = {0};
	uint64_t size = 0;
	int r = report_comm(capture);

	for (size_t i = 0; i < capture->process.n_vmas && r == 0; i++) {
		const struct cryo_vma *vma = &capture->process.vmas[i];
		enum cryo_dump_reason reason;
		uint64_t dumped = cryo_policy_dump_size(policy, &capture->process, vma, &reason);
		uint64_t present = vma->rss + vma->swap;

		size += dumped;
		total.data_bytes += present < dumped ? present : dumped;
		r = cryo_report_add_mapping(capture->reader->report, vma, dumped, present, reason);
	}
	return r < 0 ? r
		     : cryo_report_add_written(
			       capture->reader->report, &capture->process, size, &total);
}

static int run_dry(struct capture *capture)
{
	int r = prepare(capture);

	if (r == 0)
		r = inspect(capture);
	return r < 0 ? r : report_plan(capture);
}

static void clear(struct capture *capture)
{
	if (cryo_output_abandon(&capture->exe))
		say(capture, CRYOCORE_INFO, 0, "a part of the executable is left as its .partial");
	cryo_output_close(&capture->core);
	cryo_output_close(&capture->exe);
	cryo_written_clear(&capture->written);
	cryo_plan_clear(&capture->plan);
	cryo_process_clear(&capture->process);
	cryo_inspector_clear(&capture->inspector);
	if (capture->records_size)
		munmap(capture->records, capture->records_size);
}

void cryo_reader_run(const struct cryo_reader *reader)
{
	struct capture capture = {
		.reader = reader,
		.inspector = CRYO_INSPECTOR_NONE,
		.core = CRYO_OUTPUT_NONE,
		.exe = CRYO_OUTPUT_NONE,
		.account = {.started_ns = cryo_clock_ns(CLOCK_REALTIME)},
	};
	struct cryo_letter letter = {.kind = CRYO_LETTER_DONE};

	cryo_child_begin(reader->parent, SIGKILL);
	cryo_privilege_raise();
	signal(SIGTERM, SIG_IGN);
	letter.error = reader->request->dry_run ? run_dry(&capture) : run_capture(&capture);
	if (letter.error < 0)
		cryo_output_abandon(&capture.core);
	clear(&capture);
	cryo_channel_send(reader->supervisor, &letter);
	_exit(0);
}
