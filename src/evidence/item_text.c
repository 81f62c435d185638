// SPDX-License-Identifier: MIT
/*
 * Items that gather many small files of procfs into one text.
 *
 * ns: a line "NAME<TAB>LINK" for each entry of /proc/PID/ns, e.g. "net<TAB>net:[4026531840]".
 *
 * fdinfo: for each descriptor a line "fd N" and then /proc/PID/fdinfo/N as it is; a descriptor that
 * could not be read has "error: N" instead.
 *
 * threads: a heading, and a line for each thread with these columns, divided by tabs; "-" is
 * unknown: tid, state, comm (escaped), wchan, syscall (number, "running", or -1 outside of a system
 * call), pc, sp, policy (SCHED_* of sched(7)), rt_priority, nice, cpu (last used), utime, stime
 * (clock ticks), starttime (clock ticks since boot).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "evidence/item.h"
#include "proc/procfs.h"
#include "proc/text.h"

int cryo_item_namespaces(const struct cryo_collector *collector, struct cryo_deposit *deposit)
{
	static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid",
		"pid_for_children", "time", "time_for_children", "user", "uts"};
	_cleanup_buffer_ struct cryo_buffer link = {0};
	int r, error = -ENOENT;
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[32];

		snprintf(path, sizeof(path), "ns/%s", names[i]);
		r = cryo_procfs_readlink(collector->live, path, &link);
		if (r < 0) {
			error = r;
			continue;
		}
		any = true;
		r = cryo_deposit_printf(deposit, "%s\t%s\n", names[i], (const char *)link.data);
		if (r < 0)
			return r;
	}
	return any ? 0 : error;
}

static int add_fdinfo(int dir, int fd, struct cryo_buffer *text, struct cryo_deposit *deposit)
{
	char name[16];
	int r;

	snprintf(name, sizeof(name), "%d", fd);
	r = cryo_deposit_printf(deposit, "fd %d\n", fd);
	if (r < 0)
		return r;
	r = cryo_procfs_read(dir, name, 0, text);
	if (r < 0)
		return cryo_deposit_printf(deposit, "error: %d\n", -r);
	return cryo_deposit_add(deposit, text->data, text->size);
}

int cryo_item_fdinfo(const struct cryo_collector *collector, struct cryo_deposit *deposit)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	_cleanup_free_ pid_t *fds = NULL;
	size_t count;
	int r = cryo_procfs_list(collector->live, "fdinfo", &fds, &count);
	_cleanup_close_ int dir =
		r < 0 ? -1 : openat(collector->live, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (r == 0 && dir < 0)
		return -errno;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_fdinfo(dir, fds[i], &text, deposit);
	return r;
}

enum {
	COMM = 2,        /* between "(" and the last ")" */
	FIRST_FIELD = 3, /* of what follows ") " in stat: the state (proc_pid_stat(5)) */
	LAST_FIELD = 41, /* policy */
	FIELDS = LAST_FIELD + 1
};

/* The comm, and the words behind it, by their numbers in proc_pid_stat(5); the rest is "-". */
static void split_stat(const struct cryo_buffer *stat, struct cryo_text ret_fields[FIELDS])
{
	static const char unknown[] = "-";
	struct cryo_text text = cryo_text_of((const char *)stat->data, stat->size);
	const char *open = stat->size ? memchr(text.at, '(', cryo_text_size(&text)) : NULL;
	const char *close = stat->size ? memrchr(text.at, ')', cryo_text_size(&text)) : NULL;

	for (size_t i = 0; i < FIELDS; i++)
		ret_fields[i] = (struct cryo_text){unknown, unknown + 1};
	if (open && close > open + 1)
		ret_fields[COMM] = (struct cryo_text){open + 1, close};
	text.at = close ? close + 1 : text.end;
	if (!cryo_text_byte(&text, ' '))
		return;
	for (size_t i = FIRST_FIELD; i < FIELDS && cryo_text_until(&text, ' ', &ret_fields[i]); i++)
		;
}

/* "NR ARG... SP PC", "-1 SP PC", "running" (proc_pid_syscall(5)). */
static void split_syscall(const struct cryo_buffer *text, struct cryo_text *ret_number,
	struct cryo_text *ret_pc, struct cryo_text *ret_sp)
{
	static const char unknown[] = "-";
	struct cryo_text at = cryo_text_of((const char *)text->data, text->size), line, word;
	struct cryo_text none = {unknown, unknown + 1};
	size_t words = 0;

	*ret_number = *ret_pc = *ret_sp = none;
	if (!cryo_text_line(&at, &line))
		return;
	for (; cryo_text_until(&line, ' ', &word); words++) {
		if (words == 0)
			*ret_number = word;
		*ret_sp = *ret_pc;
		*ret_pc = word;
	}
	if (words < 3)
		*ret_pc = *ret_sp = none;
}

static int add_column(struct cryo_deposit *deposit, const struct cryo_text *text)
{
	int r = cryo_deposit_printf(deposit, "\t");

	return r < 0 ? r : cryo_deposit_escape(deposit, text->at, cryo_text_size(text), false);
}

/* The text of a small file without its last newline; "-" if it cannot be read or is empty. */
static struct cryo_text read_word(int dir, const char *name, struct cryo_buffer *buffer)
{
	int r = cryo_procfs_read(dir, name, 4096, buffer);
	struct cryo_text text = cryo_text_of((const char *)buffer->data, r < 0 ? 0 : buffer->size);

	if (text.at != text.end && text.end[-1] == '\n')
		text.end--;
	return text.at == text.end ? cryo_text_of("-", 1) : text;
}

static int add_thread(
	int process, pid_t tid, struct cryo_buffer buffers[3], struct cryo_deposit *deposit)
{
	static const unsigned int columns[] = {41, 40, 19, 39, 14, 15, 22};
	struct cryo_text fields[FIELDS], number, pc, sp, wchan;
	_cleanup_close_ int dir = cryo_procfs_open_thread(process, tid);
	int r;

	if (dir < 0 || cryo_procfs_read(dir, "stat", 0, &buffers[0]) < 0)
		return cryo_deposit_printf(deposit, "%d\tgone\n", tid);
	split_stat(&buffers[0], fields);
	wchan = read_word(dir, "wchan", &buffers[1]);
	if (cryo_procfs_read(dir, "syscall", 4096, &buffers[2]) < 0)
		buffers[2].size = 0;
	split_syscall(&buffers[2], &number, &pc, &sp);
	r = cryo_deposit_printf(deposit, "%d", tid);
	for (size_t i = 0; i < 6 && r == 0; i++)
		r = add_column(deposit, (const struct cryo_text *[]){&fields[3], &fields[COMM],
						&wchan, &number, &pc, &sp}[i]);
	for (size_t i = 0; i < ARRAY_SIZE(columns) && r == 0; i++)
		r = add_column(deposit, &fields[columns[i]]);
	return r < 0 ? r : cryo_deposit_printf(deposit, "\n");
}

int cryo_item_threads(const struct cryo_collector *collector, struct cryo_deposit *deposit)
{
	struct cryo_buffer buffers[3] = {0};
	_cleanup_free_ pid_t *tids = NULL;
	size_t count;
	int r = cryo_procfs_list_threads(collector->process, &tids, &count);

	if (r == 0)
		r = cryo_deposit_printf(deposit,
			"#tid\tstate\tcomm\twchan\tsyscall\tpc\tsp\tpolicy\trt_priority\tnice\tcpu"
			"\tutime\tstime\tstarttime\n");
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_thread(collector->process, tids[i], buffers, deposit);
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
		cryo_buffer_clear(&buffers[i]);
	return r;
}
