// SPDX-License-Identifier: MIT
/*
 * Theory: a descriptor's link text and its fdinfo are printed by the kernel out of the open file,
 * so a process cannot forge "pipe:[N]" or "fuse_connection:" (a path of a real file always begins
 * with '/'). A file name it can choose; so a name only says where it is worth to read fdinfo
 * (drivers/tty/tty_io.c tty_show_fdinfo(), fs/fuse/dev.c fuse_dev_show_fdinfo()).
 */
#include "freeze/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/number.h"
#include "proc/procfs.h"

static bool same_need(
	const struct cryo_need *need, enum cryo_need_kind kind, const char *link, uint64_t number)
{
	return need->kind == kind && need->number == number &&
	       (kind != CRYO_NEED_LINK || strcmp(need->link, link) == 0);
}

int cryo_needs_add(struct cryo_needs *needs, enum cryo_need_kind kind, const char *link,
	uint64_t number, int tag)
{
	_cleanup_free_ char *copy = link ? strdup(link) : NULL;
	struct cryo_need *need;

	for (size_t i = 0; i < needs->count; i++)
		if (same_need(&needs->array[i], kind, link, number))
			return 0;
	if (link && !copy)
		return -ENOMEM;
	need = cryo_array_add(needs->array, needs->count);
	if (!need)
		return -ENOMEM;
	*need = (struct cryo_need){kind, steal_ptr(copy), number, tag};
	return 0;
}

void cryo_needs_clear(struct cryo_needs *needs)
{
	for (size_t i = 0; i < needs->count; i++)
		free(needs->array[i].link);
	free(needs->array);
	*needs = (struct cryo_needs){0};
}

int cryo_pts_number(const char *link)
{
	static const char prefix[] = "/dev/pts/";
	uint64_t number;

	if (strncmp(link, prefix, strlen(prefix)) != 0 ||
		cryo_number_parse(link + strlen(prefix), 10, &number) < 0 || number > INT32_MAX)
		return -1;
	return (int)number;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The value of a "key:<blank>N" line of fdinfo. */
static bool fdinfo_number(
	int process, pid_t fd, const char *key, unsigned int base, uint64_t *ret_number)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	char name[32];
	const char *at;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	if (cryo_procfs_read(process, name, 1 << 16, &text) < 0 || text.size == 0)
		return false;
	at = strstr((char *)text.data, key);
	if (!at || (at != (char *)text.data && at[-1] != '\n'))
		return false;
	at += strlen(key);
	return cryo_number_scan(&at, (char *)text.data + text.size, base, ret_number);
}

/* A name under /dev that is not a device is a trick; statx(2) so does not ask a file server. */
static bool is_watchdog(int process, pid_t fd, const char *link)
{
	struct statx info;
	char name[32];

	if (strncmp(link, "/dev/watchdog", strlen("/dev/watchdog")) != 0)
		return false;
	snprintf(name, sizeof(name), "fd/%d", fd);
	return statx(process, name, AT_STATX_DONT_SYNC, STATX_TYPE, &info) < 0 ||
	       S_ISCHR(info.stx_mode);
}

static bool is_numbered(
	int process, pid_t fd, const char *link, const char *end, const char *key, uint64_t number)
{
	uint64_t found;

	return ends_with(link, end) && fdinfo_number(process, fd, key, 10, &found) &&
	       found == number;
}

/* Whether a descriptor is the end of the pipe that is searched (O_ACCMODE of its flags). */
static bool has_access(int process, pid_t fd, uint64_t access)
{
	uint64_t flags;

	if (access == CRYO_NEED_ANY || !fdinfo_number(process, fd, "flags:", 8, &flags))
		return true;
	flags &= O_ACCMODE;
	return flags == O_RDWR ||
	       flags == (access == CRYO_NEED_READER ? (uint64_t)O_RDONLY : (uint64_t)O_WRONLY);
}

static bool satisfies(const struct cryo_need *need, int process, pid_t fd, const char *link)
{
	switch (need->kind) {
	case CRYO_NEED_LINK:
		return strcmp(link, need->link) == 0 && has_access(process, fd, need->number);
	case CRYO_NEED_PTY:
		return is_numbered(process, fd, link, "ptmx", "tty-index:", need->number);
	case CRYO_NEED_FUSE:
		return is_numbered(process, fd, link, "/fuse", "fuse_connection:", need->number);
	case CRYO_NEED_WATCHDOG:
		return is_watchdog(process, fd, link);
	}
	return false;
}

struct search {
	const struct cryo_needs *needs;
	size_t first;
	struct cryo_peer *peers;
	size_t count;
};

static void search_clear(struct search *search)
{
	free(search->peers);
}

static int search_descriptor(struct search *search, pid_t pid, int process, pid_t fd)
{
	_cleanup_buffer_ struct cryo_buffer link = {0};
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", fd);
	if (cryo_procfs_readlink(process, name, &link) < 0)
		return 0;
	for (size_t i = search->first; i < search->needs->count; i++) {
		struct cryo_peer *peer;

		if (!satisfies(&search->needs->array[i], process, fd, (char *)link.data))
			continue;
		peer = cryo_array_add(search->peers, search->count);
		if (!peer)
			return -ENOMEM;
		*peer = (struct cryo_peer){pid, i};
	}
	return 0;
}

static int search_process(struct search *search, int procfs, pid_t pid)
{
	_cleanup_close_ int process = cryo_procfs_open_process(procfs, pid);
	_cleanup_free_ pid_t *fds = NULL;
	size_t count = 0;
	int r = 0;

	if (process < 0 || cryo_procfs_list(process, "fd", &fds, &count) < 0)
		return 0;
	for (size_t i = 0; i < count && r == 0; i++)
		r = search_descriptor(search, pid, process, fds[i]);
	return r;
}

int cryo_peers_find(int procfs, const struct cryo_census *census, const struct cryo_needs *needs,
	size_t first, struct cryo_peer **ret_peers, size_t *ret_count)
{
	_cleanup_(search_clear) struct search search = {needs, first, NULL, 0};

	for (size_t i = 0; i < census->count && first < needs->count; i++) {
		const struct cryo_row *row = &census->rows[i];
		int r = cryo_row_is_kthread(row) ? 0 : search_process(&search, procfs, row->pid);

		if (r < 0)
			return r;
	}
	*ret_count = search.count;
	*ret_peers = steal_ptr(search.peers);
	return 0;
}
