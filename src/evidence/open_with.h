// SPDX-License-Identifier: MIT
/*
 * How to open what was collected: command files for gdb and lldb beside each core, and a README.
 *
 * Both debuggers run what such a file says, gdb even shell commands: nothing of a process stands in
 * it, only names and numbers of our own. Paths are relative to the evidence directory, from which
 * the debugger is started: neither can tell where its command file lies.
 */
#pragma once

#include "base/buffer.h"
#include "evidence/deposit.h"

/**
 * cryo_open_with_gdb - commands for gdb -x.
 * @has_exe: there is a copy of the program; @has_root: and of others, in proc/PID/root
 *
 * Appends to @text. 0 or -ENOMEM.
 */
int cryo_open_with_gdb(pid_t pid, bool has_exe, bool has_root, struct cryo_buffer *text);

/* The same for lldb -s. */
int cryo_open_with_lldb(pid_t pid, bool has_exe, bool has_root, struct cryo_buffer *text);

/* A process that has a core: @comm is escaped by us. */
struct cryo_open_with_row {
	pid_t pid;
	const char *comm;
};

/* The README of a collection. Appends to @text. 0 or -ENOMEM. */
int cryo_open_with_readme(
	const struct cryo_open_with_row *rows, size_t n_rows, struct cryo_buffer *text);

/* Make a file of a sink from a text. 0 or -errno of the sink. */
int cryo_open_with_store(struct cryo_sink *sink, const char *path, const struct cryo_buffer *text,
	struct cryo_deposit_sum *ret_sum);
