// SPDX-License-Identifier: MIT
/*
 * Theory: needs grow while processes are found that have needs themselves. Who reads what we print
 * (the same pipe, the other end of the socket, the master side of the terminal: a terminal
 * emulator, sshd, tmux, script); who drives the terminals of those again (the tmux server shows
 * itself on another terminal, and that one belongs to another sshd), with the foreground job of
 * each such terminal; who is connected with what drives one by a UNIX socket (a display server, or
 * the program that shows on another terminal what happens on this one: dtach, zellij); who has the
 * other end of a connection of any of these, over TCP or UDP, in whatever network namespace of this
 * machine (nc | nc, ssh localhost, socat into a container); who serves the file systems that we
 * use, and the processes that it started; who is asked whether a file may be opened (thaw could not
 * even be started without him); and who traces any of these, since they stop at their next system
 * call or signal and wait for him.
 *
 * A process that carries our words may have thousands of connections, and which of them carries the
 * words cannot be seen from outside: all are followed. The numbers below only bound what that may
 * cost.
 */
#include "freeze/hunt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/buffer.h"
#include "freeze/networks.h"
#include "proc/procfs.h"

enum {
	PTY_SLAVE_MAJOR = 136, /* UNIX98_PTY_SLAVE_MAJOR, include/uapi/linux/major.h */
	FORWARDS_MAX = 10000,  /* connections of one process that are followed */
	NEEDS_MAX = 1 << 15    /* in all */
};

/* What of a process was followed; one bit each. */
enum {
	FOLLOWED_STDIO = 1 << 0,
	FOLLOWED_CONNECTIONS = 1 << 1,
	FOLLOWED_TERMINALS = 1 << 2,
	FOLLOWED_FRONTS = 1 << 3
};

struct hunt {
	int procfs;
	const struct cryo_census *census;
	struct cryo_roster *roster;
	struct cryo_networks networks; /* listed when the first socket is met */
	struct cryo_holders holders;
};

static void hunt_clear(struct hunt *hunt)
{
	cryo_networks_clear(&hunt->networks);
	cryo_holders_clear(&hunt->holders);
}

static int need(struct hunt *hunt, enum cryo_hold kind, uint64_t key, enum cryo_spare why)
{
	const struct cryo_need need = {.kind = kind, .key = key, .tag = (int)why};

	return cryo_needs_add(&hunt->roster->needs, &need);
}

/* A socket as a link names it, in the namespace that it belongs to. */
struct found {
	const struct cryo_socket *socket;
	struct cryo_network *home;
};

/* @network: of the process that has it; NULL at first. 0, -ENOENT if the link leads to none that is
 * known, or -ENOMEM.
 */
static int find_socket(struct hunt *hunt, pid_t pid, struct cryo_network **network,
	const char *link, struct found *found)
{
	uint64_t inode;
	int r = 0;

	if (strncmp(link, "socket:", strlen("socket:")) != 0 ||
		!cryo_holders_parse_link(link, strlen(link), &inode))
		return -ENOENT;
	if (!hunt->networks.count)
		r = cryo_networks_list(
			hunt->procfs, hunt->roster->request->self, hunt->census, &hunt->networks);
	if (r < 0)
		return r;
	if (!*network)
		*network = cryo_networks_of(&hunt->networks, pid);
	found->socket = cryo_networks_socket(&hunt->networks, *network, inode, &found->home);
	return found->socket ? 0 : -ENOENT;
}

/* 0, -ENOENT if there are none on this machine, or -ENOMEM. */
static int need_other_ends(struct hunt *hunt, const struct found *found, enum cryo_spare why)
{
	_cleanup_free_ uint64_t *inodes = NULL;
	size_t count;
	int r = cryo_networks_other_ends(
		&hunt->networks, found->home, found->socket, &inodes, &count);

	for (size_t i = 0; i < count && r == 0; i++)
		r = need(hunt, CRYO_HOLD_INODE, inodes[i], why);
	return r == 0 && count == 0 ? -ENOENT : r;
}

/* A terminal is driven by the holder of its master side; its foreground job is looked through. */
static int need_terminal(struct hunt *hunt, int number)
{
	const dev_t device = makedev(PTY_SLAVE_MAJOR, (unsigned int)number);
	int r = need(hunt, CRYO_HOLD_PTY, (uint64_t)number, CRYO_SPARE_TERMINAL);

	for (size_t i = 0; i < hunt->census->count && r == 0; i++) {
		const struct cryo_row *row = &hunt->census->rows[i];

		if ((dev_t)row->tty_nr == device && row->pgrp == row->tpgid)
			r = cryo_roster_spare(hunt->roster, row, CRYO_SPARE_TERMINAL);
	}
	return r;
}

/* A file that somebody else has open too connects nobody, a FIFO does. */
static bool connects(int process, const char *name, const char *link)
{
	struct statx info;

	return link[0] != '/' || cryo_pts_number(link) >= 0 ||
	       (statx(process, name, AT_STATX_DONT_SYNC, STATX_TYPE, &info) == 0 &&
		       S_ISFIFO(info.stx_mode));
}

/*
 * Whoever has the other end of a descriptor: the writer of stdin, the readers of the others. Of a
 * socket whose other end is not to be had, those who share it.
 */
static int need_link(struct hunt *hunt, pid_t pid, int fd, const char *link)
{
	bool is_input = fd == STDIN_FILENO && !hunt->roster->request->only_output;
	struct cryo_need other = {.kind = CRYO_HOLD_INODE,
		.access = is_input ? CRYO_NEED_WRITER : CRYO_NEED_READER,
		.tag = CRYO_SPARE_STDIO};
	struct cryo_network *network = NULL;
	struct found found;
	int r;

	if (cryo_pts_number(link) >= 0)
		return need_terminal(hunt, cryo_pts_number(link));
	r = find_socket(hunt, pid, &network, link, &found);
	if (r == 0)
		r = need_other_ends(hunt, &found, CRYO_SPARE_STDIO);
	if (r != -ENOENT || strncmp(link, "/dev/", strlen("/dev/")) == 0)
		return r == -ENOENT ? 0 : r; /* devices, /dev/null among them, connect nobody */
	if (link[0] == '/') {
		other.kind = CRYO_HOLD_PATH;
		other.path = (char *)link;
	} else if (!cryo_holders_parse_link(link, strlen(link), &other.key)) {
		return 0;
	}
	return cryo_needs_add(&hunt->roster->needs, &other);
}

/* Whoever is connected with descriptors of a process. */
static int need_descriptors(struct hunt *hunt, pid_t pid, int first, int last)
{
	_cleanup_close_ int process = cryo_holders_open(hunt->procfs, pid);
	_cleanup_buffer_ struct cryo_buffer link = {0};
	int r = 0;

	for (int fd = first; fd <= last && process >= 0 && r == 0; fd++) {
		char name[16];

		snprintf(name, sizeof(name), "fd/%d", fd);
		if (cryo_procfs_readlink(process, name, &link) == 0 &&
			connects(process, name, (char *)link.data))
			r = need_link(hunt, pid, fd, (char *)link.data);
	}
	return r;
}

/* What the descriptors of a process lead to. */
struct links {
	struct cryo_network *network;
	int *terminals;
	struct found *connections;
	size_t n_terminals, n_connections;
};

static void links_clear(struct links *links)
{
	free(links->terminals);
	free(links->connections);
}

/* A connection that may lead to a process of this machine. */
static bool is_forward(const struct cryo_socket *socket)
{
	return cryo_socket_is_connected(socket) &&
	       (socket->type == SOCK_STREAM || socket->type == SOCK_DGRAM);
}

/* A display server, or a client of the program that drives a terminal. */
static bool is_front(const struct cryo_socket *socket)
{
	return socket->family == AF_UNIX && socket->type != SOCK_DGRAM && socket->peer;
}

static int add_link(
	struct hunt *hunt, pid_t pid, unsigned int follow, const char *link, struct links *links)
{
	struct found found, *connection;
	int *terminal, r;

	if (cryo_pts_number(link) >= 0) {
		terminal = cryo_array_add(links->terminals, links->n_terminals);
		if (!terminal)
			return -ENOMEM;
		*terminal = cryo_pts_number(link);
	}
	r = find_socket(hunt, pid, &links->network, link, &found);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if ((follow & FOLLOWED_CONNECTIONS && is_forward(found.socket)) ||
		(follow & FOLLOWED_FRONTS && is_front(found.socket))) {
		connection = cryo_array_add(links->connections, links->n_connections);
		if (!connection)
			return -ENOMEM;
		*connection = found;
	}
	return 0;
}

static int read_links(struct hunt *hunt, pid_t pid, unsigned int follow, struct links *links)
{
	_cleanup_close_ int process = cryo_holders_open(hunt->procfs, pid);
	_cleanup_buffer_ struct cryo_buffer link = {0};
	_cleanup_free_ pid_t *fds = NULL;
	size_t count = 0;
	int r = 0;

	if (process < 0 || cryo_procfs_list(process, "fd", &fds, &count) < 0)
		return 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		char name[32];

		snprintf(name, sizeof(name), "fd/%d", fds[i]);
		if (cryo_procfs_readlink(process, name, &link) == 0)
			r = add_link(hunt, pid, follow, (char *)link.data, links);
	}
	return r;
}

/*
 * Where somebody who carries our input or output carries it: over a connection to a process of this
 * machine, and if it drives a terminal, to the terminals on which it shows itself, and to what is
 * connected with it.
 */
static int need_carried(struct hunt *hunt, pid_t pid, unsigned int follow)
{
	_cleanup_(links_clear) struct links links = {0};
	int r = read_links(hunt, pid, follow, &links);

	for (size_t i = 0; i < links.n_terminals && follow & FOLLOWED_TERMINALS && r == 0; i++)
		r = need_terminal(hunt, links.terminals[i]);
	if (links.n_connections > FORWARDS_MAX || hunt->roster->needs.count > NEEDS_MAX)
		return r;
	for (size_t i = 0; i < links.n_connections && r == 0; i++) {
		r = need_other_ends(hunt, &links.connections[i],
			is_front(links.connections[i].socket) ? CRYO_SPARE_FRONT
							      : CRYO_SPARE_NETWORK);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* Ours, and the connections of our ancestors: one of them may be an sshd. */
static int need_own(struct hunt *hunt)
{
	const struct cryo_roster_request *request = hunt->roster->request;
	const struct cryo_row *self = cryo_census_find(hunt->census, request->self);
	size_t ancestors = hunt->roster->count;
	int r;

	if (request->only_output)
		return request->stream_fd < 0 ? 0
					      : need_descriptors(hunt, self->pid,
							request->stream_fd, request->stream_fd);
	r = need_descriptors(hunt, self->pid, STDIN_FILENO, STDERR_FILENO);
	if (r == 0 && major((dev_t)self->tty_nr) == PTY_SLAVE_MAJOR)
		r = need_terminal(hunt, (int)minor((dev_t)self->tty_nr));
	for (size_t i = 0; i < ancestors && r == 0; i++)
		if (hunt->roster->spared[i].why == CRYO_SPARE_ANCESTOR &&
			hunt->roster->spared[i].pid != 1)
			r = need_carried(hunt, hunt->roster->spared[i].pid, FOLLOWED_CONNECTIONS);
	return r;
}

/* Whoever serves a file system may have children that do the work (sshfs has an ssh). */
static int spare_server_children(struct hunt *hunt)
{
	size_t before;
	int r = 0;

	do {
		before = hunt->roster->count;
		for (size_t i = 0; i < hunt->census->count && r == 0; i++) {
			const struct cryo_row *row = &hunt->census->rows[i];
			const struct cryo_spared *parent =
				cryo_roster_find(hunt->roster, row->ppid);

			if (parent && parent->why == CRYO_SPARE_OUTPUT)
				r = cryo_roster_spare(hunt->roster, row, CRYO_SPARE_OUTPUT);
		}
	} while (r == 0 && hunt->roster->count != before);
	return r;
}

/* What of a process is to be followed now, and was not before. */
static unsigned int to_follow(struct hunt *hunt, pid_t pid, enum cryo_spare why)
{
	struct cryo_spared *spared = cryo_roster_find(hunt->roster, pid);
	unsigned int wanted = 0;

	if (why == CRYO_SPARE_STDIO || why == CRYO_SPARE_NETWORK || why == CRYO_SPARE_TRACER)
		wanted = FOLLOWED_STDIO | FOLLOWED_CONNECTIONS;
	else if (why == CRYO_SPARE_TERMINAL)
		wanted = FOLLOWED_CONNECTIONS | FOLLOWED_TERMINALS | FOLLOWED_FRONTS;
	else if (why == CRYO_SPARE_FRONT)
		wanted = FOLLOWED_TERMINALS;
	if (!spared)
		return 0;
	wanted &= ~spared->followed;
	spared->followed |= wanted;
	return wanted;
}

static int take(struct hunt *hunt, const struct cryo_row *row, enum cryo_spare why)
{
	int r = row ? cryo_roster_spare(hunt->roster, row, why) : 0;
	unsigned int follow = row && r == 0 ? to_follow(hunt, row->pid, why) : 0;
	int last = hunt->roster->request->only_output ? STDOUT_FILENO : STDERR_FILENO;

	if (follow & FOLLOWED_STDIO) /* the pipeline goes on */
		r = need_descriptors(hunt, row->pid, STDOUT_FILENO, last);
	if (r == 0 && follow & ~(unsigned int)FOLLOWED_STDIO)
		r = need_carried(hunt, row->pid, follow);
	return r;
}

/* Search from need number @first on until nobody found needs anything new. */
static int follow_needs(struct hunt *hunt, size_t first)
{
	int r = 0;

	while (r == 0 && first < hunt->roster->needs.count) {
		_cleanup_free_ struct cryo_peer *peers = NULL;
		size_t count = 0, searched = hunt->roster->needs.count;

		r = cryo_peers_find(
			hunt->procfs, &hunt->holders, &hunt->roster->needs, first, &peers, &count);
		for (size_t i = 0; i < count && r == 0; i++)
			r = take(hunt, cryo_census_find(hunt->census, peers[i].pid),
				(enum cryo_spare)hunt->roster->needs.array[peers[i].need].tag);
		first = searched;
	}
	return r < 0 ? r : spare_server_children(hunt);
}

/* The tracers of all who are spared, the user's among them, but for kernel threads. */
static int spare_tracers(struct hunt *hunt)
{
	int r = 0;

	for (size_t i = 0; i < hunt->census->count && r == 0; i++) {
		struct cryo_row row = hunt->census->rows[i];

		if (cryo_row_is_kthread(&row) ||
			cryo_roster_judge(hunt->procfs, hunt->roster, &row) == CRYO_SPARE_NONE)
			continue;
		cryo_row_complete(hunt->procfs, &row);
		if (row.tracer)
			r = take(hunt, cryo_census_find(hunt->census, row.tracer),
				CRYO_SPARE_TRACER);
	}
	return r;
}

/* ... and whom those need in turn, until there is nobody more. */
static int follow_all(struct hunt *hunt)
{
	size_t before, searched;
	int r = follow_needs(hunt, 0);

	if (hunt->roster->request->only_output)
		return r;
	do {
		before = hunt->roster->count;
		searched = hunt->roster->needs.count;
		if (r == 0)
			r = spare_tracers(hunt);
		if (r == 0)
			r = follow_needs(hunt, searched);
	} while (r == 0 && hunt->roster->count != before);
	return r;
}

static int add_output_needs(struct hunt *hunt)
{
	const struct cryo_outputs *outputs = hunt->roster->request->outputs;
	int r = 0;

	for (size_t i = 0; outputs && i < outputs->needs.count && r == 0; i++)
		r = cryo_needs_add(&hunt->roster->needs, &outputs->needs.array[i]);
	return r;
}

int cryo_hunt(int procfs, const struct cryo_census *census, struct cryo_roster *roster)
{
	_cleanup_(hunt_clear) struct hunt hunt = {
		.procfs = procfs, .census = census, .roster = roster};
	int r = cryo_holders_load(procfs, CRYO_NEED_KINDS, &hunt.holders);

	if (r == 0)
		r = need_own(&hunt);
	if (r == 0)
		r = add_output_needs(&hunt);
	if (r == 0 && !roster->request->only_output)
		r = need(&hunt, CRYO_HOLD_WATCHDOG, 0, CRYO_SPARE_WATCHDOG);
	if (r == 0 && !roster->request->only_output)
		r = need(&hunt, CRYO_HOLD_DECISION, 0, CRYO_SPARE_DECISION);
	return r < 0 ? r : follow_all(&hunt);
}
