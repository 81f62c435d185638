// SPDX-License-Identifier: MIT
/*
 * Theory: a descriptor's link text and its fdinfo are printed by the kernel out of the open file,
 * so a process cannot forge "pipe:[N]" or "fuse_connection:" (a path of a real file always begins
 * with '/'). A file name it can choose; so a name only says where it is worth to read fdinfo
 * (drivers/tty/tty_io.c tty_show_fdinfo(), fs/fuse/dev.c fuse_dev_show_fdinfo()).
 *
 * A link below /proc/PID/fd has the permission bits of its descriptor: r if it can read, w if it
 * can write (fs/proc/fd.c tid_fd_update_inode()). So fstatat(2) of the link itself tells which end
 * of a pipe it is.
 */
#include "proc/holders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "proc/fanotify.h"
#include "proc/fdinfo.h"
#include "proc/identity.h"
#include "proc/procfs.h"
#include "proc/stat.h"
#include "proc/text.h"

bool cryo_holders_parse_link(const char *text, size_t size, uint64_t *ret_inode)
{
	struct cryo_text at = cryo_text_of(text, size);
	uint64_t inode;

	if (!cryo_text_key(&at, "pipe:[", 6) && !cryo_text_key(&at, "socket:[", 8))
		return false;
	if (!cryo_text_number(&at, 10, &inode) || !cryo_text_byte(&at, ']') || at.at != at.end)
		return false;
	*ret_inode = inode;
	return true;
}

uint64_t cryo_holders_hash(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
	return hash;
}

/* What is being loaded. */
struct loading {
	struct cryo_holders holders;
	unsigned int kinds;
};

static void loading_clear(struct loading *loading)
{
	cryo_holders_clear(&loading->holders);
}

/* A descriptor as it is looked at. */
struct descriptor {
	int process; /* directory in procfs */
	struct cryo_holder holder;
	char path[32]; /* below it */
	char link[PATH_MAX];
	size_t size;
};

static int keep(struct loading *loading, const struct descriptor *descriptor, enum cryo_hold kind,
	uint64_t key)
{
	struct cryo_holders *holders = &loading->holders;
	struct cryo_holder *holder;

	if (holders->count == CRYO_HOLDERS_MAX) {
		holders->truncated = true;
		return 0;
	}
	holder = cryo_array_add(holders->array, holders->count);
	if (!holder)
		return -ENOMEM;
	*holder = descriptor->holder;
	holder->kind = (uint8_t)kind;
	holder->key = key;
	return 0;
}

static int keep_inode(struct loading *loading, struct descriptor *descriptor)
{
	struct stat status;
	uint64_t inode;

	if (!cryo_holders_parse_link(descriptor->link, descriptor->size, &inode))
		return 0;
	if (fstatat(descriptor->process, descriptor->path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	descriptor->holder.reads = status.st_mode & S_IRUSR;
	descriptor->holder.writes = status.st_mode & S_IWUSR;
	return keep(loading, descriptor, CRYO_HOLD_INODE, inode);
}

static int keep_path(struct loading *loading, struct descriptor *descriptor)
{
	return descriptor->link[0] != '/' ? 0
					  : keep(loading, descriptor, CRYO_HOLD_PATH,
						    cryo_holders_hash(descriptor->link));
}

/* The value of a line of fdinfo. */
static bool read_number(
	const struct descriptor *descriptor, const char *wanted, uint64_t *ret_number)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_text rest, key, value;
	char name[32];

	snprintf(name, sizeof(name), "fdinfo/%d", descriptor->holder.fd);
	if (cryo_procfs_read(descriptor->process, name, 1 << 16, &text) < 0)
		return false;
	rest = cryo_text_of((const char *)text.data, text.size);
	while (cryo_fdinfo_next(&rest, &key, &value))
		if (cryo_text_size(&key) == strlen(wanted) &&
			memcmp(key.at, wanted, strlen(wanted)) == 0)
			return cryo_text_number(&value, 10, ret_number);
	return false;
}

static bool ends_with(const struct descriptor *descriptor, const char *end)
{
	size_t length = strlen(end);

	return descriptor->size >= length &&
	       strcmp(descriptor->link + descriptor->size - length, end) == 0;
}

static int keep_numbered(struct loading *loading, struct descriptor *descriptor, const char *end,
	const char *key, enum cryo_hold kind)
{
	uint64_t number;

	if (descriptor->link[0] != '/' || !ends_with(descriptor, end) ||
		!read_number(descriptor, key, &number))
		return 0;
	return keep(loading, descriptor, kind, number);
}

static int keep_pty(struct loading *loading, struct descriptor *descriptor)
{
	return keep_numbered(loading, descriptor, "ptmx", "tty-index", CRYO_HOLD_PTY);
}

static int keep_fuse(struct loading *loading, struct descriptor *descriptor)
{
	return keep_numbered(loading, descriptor, "/fuse", "fuse_connection", CRYO_HOLD_FUSE);
}

/* A name under /dev that is not a device is a trick; statx(2) so does not ask a file server. */
static int keep_watchdog(struct loading *loading, struct descriptor *descriptor)
{
	static const char prefix[] = "/dev/watchdog";
	struct statx info;

	if (strncmp(descriptor->link, prefix, strlen(prefix)) != 0 ||
		(statx(descriptor->process, descriptor->path, AT_STATX_DONT_SYNC, STATX_TYPE,
			 &info) == 0 &&
			!S_ISCHR(info.stx_mode)))
		return 0;
	return keep(loading, descriptor, CRYO_HOLD_WATCHDOG, 0);
}

static int keep_decision(struct loading *loading, struct descriptor *descriptor)
{
	if (!cryo_fanotify_is_asked(descriptor->process, descriptor->holder.fd, descriptor->link))
		return 0;
	return keep(loading, descriptor, CRYO_HOLD_DECISION, 0);
}

static const struct {
	enum cryo_hold kind;
	int (*keep)(struct loading *loading, struct descriptor *descriptor);
} keepers[] = {
	{CRYO_HOLD_INODE, keep_inode},
	{CRYO_HOLD_PATH, keep_path},
	{CRYO_HOLD_PTY, keep_pty},
	{CRYO_HOLD_FUSE, keep_fuse},
	{CRYO_HOLD_WATCHDOG, keep_watchdog},
	{CRYO_HOLD_DECISION, keep_decision},
};

/* 0 or -ENOMEM; a descriptor that is gone, or is nothing of interest, is passed over. */
static int add_descriptor(struct loading *loading, int process, pid_t pid, int fd)
{
	struct descriptor descriptor = {.process = process,
		.holder = {.pid = pid, .fd = fd, .reads = true, .writes = true}};
	ssize_t n;
	int r = 0;

	snprintf(descriptor.path, sizeof(descriptor.path), "fd/%d", fd);
	n = readlinkat(process, descriptor.path, descriptor.link, sizeof(descriptor.link) - 1);
	if (n < 0)
		return 0;
	descriptor.link[n] = 0;
	descriptor.size = (size_t)n;
	for (size_t i = 0; i < ARRAY_SIZE(keepers) && r == 0; i++)
		if (loading->kinds & keepers[i].kind)
			r = keepers[i].keep(loading, &descriptor);
	return r;
}

static int add_process(struct cryo_holders *holders, int process, pid_t pid)
{
	_cleanup_buffer_ struct cryo_buffer comm = {0};
	struct cryo_holder_process *added =
		cryo_array_add(holders->processes, holders->n_processes);

	if (!added)
		return -ENOMEM;
	*added = (struct cryo_holder_process){.pid = pid};
	if (cryo_procfs_read(process, "comm", sizeof(added->comm), &comm) >= 0 && comm.size > 1)
		memcpy(added->comm, comm.data, comm.size - 1);
	return 0;
}

static int add_descriptors(struct loading *loading, int process, pid_t pid)
{
	struct cryo_holders *holders = &loading->holders;
	size_t before = holders->count, count = 0;
	_cleanup_free_ pid_t *fds = NULL;
	int r = cryo_procfs_list(process, "fd", &fds, &count);

	if (r < 0) {
		holders->truncated |= r == -EACCES || r == -EPERM;
		return r == -ENOMEM ? r : 0;
	}
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_descriptor(loading, process, pid, fds[i]);
	if (r < 0 || !(loading->kinds & CRYO_HOLD_INODE) || holders->count == before)
		return r;
	return add_process(holders, process, pid);
}

static int compare_holders(const void *a, const void *b)
{
	const struct cryo_holder *left = a, *right = b;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	return (left->fd > right->fd) - (left->fd < right->fd);
}

int cryo_holders_open(int procfs, pid_t pid)
{
	_cleanup_close_ int process = cryo_procfs_open_process(procfs, pid);
	struct cryo_stat stat;
	pid_t tid;

	if (process >= 0 && cryo_stat_read(process, &stat) == 0 && stat.state == 'Z' &&
		stat.num_threads > 1) {
		const struct cryo_identity identity = {.pid = pid, .dir = process, .pidfd = -1};
		int live = cryo_identity_open_live(procfs, &identity, &tid);

		if (live >= 0)
			return live;
	}
	return steal_fd(&process);
}

static int load_process(struct loading *loading, int procfs, pid_t pid)
{
	_cleanup_close_ int process = cryo_holders_open(procfs, pid);

	return process < 0 ? 0 : add_descriptors(loading, process, pid);
}

static void hand_over(struct loading *loading, struct cryo_holders *ret_holders)
{
	if (loading->holders.count)
		qsort(loading->holders.array, loading->holders.count,
			sizeof(*loading->holders.array), compare_holders);
	*ret_holders = loading->holders;
	loading->holders = (struct cryo_holders){0};
}

int cryo_holders_load(int procfs, unsigned int kinds, struct cryo_holders *ret_holders)
{
	_cleanup_(loading_clear) struct loading loading = {.kinds = kinds};
	_cleanup_free_ pid_t *pids = NULL;
	size_t count;
	int r = cryo_procfs_list(procfs, ".", &pids, &count);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = load_process(&loading, procfs, pids[i]);
	if (r == 0)
		hand_over(&loading, ret_holders);
	return r;
}

int cryo_holders_load_one(
	int procfs, pid_t pid, unsigned int kinds, struct cryo_holders *ret_holders)
{
	_cleanup_(loading_clear) struct loading loading = {.kinds = kinds};
	int r = load_process(&loading, procfs, pid);

	if (r == 0)
		hand_over(&loading, ret_holders);
	return r;
}

void cryo_holders_clear(struct cryo_holders *holders)
{
	free(holders->array);
	free(holders->processes);
	*holders = (struct cryo_holders){0};
}

static bool is_before(const struct cryo_holder *holder, enum cryo_hold kind, uint64_t key)
{
	return holder->kind < kind || (holder->kind == kind && holder->key < key);
}

const struct cryo_holder *cryo_holders_find(
	const struct cryo_holders *holders, enum cryo_hold kind, uint64_t key, size_t *ret_count)
{
	size_t low = 0, high = holders->count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_before(&holders->array[middle], kind, key))
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < holders->count && holders->array[end].kind == kind &&
			holders->array[end].key == key;
		end++)
		;
	*ret_count = end - low;
	return end > low ? &holders->array[low] : NULL;
}

static int compare_processes(const void *a, const void *b)
{
	const struct cryo_holder_process *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

static int format_holder(const struct cryo_holders *holders, const struct cryo_holder *holder,
	struct cryo_buffer *buffer)
{
	struct cryo_holder_process key = {.pid = holder->pid};
	const struct cryo_holder_process *process =
		holders->n_processes ? bsearch(&key, holders->processes, holders->n_processes,
					       sizeof(key), compare_processes)
				     : NULL;
	int r = cryo_buffer_printf(buffer, "%d(", holder->pid);

	if (r == 0 && process)
		r = cryo_escape_word(
			buffer, process->comm, strnlen(process->comm, sizeof(process->comm)));
	return r < 0 ? r : cryo_buffer_printf(buffer, ")/%d", holder->fd);
}

static bool is_on_side(const struct cryo_holder *holder, enum cryo_holder_side side)
{
	return (side & CRYO_HOLDERS_READERS && holder->reads) ||
	       (side & CRYO_HOLDERS_WRITERS && holder->writes);
}

int cryo_holders_format(const struct cryo_holders *holders, const char *key, uint64_t inode,
	enum cryo_holder_side side, pid_t pid, int fd, struct cryo_buffer *buffer)
{
	size_t count, shown = 0;
	const struct cryo_holder *holder =
		cryo_holders_find(holders, CRYO_HOLD_INODE, inode, &count);
	int r = 0;

	for (; count && r == 0; count--, holder++) {
		if (!is_on_side(holder, side) || (holder->pid == pid && holder->fd == fd))
			continue;
		if (shown++ >= CRYO_HOLDERS_SHOWN)
			continue;
		r = shown == 1 ? cryo_buffer_printf(buffer, " %s=", key)
			       : cryo_buffer_add(buffer, ",", 1);
		if (r == 0)
			r = format_holder(holders, holder, buffer);
	}
	if (r == 0 && shown > CRYO_HOLDERS_SHOWN)
		r = cryo_buffer_printf(buffer, ",+%zu", shown - CRYO_HOLDERS_SHOWN);
	return r;
}
