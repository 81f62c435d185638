// SPDX-License-Identifier: MIT
/*
 * A field is a line KEY=VALUE: values are escaped, so none has a newline. The entry ends with an
 * empty line. A core of a process that lived on has signal 0, since coredumpctl(1) 252 aborts
 * without one. The id of the message is what coredumpctl(1) looks for (SD_MESSAGE_COREDUMP).
 */
#include "evidence/journal_entry.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "elf/core_process.h"
#include "elf/encode.h"
#include "elf/prpsinfo.h"
#include "proc/auxv.h"

struct facts {
	const struct cryo_core *core;
	struct cryo_prpsinfo info;
	bool has_info, has_signal;
	unsigned int signal;
};

/* pr_cursig follows the three ints of pr_info in every struct elf_prstatus. */
static void take_signal(struct facts *facts, const struct cryo_core_note *note)
{
	if (facts->has_signal || note->size < 14)
		return;
	facts->signal = (unsigned int)cryo_decode(
		facts->core->elf_data, note->desc, (struct cryo_field){12, 2});
	facts->has_signal = true;
}

static int take_note(const struct cryo_core_note *note, void *data)
{
	struct facts *facts = data;

	if (strcmp(note->owner, "CORE") != 0 || !facts->core->arch)
		return 0;
	if (note->type == NT_PRSTATUS)
		take_signal(facts, note);
	if (note->type == NT_PRPSINFO && !facts->has_info)
		facts->has_info = cryo_prpsinfo_read(facts->core->arch, note->desc, note->size,
					  &facts->info) == 0;
	return 0;
}

static int add(struct cryo_buffer *text, const char *key, const char *value)
{
	int r = cryo_buffer_printf(text, "%s=", key);

	if (r == 0)
		r = cryo_escape(text, value, strlen(value));
	return r < 0 ? r : cryo_buffer_add(text, "\n", 1);
}

static int add_number(struct cryo_buffer *text, const char *key, uint64_t number)
{
	return cryo_buffer_printf(text, "%s=%" PRIu64 "\n", key, number);
}

static int add_info(const struct facts *facts, struct cryo_buffer *text)
{
	const struct cryo_prpsinfo *info = &facts->info;
	int r;

	if (!facts->has_info)
		return 0;
	r = add_number(text, "COREDUMP_PID", info->pid);
	if (r == 0)
		r = add_number(text, "COREDUMP_UID", info->uid);
	if (r == 0)
		r = add_number(text, "COREDUMP_GID", info->gid);
	if (r == 0)
		r = add(text, "COREDUMP_COMM", info->fname);
	return r < 0 ? r : add(text, "COREDUMP_CMDLINE", info->psargs);
}

/* The program is the file that AT_ENTRY lies in. */
static int add_program(const struct facts *facts, struct cryo_buffer *text)
{
	_cleanup_core_process_ struct cryo_core_process process = {0};
	uint64_t entry;
	int r = cryo_core_process_read(facts->core, &process);

	if (r < 0 || !facts->core->arch ||
		!cryo_auxv_get(process.auxv.data, process.auxv.size,
			cryo_arch_word(facts->core->arch), AT_ENTRY, &entry))
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < process.n_files; i++)
		if (entry >= process.files[i].start && entry < process.files[i].end)
			return add(text, "COREDUMP_EXE", process.files[i].name);
	return 0;
}

static int add_message(const struct facts *facts, struct cryo_buffer *text)
{
	int r = cryo_buffer_printf(text, "MESSAGE=Core of process %" PRIu32 " (", facts->info.pid);

	if (r == 0)
		r = cryo_escape(text, facts->info.fname, strlen(facts->info.fname));
	return r < 0 ? r : cryo_buffer_printf(text, ")\n\n");
}

int cryo_journal_entry(const struct cryo_core *core, const char *path, uint64_t time_ns,
	const char *host, struct cryo_buffer *text)
{
	struct facts facts = {.core = core};
	int r = cryo_core_for_each_note(core, take_note, &facts);

	if (r == 0)
		r = add_number(text, "__REALTIME_TIMESTAMP", time_ns / 1000);
	if (r == 0)
		r = cryo_buffer_printf(text, "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1\n"
					     "PRIORITY=2\nSYSLOG_IDENTIFIER=cryocore\n");
	if (r == 0)
		r = add_info(&facts, text);
	if (r == 0)
		r = add_number(text, "COREDUMP_SIGNAL", facts.signal);
	if (r == 0)
		r = add_number(text, "COREDUMP_TIMESTAMP", time_ns / 1000);
	if (r == 0)
		r = add(text, "COREDUMP_HOSTNAME", host);
	if (r == 0)
		r = add(text, "COREDUMP_FILENAME", path);
	if (r == 0)
		r = add_program(&facts, text);
	return r < 0 ? r : add_message(&facts, text);
}
