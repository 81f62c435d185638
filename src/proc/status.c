// SPDX-License-Identifier: MIT
/*
 * Lines "Key:<tab>value", each known key a row of a table that says how its value is read and where
 * it goes. Unknown keys are skipped: every kernel adds some. The one text that a process chooses
 * here is Name, in which the kernel escapes newlines, so it cannot forge a line.
 */
#include "proc/status.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "proc/procfs.h"
#include "proc/text.h"

struct line {
	const char *key;
	size_t key_size;
	bool (*read)(struct cryo_text *value, void *field);
	size_t offset;
	bool required;
};

static bool read_state(struct cryo_text *value, void *field)
{
	cryo_text_skip_blanks(value);
	if (value->at == value->end)
		return false;
	*(char *)field = *value->at;
	return true;
}

static bool read_int(struct cryo_text *value, void *field)
{
	uint64_t number;

	if (!cryo_text_number(value, 10, &number) || number > INT_MAX)
		return false;
	*(int *)field = (int)number;
	return true;
}

/* Four numbers of 32 bits: uid_t and gid_t alike. */
static bool read_credentials(struct cryo_text *value, void *field)
{
	uint32_t *ids = field;
	uint64_t number;

	for (size_t i = 0; i < 4; i++) {
		if (!cryo_text_number(value, 10, &number) || number > UINT32_MAX)
			return false;
		ids[i] = (uint32_t)number;
	}
	return true;
}

static bool read_ns_ids(struct cryo_text *value, void *field)
{
	struct cryo_ns_ids *ids = field;

	ids->count = 0;
	for (;;) {
		cryo_text_skip_blanks(value);
		if (value->at == value->end)
			return ids->count > 0;
		if (ids->count == CRYO_NS_LEVELS || !read_int(value, &ids->ids[ids->count]))
			return false;
		ids->count++;
	}
}

static bool read_decimal(struct cryo_text *value, void *field)
{
	return cryo_text_number(value, 10, field);
}

static bool read_hex(struct cryo_text *value, void *field)
{
	return cryo_text_number(value, 16, field);
}

#define LINE(key, read, name, required)                                                            \
	{                                                                                          \
		key ":", sizeof(key), read, offsetof(struct cryo_status, name), required           \
	}

static const struct line lines[] = {
	LINE("State", read_state, state, true),
	LINE("Tgid", read_int, tgid, true),
	LINE("Pid", read_int, pid, true),
	LINE("PPid", read_int, ppid, false),
	LINE("TracerPid", read_int, tracer, false),
	LINE("Uid", read_credentials, uid, false),
	LINE("Gid", read_credentials, gid, false),
	LINE("NStgid", read_ns_ids, ns_tgid, false),
	LINE("NSpid", read_ns_ids, ns_pid, false),
	LINE("NSpgid", read_ns_ids, ns_pgid, false),
	LINE("NSsid", read_ns_ids, ns_sid, false),
	LINE("VmRSS", read_decimal, vm_rss_kb, false),
	LINE("RssFile", read_decimal, rss_file_kb, false),
	LINE("VmPTE", read_decimal, vm_pte_kb, false),
	LINE("VmSwap", read_decimal, vm_swap_kb, false),
	LINE("Threads", read_decimal, threads, false),
	LINE("CoreDumping", read_int, core_dumping, false),
	LINE("SigPnd", read_hex, sig_pending, true),
	LINE("ShdPnd", read_hex, shared_pending, true),
	LINE("SigBlk", read_hex, blocked, true),
	LINE("SigIgn", read_hex, ignored, true),
	LINE("SigCgt", read_hex, caught, true),
	LINE("CapPrm", read_hex, cap_permitted, false),
	LINE("CapEff", read_hex, cap_effective, false),
	LINE("voluntary_ctxt_switches", read_decimal, voluntary_switches, false),
	LINE("NoNewPrivs", read_int, no_new_privs, false),
	LINE("Seccomp", read_int, seccomp, false),
};

/* The index of the row that a line belongs to, and its value; ARRAY_SIZE(lines) if it is unknown.
 */
static size_t find_line(struct cryo_text *line)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(lines) && !cryo_text_key(line, lines[i].key, lines[i].key_size))
		i++;
	return i;
}

static bool has_required(uint64_t seen)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (lines[i].required && !(seen >> i & 1))
			return false;
	return true;
}

int cryo_status_parse(const char *text, size_t size, struct cryo_status *ret_status)
{
	struct cryo_text at = cryo_text_of(text, size), line;
	struct cryo_status status = {.core_dumping = -1, .no_new_privs = -1, .seccomp = -1};
	uint64_t seen = 0;

	while (cryo_text_line(&at, &line)) {
		size_t i = find_line(&line);

		if (i == ARRAY_SIZE(lines))
			continue;
		if (!lines[i].read(&line, (char *)&status + lines[i].offset))
			return -EBADMSG;
		seen |= UINT64_C(1) << i;
	}
	if (!has_required(seen))
		return -EBADMSG;
	*ret_status = status;
	return 0;
}

int cryo_status_read(int dir, struct cryo_status *ret_status)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_procfs_read_record(dir, "status", &text);

	return r < 0 ? r : cryo_status_parse((const char *)text.data, text.size, ret_status);
}

/* Only what has memory prints it (fs/proc/array.c), and a leader that has exited has none. */
bool cryo_status_is_dumping(int process, const struct cryo_status *leader)
{
	int dumping = leader->core_dumping;
	_cleanup_free_ pid_t *tids = NULL;
	size_t count = 0;

	if (leader->state != 'Z' || cryo_procfs_list_threads(process, &tids, &count) < 0)
		return dumping > 0;
	for (size_t i = 0; i < count && dumping < 0; i++) {
		_cleanup_close_ int dir = cryo_procfs_open_thread(process, tids[i]);
		struct cryo_status status;

		if (dir >= 0 && cryo_status_read(dir, &status) == 0)
			dumping = status.core_dumping;
	}
	return dumping > 0;
}
