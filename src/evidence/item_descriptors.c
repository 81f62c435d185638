// SPDX-License-Identifier: MIT
/*
 * dirs_and_descriptors: where the process stands and what it holds, a line for each, in six columns
 * divided by tabs (doc/evidence.md describes them for readers):
 *
 *	name  type  flags  position  target  details
 *
 * What a line says comes from the text of the link, from fdinfo, and from statx(2) with
 * AT_STATX_DONT_SYNC, which does not ask a file server. Nothing of the target is opened. A line is
 * written before the next descriptor is looked at, so a million of them need no memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "evidence/item.h"
#include "proc/fdinfo.h"
#include "proc/procfs.h"

enum {
	TARGETS_SHOWN = 64 /* of an epoll, inotify or fanotify descriptor */
};

/* One descriptor while its line is made. */
struct line {
	const struct cryo_collector *collector;
	int fd;                  /* -1: cwd or root */
	const char *path;        /* below the task's directory */
	struct cryo_buffer link; /* text of the link */
	struct cryo_buffer info; /* text of fdinfo */
	struct cryo_fdinfo fdinfo;
	struct statx status;
	bool has_info, has_status;
	struct cryo_buffer details;
};

static void line_clear(struct line *line)
{
	cryo_buffer_clear(&line->link);
	cryo_buffer_clear(&line->info);
	cryo_buffer_clear(&line->details);
}

static bool link_begins(const struct line *line, const char *prefix)
{
	return line->link.size >= strlen(prefix) &&
	       memcmp(line->link.data, prefix, strlen(prefix)) == 0;
}

static bool is_deleted(const struct line *line)
{
	return line->has_status && line->status.stx_nlink == 0 &&
	       (S_ISREG(line->status.stx_mode) || S_ISDIR(line->status.stx_mode));
}

/* ---- types ---- */

/* By the link, since the kernel gives all of these the same mode; the first prefix that fits. */
static const struct {
	const char *prefix, *type;
} link_types[] = {
	{"socket:[", "socket"},
	{"pipe:[", "pipe"},
	{"anon_inode:[eventpoll]", "epoll"},
	{"anon_inode:[io_uring]", "io_uring"},
	{"anon_inode:[userfaultfd]", "userfaultfd"},
	{"anon_inode:[perf_event]", "perf_event"},
	{"anon_inode:[", "anon"}, /* and then what stands in the brackets */
	{"anon_inode:", "anon"},
	{"pidfd:[", "pidfd"},
	{"net:[", "namespace"},
	{"mnt:[", "namespace"},
	{"pid:[", "namespace"},
	{"user:[", "namespace"},
	{"uts:[", "namespace"},
	{"ipc:[", "namespace"},
	{"cgroup:[", "namespace"},
	{"time:[", "namespace"},
	{"/secretmem", "secretmem"},
	{"/dmabuf:", "dmabuf"},
};

static const struct {
	mode_t mode;
	const char *type;
} mode_types[] = {
	{S_IFREG, "file"},
	{S_IFDIR, "directory"},
	{S_IFCHR, "char"},
	{S_IFBLK, "block"},
	{S_IFIFO, "fifo"},
	{S_IFLNK, "symlink"},
	{S_IFSOCK, "socket"},
};

/* The name of an anonymous inode: "anon_inode:[NAME]" or "anon_inode:NAME". */
static int add_anonymous_type(const struct line *line, struct cryo_deposit *deposit)
{
	const char *name = (const char *)line->link.data + strlen("anon_inode:");
	size_t size = line->link.size - strlen("anon_inode:");

	if (size >= 2 && name[0] == '[' && name[size - 1] == ']') {
		name++;
		size -= 2;
	}
	return cryo_deposit_escape(deposit, name, size, true);
}

static int add_type(const struct line *line, struct cryo_deposit *deposit)
{
	if (link_begins(line, "/memfd:") && is_deleted(line))
		return cryo_deposit_printf(deposit, "memfd");
	for (size_t i = 0; i < ARRAY_SIZE(link_types); i++)
		if (link_begins(line, link_types[i].prefix) && line->fd >= 0)
			return strcmp(link_types[i].type, "anon") == 0
				       ? add_anonymous_type(line, deposit)
				       : cryo_deposit_printf(deposit, "%s", link_types[i].type);
	for (size_t i = 0; line->has_status && i < ARRAY_SIZE(mode_types); i++)
		if ((line->status.stx_mode & S_IFMT) == mode_types[i].mode)
			return cryo_deposit_printf(deposit, "%s", mode_types[i].type);
	return cryo_deposit_printf(deposit, "unknown");
}

/* ---- details ---- */

static int detail_status(struct line *line)
{
	const struct statx *status = &line->status;
	unsigned int type = status->stx_mode & S_IFMT;
	int r;

	if (!line->has_status || line->link.size == 0 || line->link.data[0] != '/')
		return 0;
	r = cryo_buffer_printf(&line->details,
		"%s dev=%u:%u ino=%llu mode=%06o uid=%u gid=%u nlink=%u",
		is_deleted(line) ? " deleted" : "", status->stx_dev_major, status->stx_dev_minor,
		(unsigned long long)status->stx_ino, status->stx_mode, status->stx_uid,
		status->stx_gid, status->stx_nlink);
	if (r == 0 && type == S_IFREG)
		r = cryo_buffer_printf(&line->details, " size=%llu blocks=%llu",
			(unsigned long long)status->stx_size,
			(unsigned long long)status->stx_blocks);
	if (r == 0 && (type == S_IFCHR || type == S_IFBLK))
		r = cryo_buffer_printf(&line->details, " rdev=%u:%u", status->stx_rdev_major,
			status->stx_rdev_minor);
	return r;
}

static int detail_pipe(struct line *line, uint64_t inode)
{
	const struct cryo_collector *collector = line->collector;
	int r = cryo_holders_format(collector->holders, "readers", inode, CRYO_HOLDERS_READERS,
		collector->pid, line->fd, &line->details);

	return r < 0 ? r
		     : cryo_holders_format(collector->holders, "writers", inode,
			       CRYO_HOLDERS_WRITERS, collector->pid, line->fd, &line->details);
}

/* The protocol's name by the file itself: also for sockets that are in no table (xattr(7)). */
static int detail_protocol(struct line *line, const struct cryo_socket *socket)
{
	char path[64], name[64];
	ssize_t n;

	if (socket)
		return cryo_buffer_printf(&line->details, " protocol=%s", socket->protocol);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", line->collector->live, line->path);
	n = getxattr(path, "system.sockprotoname", name, sizeof(name));
	if (n <= 0)
		return 0;
	n = (ssize_t)strnlen(name, (size_t)n);
	if (cryo_buffer_printf(&line->details, " protocol=") < 0)
		return -ENOMEM;
	return cryo_escape_word(&line->details, name, (size_t)n);
}

static int detail_socket(struct line *line, uint64_t inode)
{
	const struct cryo_collector *collector = line->collector;
	const struct cryo_socket *socket =
		collector->sockets ? cryo_sockets_find(collector->sockets, inode) : NULL;
	int r = detail_protocol(line, socket);

	if (r == 0 && socket)
		r = cryo_socket_format(socket, &line->details);
	if (r == 0 && socket && socket->peer)
		r = cryo_buffer_printf(
			&line->details, " peer-inode=%llu", (unsigned long long)socket->peer);
	if (r == 0 && socket && socket->peer && collector->holders)
		r = cryo_holders_format(collector->holders, "peer", socket->peer, CRYO_HOLDERS_ANY,
			collector->pid, line->fd, &line->details);
	if (r == 0 && collector->holders)
		r = cryo_holders_format(collector->holders, "shared", inode, CRYO_HOLDERS_ANY,
			collector->pid, line->fd, &line->details);
	return r;
}

static int detail_ends(struct line *line)
{
	const char *link = (const char *)line->link.data;
	uint64_t inode;

	if (!cryo_holders_parse_link(link, line->link.size, &inode))
		return 0;
	if (link_begins(line, "socket:"))
		return detail_socket(line, inode);
	return line->collector->holders ? detail_pipe(line, inode) : 0;
}

static bool key_is(const struct cryo_text *key, const char *word)
{
	return cryo_text_size(key) == strlen(word) && memcmp(key->at, word, strlen(word)) == 0;
}

static int add_word(struct line *line, const struct cryo_text *text)
{
	return cryo_escape_word(&line->details, text->at, cryo_text_size(text));
}

/* "tfd:  5 events: 19 data: 5  pos:0 ino:1a sdev:8" becomes watch=5/19 */
static int detail_epoll(struct line *line, struct cryo_text *value)
{
	struct cryo_text target, events;

	cryo_text_skip_blanks(value);
	if (!cryo_text_until(value, ' ', &target) || !cryo_fdinfo_word(value, "events", &events))
		return 0;
	if (cryo_buffer_printf(&line->details, " watch=") < 0 || add_word(line, &target) < 0 ||
		cryo_buffer_add(&line->details, "/", 1) < 0)
		return -ENOMEM;
	return add_word(line, &events);
}

/* "inotify wd:1 ino:1a sdev:8 mask:..." becomes watch=8:1a/MASK, as the kernel has it: in hex */
static int detail_notify(struct line *line, const struct cryo_text *value)
{
	struct cryo_text device, inode, mask;

	if (!cryo_fdinfo_word(value, "sdev", &device) || !cryo_fdinfo_word(value, "ino", &inode) ||
		!cryo_fdinfo_word(value, "mask", &mask))
		return 0;
	if (cryo_buffer_printf(&line->details, " watch=") < 0 || add_word(line, &device) < 0 ||
		cryo_buffer_add(&line->details, ":", 1) < 0 || add_word(line, &inode) < 0 ||
		cryo_buffer_add(&line->details, "/", 1) < 0)
		return -ENOMEM;
	return add_word(line, &mask);
}

static int detail_pair(
	struct line *line, const struct cryo_text *key, const struct cryo_text *value)
{
	if (cryo_buffer_add(&line->details, " ", 1) < 0 || add_word(line, key) < 0 ||
		cryo_buffer_add(&line->details, "=", 1) < 0)
		return -ENOMEM;
	return add_word(line, value);
}

static bool is_notify(const struct cryo_text *text)
{
	struct cryo_text at = *text;

	return cryo_text_key(&at, "inotify wd", 10) || cryo_text_key(&at, "fanotify ", 9);
}

static int detail_info_line(struct line *line, struct cryo_text whole, size_t *targets)
{
	struct cryo_text key, value, rest = whole;
	bool epoll, notify = is_notify(&whole);

	if (!cryo_fdinfo_next(&rest, &key, &value))
		return 0;
	epoll = key_is(&key, "tfd");
	if ((epoll || notify) && (*targets)++ >= TARGETS_SHOWN)
		return 0;
	if (epoll)
		return detail_epoll(line, &value);
	return notify ? detail_notify(line, &whole) : detail_pair(line, &key, &value);
}

/* Everything else that the kernel tells about the file: eventfd-count=..., Pid=..., prog_id=... */
static int detail_info(struct line *line)
{
	struct cryo_text rest = line->fdinfo.rest, whole;
	size_t targets = 0;
	int r = 0;

	while (line->has_info && r == 0 && cryo_text_line(&rest, &whole))
		r = detail_info_line(line, whole, &targets);
	if (r == 0 && targets > TARGETS_SHOWN)
		r = cryo_buffer_printf(&line->details, " watches=+%zu", targets - TARGETS_SHOWN);
	return r;
}

/* ---- lines ---- */

static int look(struct line *line)
{
	const struct cryo_collector *collector = line->collector;
	char path[32];
	int r = cryo_procfs_readlink(collector->live, line->path, &line->link);

	line->details.size = 0;
	line->has_info = false;
	if (r < 0)
		return r;
	line->has_status = statx(collector->live, line->path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
				   STATX_BASIC_STATS, &line->status) == 0;
	if (line->fd < 0)
		return 0;
	snprintf(path, sizeof(path), "fdinfo/%d", line->fd);
	line->has_info = cryo_procfs_read(collector->live, path, 0, &line->info) >= 0 &&
			 cryo_fdinfo_parse((const char *)line->info.data, line->info.size,
				 &line->fdinfo) == 0;
	return 0;
}

static int add_flags(const struct line *line, struct cryo_deposit *deposit)
{
	_cleanup_buffer_ struct cryo_buffer flags = {0};

	if (!line->has_info)
		return cryo_deposit_printf(deposit, "\t-\t-\t");
	if (cryo_fdinfo_format_flags(line->fdinfo.flags, &flags) < 0)
		return -ENOMEM;
	return cryo_deposit_printf(deposit, "\t%s\t%llu\t", (const char *)flags.data,
		(unsigned long long)line->fdinfo.position);
}

static int add_details(struct line *line, struct cryo_deposit *deposit)
{
	int r = detail_status(line);

	if (r == 0)
		r = detail_ends(line);
	if (r == 0)
		r = detail_info(line);
	if (r < 0)
		return r;
	return cryo_deposit_printf(
		deposit, "\t%s\n", line->details.size ? (const char *)line->details.data + 1 : "-");
}

static int add_line(struct line *line, const char *name, struct cryo_deposit *deposit)
{
	int r = look(line);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return cryo_deposit_printf(deposit, "%s\tunknown\t-\t-\t-\terrno=%d\n", name, -r);
	r = cryo_deposit_printf(deposit, "%s\t", name);
	if (r == 0)
		r = add_type(line, deposit);
	if (r == 0)
		r = add_flags(line, deposit);
	if (r == 0)
		r = cryo_deposit_escape(deposit, line->link.data, line->link.size, false);
	return r < 0 ? r : add_details(line, deposit);
}

static int add_descriptors(struct line *line, struct cryo_deposit *deposit)
{
	_cleanup_free_ pid_t *fds = NULL;
	size_t count;
	int r = cryo_procfs_list(line->collector->live, "fd", &fds, &count);

	for (size_t i = 0; r == 0 && i < count; i++) {
		char path[32];

		line->fd = fds[i];
		snprintf(path, sizeof(path), "fd/%d", fds[i]);
		line->path = path;
		r = add_line(line, path + strlen("fd/"), deposit);
	}
	return r;
}

int cryo_item_descriptors(const struct cryo_collector *collector, struct cryo_deposit *deposit)
{
	_cleanup_(line_clear) struct line line = {.collector = collector, .fd = -1};
	static const char *const directories[] = {"cwd", "root"};
	int r = cryo_deposit_printf(deposit, "#name\ttype\tflags\tposition\ttarget\tdetails\n");

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(directories); i++) {
		line.path = directories[i];
		r = add_line(&line, directories[i], deposit);
	}
	if (r < 0)
		return r;
	if (collector->holders && collector->holders->truncated)
		r = cryo_deposit_printf(deposit, "#other ends are not complete\n");
	return r < 0 ? r : add_descriptors(&line, deposit);
}
