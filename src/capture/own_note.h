// SPDX-License-Identifier: MIT
/*
 * What cryocore itself has to say about a core: a note of owner CRYOCORE behind the last byte that
 * the ELF headers speak of.
 *
 * No reader and no comparison looks there, so the rest of the file is exactly what the kernel would
 * have written; and it comes last, when gaps and the pause are known, so that a core can be
 * streamed. To find it: the end of the segment with the highest p_offset + p_filesz, or of section
 * header 0 (e_shoff + e_shentsize) where there is one. The desc is text, a line for each fact,
 * "key=value".
 */
#pragma once

#include "capture/write.h"

/* n_type of the note; its owner is "CRYOCORE". */
#define CRYO_NT_CAPTURE 1

/**
 * struct cryo_account - the facts of one capture.
 * @started_ns, @ended_ns: CLOCK_REALTIME
 * @pause_ns: from the first stop request to the last release; of @n_stops stops the longest
 * @pauses_ns: of all stops
 * @snapshot: enum cryocore_snapshot
 * @n_unstopped: threads that live but were not stopped
 * @holder: the tracer in whose ptrace-stop they stood, and which was held; 0: they may have run
 * @stop_error: why, if it was refused; 0 if they only did not stop in time, or were not asked to
 * @n_restarted: system calls that were put back
 * @executed: another program was executed while we looked
 * @fenced: there was a seccomp filter around the reader
 * @stood_ticks: since boot: from when on the threads that could be stopped stood still
 * @sharer: a process that shares the memory without being a thread, and ran meanwhile; 0 if none
 */
struct cryo_account {
	uint64_t started_ns, ended_ns, pause_ns, pauses_ns, n_stops;
	uint32_t snapshot;
	uint64_t n_unstopped, n_restarted;
	int stop_error;
	bool executed, fenced;
	uint64_t stood_ticks;
	pid_t sharer, holder;
};

/* The size of the note in a sparse stream, where it has to be known before the gaps are. */
enum {
	CRYO_OWN_NOTE_FIXED = 16 * 1024
};

/**
 * cryo_own_note_add - append the encoded note.
 * @fixed: make it exactly CRYO_OWN_NOTE_FIXED bytes: newlines are added, or the text ends in a line
 *	"cut=1" where it does not fit
 *
 * 0 or -ENOMEM.
 */
int cryo_own_note_add(struct cryo_buffer *notes, const struct cryo_process *process,
	const struct cryo_account *account, const struct cryo_written *written, bool fixed);
