// SPDX-License-Identifier: MIT
/*
 * Every sentence that the reader can say, in one place: what failed, and what the user can do.
 */
#include "capture/tell.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "capture/channel.h"
#include "capture/select.h"
#include "trace/swap.h"

void cryo_tell(
	const struct cryo_work *work, enum cryocore_severity severity, int error, const char *text)
{
	cryo_channel_say(work->reader->supervisor, severity, error, "%s", text);
}

int cryo_tell_refused(const struct cryo_work *work, int error, const char *what)
{
	_cleanup_buffer_ struct cryo_buffer why = {0};

	if (cryo_select_explain(work->reader->request, error, what, &why) == 0 && why.data)
		cryo_tell(work, CRYOCORE_ERROR, error, (const char *)why.data);
	return error;
}

int cryo_tell_output(const struct cryo_work *work, int error, const char *path)
{
	const char *advice = error == -EEXIST ? ": remove it, or its .partial, or use --force"
			     : error == -ENOENT || error == -ENOTDIR
				     ? ": make the directory first, or choose "
				       "another with --output"
				     : "";

	cryo_channel_say(work->reader->supervisor, CRYOCORE_ERROR, error, "%s: %s%s", path,
		strerror(-error), advice);
	return error;
}

static void tell_why_cut(const struct cryo_work *work, int error)
{
	int supervisor = work->reader->supervisor;

	if (error == -ESRCH)
		cryo_tell_refused(work, error, "read it");
	else if (work->core.stream && error == -EPIPE)
		cryo_tell(work, CRYOCORE_ERROR, error,
			"the reader of the stream went away: the core is cut");
	else if (work->core.stream)
		cryo_channel_say(supervisor, CRYOCORE_ERROR, error,
			"the stream: %s: the core is cut", strerror(-error));
	else if (error == -ECANCELED)
		cryo_tell(work, CRYOCORE_ERROR, error, "cut short");
	else
		cryo_channel_say(supervisor, CRYOCORE_ERROR, error, "%s: %s", work->core.path,
			strerror(-error));
}

int cryo_tell_core(struct cryo_work *work, int error)
{
	tell_why_cut(work, error);
	if (cryo_output_abandon(&work->core))
		cryo_channel_say(work->reader->supervisor, CRYOCORE_ERROR, 0,
			"what could be written is in %s.partial", work->core.path);
	return error;
}

static size_t count_sources(const struct cryo_process *process, enum cryo_register_source source)
{
	size_t count = 0;

	for (size_t i = 0; i < process->n_threads; i++)
		count += process->threads[i].source == source;
	return count;
}

/* The reason, where the stop was refused and not only in vain. */
static void tell_why_unstopped(const struct cryo_work *work, enum cryocore_severity severity)
{
	_cleanup_buffer_ struct cryo_buffer why = {0};
	int error = work->account.stop_error;

	if (error < 0 && cryo_select_explain(work->reader->request, error, "stop it", &why) == 0 &&
		why.data)
		cryo_tell(work, severity, error, (const char *)why.data);
}

/* Threads without registers of their own choice are an error where the user says so. */
int cryo_tell_registers(struct cryo_work *work)
{
	const struct cryo_process *process = &work->process;

	work->account.n_unstopped =
		process->n_threads - count_sources(process, CRYO_REGISTERS_PTRACE);
	if (!work->account.n_unstopped || !work->reader->request->require_registers)
		return 0;
	tell_why_unstopped(work, CRYOCORE_ERROR);
	cryo_channel_say(work->reader->supervisor, CRYOCORE_ERROR, 0,
		"%" PRIu64
		" of its %zu threads could not be stopped, and --require-registers was given",
		work->account.n_unstopped, process->n_threads);
	return -EBUSY;
}

static void tell_unstopped(const struct cryo_work *work)
{
	static const char could_change[] = "its memory was read while they could change it",
			  dumped[] = "they have ended, and their memory does not change any more",
			  stood_still[] =
				  "they stood still in a stop of their tracer, which was held "
				  "meanwhile: memory and registers are consistent";
	const struct cryo_process *process = &work->process;

	tell_why_unstopped(work, CRYOCORE_WARNING);
	cryo_channel_say(work->reader->supervisor, CRYOCORE_WARNING, 0,
		"%" PRIu64
		" of its %zu threads were not stopped: %s; of their registers, %zu have all "
		"general ones, %zu only pc and sp, %zu none",
		work->account.n_unstopped, process->n_threads,
		work->account.holder                       ? stood_still
		: work->account.stop_error == -EINPROGRESS ? dumped
							   : could_change,
		count_sources(process, CRYO_REGISTERS_BPF),
		count_sources(process, CRYO_REGISTERS_SYSCALL),
		count_sources(process, CRYO_REGISTERS_NONE));
}

static size_t count_incomplete(const struct cryo_process *process)
{
	size_t count = 0;

	for (size_t i = 0; i < process->n_threads; i++)
		count += process->threads[i].incomplete;
	return count;
}

static void tell_files(const struct cryo_work *work)
{
	const char *why = "what files it has mapped could not be asked: names are those of maps";

	if (work->inspector.files_error == -EDEADLK)
		why = "it decides who may open files (fanotify), so none was opened while it "
		      "stood still: names are those of maps";
	cryo_tell(work, CRYOCORE_WARNING, 0, why);
}

void cryo_tell_shortcomings(const struct cryo_work *work)
{
	const struct cryo_written *written = &work->written;

	if (work->inspector.memory_error)
		cryo_tell(work, CRYOCORE_WARNING, work->inspector.memory_error,
			"the lock of its address space (mmap_lock) is held and not given back: "
			"nothing of its memory can be read");
	else if (work->inspector.n_given_up || cryo_copy_n_given_up(work->copy))
		cryo_tell(work, CRYOCORE_WARNING, -ETIMEDOUT,
			"who read it waited in vain, and was given up: something that it has "
			"mapped "
			"does not answer, or it holds the lock of its address space");
	if (written->is_late)
		cryo_tell(work, CRYOCORE_WARNING, -ETIME,
			"the time limit came before the end of its memory: give a longer "
			"--timeout");
	if (work->process.vmas_cut)
		cryo_tell(work, CRYOCORE_WARNING, 0,
			"the kernel gave only a part of the list of its mappings");
	if (work->process.use_unknown)
		cryo_tell(work, CRYOCORE_WARNING, 0,
			"there is no smaps: which of its mappings are used, or not to be dumped, "
			"is "
			"not known");
	if (work->process.filter_unknown)
		cryo_tell(work, CRYOCORE_WARNING, 0,
			"its coredump_filter could not be read: that of most processes was used");
	if (work->process.files_unknown)
		tell_files(work);
	if (written->n_gaps)
		cryo_channel_say(work->reader->supervisor, CRYOCORE_WARNING, 0,
			"%" PRIu64 " bytes of memory in %" PRIu64
			" places could not be read and are holes in the core",
			written->gap_bytes, written->n_gaps);
	if (work->inspector.swap && work->inspector.swap->bytes_left)
		cryo_channel_say(work->reader->supervisor, CRYOCORE_INFO, 0,
			"%" PRIu64
			" bytes of its memory were in swap, and are in memory now: to put them "
			"back, CAP_SYS_NICE and Linux 5.10 are needed, a leader that lives, and "
			"that they are not locked",
			work->inspector.swap->bytes_left);
	if (work->account.n_unstopped)
		tell_unstopped(work);
	if (work->account.sharer)
		cryo_channel_say(work->reader->supervisor, CRYOCORE_WARNING, 0,
			"process %d shares its memory, and ran while it was read: it could change "
			"it",
			work->account.sharer);
	if (count_incomplete(&work->process))
		cryo_tell(work, CRYOCORE_WARNING, 0,
			"a register set of a thread could not be read: its note is missing");
	if (work->process.vmas_torn)
		cryo_tell(work, CRYOCORE_WARNING, 0,
			"its mappings changed while they were read: some may be missing or cut");
	if (work->account.executed)
		cryo_tell(work, CRYOCORE_INFO, 0,
			"it executed another program meanwhile: the core shows the new one");
}
