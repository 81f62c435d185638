// SPDX-License-Identifier: MIT
#include "evidence/open_with.h"

#include <string.h>

#include "base/escape.h"
#include "config.h"

/*
 * Scripts that an ELF file brings along or names are not run, and libthread_db, which gdb would
 * also take from beside the target's libc, comes from this machine only.
 */
int cryo_open_with_gdb(pid_t pid, bool has_exe, bool has_root, struct cryo_buffer *text)
{
	int r = cryo_buffer_printf(text,
		"# Written by cryocore. In the directory that has manifest.json:\n"
		"#     gdb -x proc/%d/gdbinit\n"
		"set auto-load gdb-scripts off\n"
		"set auto-load python-scripts off\n"
		"set libthread-db-search-path $sdir\n",
		pid);

	if (r == 0 && has_root)
		r = cryo_buffer_printf(text, "set sysroot proc/%d/root\n", pid);
	if (r == 0 && has_exe)
		r = cryo_buffer_printf(text, "file proc/%d/exe\n", pid);
	return r < 0 ? r : cryo_buffer_printf(text, "core-file proc/%d/core\n", pid);
}

int cryo_open_with_lldb(pid_t pid, bool has_exe, bool has_root, struct cryo_buffer *text)
{
	int r = cryo_buffer_printf(text,
		"# Written by cryocore. In the directory that has manifest.json:\n"
		"#     lldb -s proc/%d/lldbinit\n"
		"settings set target.load-script-from-symbol-file false\n",
		pid);

	if (r == 0 && has_root)
		r = cryo_buffer_printf(
			text, "platform select --sysroot proc/%d/root remote-linux\n", pid);
	if (r == 0)
		r = cryo_buffer_printf(text, "target create --core proc/%d/core", pid);
	if (r == 0 && has_exe)
		r = cryo_buffer_printf(text, " proc/%d/exe", pid);
	return r < 0 ? r : cryo_buffer_printf(text, "\n");
}

static const char readme_head[] =
	"Evidence of processes, collected by cryocore " CRYOCORE_VERSION ".\n"
	"\n"
	"  manifest.json   every file with its SHA-256, and what could not be had, with the "
	"reason\n"
	"  SHA256SUMS      the same for sha256sum -c\n"
	"  log             what was done, when\n"
	"  proc/PID/       of a process: its core, its program (exe), what the kernel said about "
	"it\n"
	"  proc/PID/root/  programs and libraries that it had mapped, under the names it has for "
	"them\n"
	"  files/          the same, each once, named by its SHA-256\n"
	"\n"
	"All of it comes from the processes: look at it, run none of it. Names in root/ are "
	"escaped\n"
	"(\\xNN). Check it by \"cryocore verify .\" or \"sha256sum -c SHA256SUMS\". Copy it by tar "
	"or\n"
	"\"rsync -aH\": the files in root/ are hard links to those in files/.\n"
	"\n"
	"To open a core, here or on another machine, begin in this directory:\n"
	"\n"
	"  gdb -x proc/PID/gdbinit\n"
	"  lldb -s proc/PID/lldbinit\n"
	"\n"
	"Nothing else of the machine it came from is needed. Separate debug information may be had "
	"by\n"
	"the build-ids, which stand in the manifest: DEBUGINFOD_URLS=https://... gdb -x ...\n"
	"\n"
	"Processes with a core:\n"
	"\n";

int cryo_open_with_readme(
	const struct cryo_open_with_row *rows, size_t n_rows, struct cryo_buffer *text)
{
	int r = cryo_buffer_add(text, readme_head, strlen(readme_head));

	for (size_t i = 0; i < n_rows && r == 0; i++) {
		r = cryo_buffer_printf(text, "  gdb -x proc/%d/gdbinit\t", rows[i].pid);
		if (r == 0)
			r = cryo_escape(text, rows[i].comm, strlen(rows[i].comm));
		if (r == 0)
			r = cryo_buffer_add(text, "\n", 1);
	}
	return r;
}

int cryo_open_with_store(struct cryo_sink *sink, const char *path, const struct cryo_buffer *text,
	struct cryo_deposit_sum *ret_sum)
{
	struct cryo_deposit deposit;
	int r = cryo_deposit_open(sink, path, UINT64_MAX, &deposit);

	if (r < 0)
		return r;
	cryo_deposit_write(&deposit, text->data, text->size);
	return cryo_deposit_commit(&deposit, ret_sum);
}
