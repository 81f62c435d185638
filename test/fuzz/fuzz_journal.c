// SPDX-License-Identifier: MIT
/*
 * The journal parser. The checksums would keep a fuzzer out, so each line of the input is also
 * tried with the right one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "freeze/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const char *text, size_t size)
{
	_cleanup_journal_state_ struct cryo_journal_state state = {0};

	if (cryo_journal_parse(text, size, &state) < 0)
		return;
	for (size_t i = 0; i < state.n_processes; i++) {
		const struct cryo_journal_process *process = &state.processes[i];

		if (cryo_journal_find(&state, process->pid, process->start_time) != process)
			abort();
		if ((process->engine != CRYO_ENGINE_SIGNAL) != (process->cgroup != NULL))
			abort();
	}
}

/* The lines with checksums that are right. */
static void sign(const char *text, size_t size, struct cryo_buffer *signed_text)
{
	const char *end = text + size;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((newline ? newline : end) - text);

		cryo_buffer_printf(signed_text, "%08x ", cryo_journal_checksum(text, length));
		cryo_buffer_add(signed_text, text, length);
		cryo_buffer_add(signed_text, "\n", 1);
		text += length + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct cryo_buffer signed_text = {0};

	parse((const char *)data, size);
	sign((const char *)data, size, &signed_text);
	if (signed_text.size)
		parse((const char *)signed_text.data, signed_text.size);
	return 0;
}
