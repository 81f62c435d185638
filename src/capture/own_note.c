// SPDX-License-Identifier: MIT
/*
 * Text, because who reads it may have nothing but tail(1).
 */
#include "capture/own_note.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "capture/unstopped.h"
#include "config.h"
#include "elf/notes.h"

#define OWNER "CRYOCORE"

static int add_gaps(struct cryo_buffer *text, const struct cryo_written *written)
{
	int r = cryo_buffer_printf(text, "gaps=%" PRIu64 "\ngap-bytes=%" PRIu64 "\n",
		written->n_gaps, written->gap_bytes);

	for (size_t i = 0; i < written->gaps_kept && r == 0; i++) {
		const struct cryo_gap *gap = &written->gaps[i];

		r = cryo_buffer_printf(text, "gap=%016" PRIx64 "-%016" PRIx64 " errno=%d (%s)\n",
			gap->start, gap->end, -gap->error, strerrordesc_np(-gap->error));
	}
	return r;
}

/* Only what differs from an ordinary capture. */
static int add_snapshot(struct cryo_buffer *text, const struct cryo_account *account)
{
	static const char *const ways[] = {
		[CRYOCORE_SNAPSHOT_PRECOPY] = "precopy", [CRYOCORE_SNAPSHOT_FORK] = "fork"};

	if (account->snapshot == CRYOCORE_SNAPSHOT_NONE)
		return 0;
	return cryo_buffer_printf(text, "snapshot=%s\nstops=%" PRIu64 "\npauses-ns=%" PRIu64 "\n",
		ways[account->snapshot], account->n_stops, account->pauses_ns);
}

static int add_threads(struct cryo_buffer *text, const struct cryo_process *process)
{
	static const char *const sources[] = {
		[CRYO_REGISTERS_NONE] = "none known",
		[CRYO_REGISTERS_BPF] = "general ones by BPF, the others unknown",
		[CRYO_REGISTERS_SYSCALL] = "pc and sp by /proc, the others unknown",
	};
	int r = 0;

	for (size_t i = 0; i < process->n_threads && r == 0; i++) {
		const struct cryo_thread *thread = &process->threads[i];

		if (thread->source == CRYO_REGISTERS_PTRACE)
			continue;
		r = cryo_buffer_printf(text,
			"unstopped-thread=%d registers: %s; unknown-general=", thread->ns_tid,
			sources[thread->source]);
		if (r == 0 && !thread->unknown)
			r = cryo_buffer_add(text, "none", 4);
		else if (r == 0)
			r = cryo_unstopped_name_unknown(process->arch, thread->unknown, text);
		if (r == 0)
			r = cryo_buffer_add(text, "\n", 1);
	}
	return r;
}

static int fix_size(struct cryo_buffer *text)
{
	static const char cut[] = "cut=1\n";
	/* Three words of a note's header, and the owner padded to four. */
	const size_t room =
		CRYO_OWN_NOTE_FIXED - 3 * sizeof(uint32_t) - ((sizeof(OWNER) + 3) & ~3UL);
	uint8_t *rest;

	if (text->size > room) {
		text->size = room - sizeof(cut) + 1;
		while (text->size && text->data[text->size - 1] != '\n')
			text->size--;
		cryo_buffer_add(text, cut, sizeof(cut) - 1);
	}
	rest = cryo_buffer_add_zero(text, room - text->size);
	if (!rest)
		return -ENOMEM;
	memset(rest, '\n', (size_t)(text->data + text->size - rest));
	return 0;
}

int cryo_own_note_add(struct cryo_buffer *notes, const struct cryo_process *process,
	const struct cryo_account *account, const struct cryo_written *written, bool fixed)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_buffer_printf(&text,
		"version=" CRYOCORE_VERSION "\npid=%d\nstart-time=%" PRIu64 "\nstarted-ns=%" PRIu64
		"\nended-ns=%" PRIu64 "\npause-ns=%" PRIu64
		"\nthreads=%zu\nunstopped-threads=%" PRIu64 "\nrestarted-syscalls=%" PRIu64
		"\nexecuted-meanwhile=%d\ndata-bytes=%" PRIu64 "\n",
		process->pid, process->start_time, account->started_ns, account->ended_ns,
		account->pause_ns, process->n_threads, account->n_unstopped, account->n_restarted,
		account->executed, written->data_bytes);

	if (r == 0)
		r = cryo_buffer_printf(&text, "fenced=%d\n", account->fenced);
	if (r == 0 && account->holder)
		r = cryo_buffer_printf(&text, "held-tracer=%d\n", account->holder);
	if (r == 0 && account->sharer)
		r = cryo_buffer_printf(&text, "sharing-process=%d\n", account->sharer);
	if (r == 0)
		r = add_snapshot(&text, account);
	if (r == 0)
		r = add_threads(&text, process);
	if (r == 0)
		r = add_gaps(&text, written);
	if (r == 0 && fixed)
		r = fix_size(&text);
	if (r < 0)
		return r;
	return cryo_note_add(notes, process->arch, OWNER, CRYO_NT_CAPTURE, text.data, text.size);
}
