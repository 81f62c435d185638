// SPDX-License-Identifier: MIT
/*
 * Theory: whoever freezes a machine saws at the branch on which they sit. What must go on is found
 * by relation, not by name: our ancestors; who reads what we print (the same pipe, the other end of
 * the socket, the master side of the terminal: a terminal emulator, sshd, tmux, script); who drives
 * the terminals of those again (the tmux server shows itself on another terminal, and that one
 * belongs to another sshd), with the foreground job of each such terminal; who has the other end of
 * a TCP connection of any of these, if that is on this machine (nc | nc, ssh localhost); who serves
 * the file systems that we use, and the processes that it started.
 */
#include "freeze/roster.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/number.h"
#include "freeze/who.h"
#include "proc/procfs.h"
#include "proc/socket.h"

enum {
	PTY_SLAVE_MAJOR = 136, /* UNIX98_PTY_SLAVE_MAJOR, include/uapi/linux/major.h */
	FORWARDS_MAX = 16,     /* a process with more connections is no link of a chain */
	NEEDS_MAX = 256        /* a chain that is longer is none */
};

static const char *const texts[CRYO_SPARE_COUNT] = {
	[CRYO_SPARE_NONE] = "not spared",
	[CRYO_SPARE_SELF] = "cryocore itself",
	[CRYO_SPARE_GUARD] = "the guard that thaws later",
	[CRYO_SPARE_INIT] = "PID 1",
	[CRYO_SPARE_KTHREAD] = "kernel thread",
	[CRYO_SPARE_ANCESTOR] = "ancestor of cryocore",
	[CRYO_SPARE_USER] = "spared by the user",
	[CRYO_SPARE_JOB] = "in the job of cryocore",
	[CRYO_SPARE_STDIO] = "other end of stdin, stdout or stderr",
	[CRYO_SPARE_NETWORK] = "other end of a local connection that leads to cryocore",
	[CRYO_SPARE_TERMINAL] = "drives the terminal",
	[CRYO_SPARE_OUTPUT] = "serves a file system in use by cryocore",
	[CRYO_SPARE_WATCHDOG] = "holds a watchdog: the machine would reset",
};

const char *cryo_spare_text(enum cryo_spare spare)
{
	return spare < CRYO_SPARE_COUNT ? texts[spare] : texts[CRYO_SPARE_NONE];
}

void cryo_roster_clear(struct cryo_roster *roster)
{
	free(roster->spared);
	cryo_needs_clear(&roster->needs);
	*roster = (struct cryo_roster){0};
}

static const struct cryo_spared *find_spared(const struct cryo_roster *roster, pid_t pid)
{
	for (size_t i = 0; i < roster->count; i++)
		if (roster->spared[i].pid == pid)
			return &roster->spared[i];
	return NULL;
}

static int spare(struct cryo_roster *roster, const struct cryo_row *row, enum cryo_spare why)
{
	struct cryo_spared *spared;

	if (find_spared(roster, row->pid))
		return 0;
	spared = cryo_array_add(roster->spared, roster->count);
	if (!spared)
		return -ENOMEM;
	*spared = (struct cryo_spared){row->pid, row->start_time, why};
	return 0;
}

/*
 * Ourselves and our ancestors. Our process group is a job only if a shell made it for us: without
 * job control everything that a script started is in it.
 */
static int spare_self(struct cryo_roster *roster, const struct cryo_census *census)
{
	const struct cryo_row *self = cryo_census_find(census, roster->request->self), *row;
	int r;

	if (!self)
		return -ESRCH;
	r = spare(roster, self, CRYO_SPARE_SELF);
	row = cryo_census_find(census, self->ppid);
	if (!row || row->pgrp != self->pgrp)
		roster->job = self->pgrp;
	/* A circle cannot be: each is spared only once. */
	while (row && r == 0 && !find_spared(roster, row->pid)) {
		r = spare(roster, row, CRYO_SPARE_ANCESTOR);
		row = cryo_census_find(census, row->ppid);
	}
	return r;
}

/* The search for peers: needs grow while processes are found that have needs themselves. */
struct hunt {
	int procfs;
	const struct cryo_census *census;
	struct cryo_roster *roster;
	bool has_sockets;
	struct cryo_sockets sockets; /* of our network namespace */
};

static void hunt_clear(struct hunt *hunt)
{
	cryo_sockets_clear(&hunt->sockets);
}

/* The socket that a link leads to; NULL if it leads to none that is known. */
static const struct cryo_socket *find_socket(struct hunt *hunt, const char *link)
{
	static const char prefix[] = "socket:[";
	const char *number = link + strlen(prefix);
	uint64_t inode;

	if (strncmp(link, prefix, strlen(prefix)) != 0 ||
		!cryo_number_scan(&number, number + strlen(number), 10, &inode))
		return NULL;
	if (!hunt->has_sockets) {
		_cleanup_close_ int self =
			cryo_procfs_open_process(hunt->procfs, hunt->roster->request->self);

		hunt->has_sockets = true;
		if (self >= 0)
			cryo_sockets_load(self, &hunt->sockets);
	}
	return cryo_sockets_find(&hunt->sockets, inode);
}

static int need_peer(struct hunt *hunt, const struct cryo_socket *socket, enum cryo_spare why)
{
	char other[64];

	snprintf(other, sizeof(other), "socket:[%llu]", (unsigned long long)socket->peer);
	return cryo_needs_add(&hunt->roster->needs, CRYO_NEED_LINK, other, CRYO_NEED_ANY, (int)why);
}

/* A terminal is driven by the holder of its master side; its foreground job is looked through. */
static int need_terminal(struct hunt *hunt, int number)
{
	const dev_t device = makedev(PTY_SLAVE_MAJOR, (unsigned int)number);
	int r = cryo_needs_add(
		&hunt->roster->needs, CRYO_NEED_PTY, NULL, (uint64_t)number, CRYO_SPARE_TERMINAL);

	for (size_t i = 0; i < hunt->census->count && r == 0; i++) {
		const struct cryo_row *row = &hunt->census->rows[i];

		if ((dev_t)row->tty_nr == device && row->pgrp == row->tpgid)
			r = spare(hunt->roster, row, CRYO_SPARE_TERMINAL);
	}
	return r;
}

/* Whoever has the other end of descriptor 0, 1 or 2: the writer of stdin, the readers of the
 * others.
 */
static int need_link(struct hunt *hunt, int fd, const char *link)
{
	const uint64_t access = fd == 0 ? CRYO_NEED_WRITER : CRYO_NEED_READER;
	const struct cryo_socket *socket = find_socket(hunt, link);

	if (cryo_pts_number(link) >= 0)
		return need_terminal(hunt, cryo_pts_number(link));
	if (socket && socket->peer)
		return need_peer(hunt, socket, CRYO_SPARE_STDIO);
	if (strncmp(link, "/dev/", strlen("/dev/")) == 0)
		return 0; /* devices, /dev/null among them, connect nobody */
	return cryo_needs_add(&hunt->roster->needs, CRYO_NEED_LINK, link, access, CRYO_SPARE_STDIO);
}

/* A file that somebody else has open too connects nobody, a FIFO does. */
static bool connects(int process, const char *name, const char *link)
{
	struct statx info;

	return link[0] != '/' || cryo_pts_number(link) >= 0 ||
	       (statx(process, name, AT_STATX_DONT_SYNC, STATX_TYPE, &info) == 0 &&
		       S_ISFIFO(info.stx_mode));
}

/* Whoever is connected with stdin, stdout and stderr of a process, from descriptor `first` on. */
static int need_stdio(struct hunt *hunt, pid_t pid, int first)
{
	_cleanup_close_ int process = cryo_procfs_open_process(hunt->procfs, pid);
	_cleanup_buffer_ struct cryo_buffer link = {0};
	int r = 0;

	for (int fd = first; fd <= STDERR_FILENO && process >= 0 && r == 0; fd++) {
		char name[16];

		snprintf(name, sizeof(name), "fd/%d", fd);
		if (cryo_procfs_readlink(process, name, &link) == 0 &&
			connects(process, name, (char *)link.data))
			r = need_link(hunt, fd, (char *)link.data);
	}
	return r;
}

/* What the descriptors of a process lead to. */
struct links {
	int *terminals;
	const struct cryo_socket **connections;
	size_t n_terminals, n_connections;
};

static void links_clear(struct links *links)
{
	free(links->terminals);
	free(links->connections);
}

/* A TCP connection to a process of this machine. */
static bool is_forward(const struct cryo_socket *socket)
{
	return socket && socket->peer && socket->type == SOCK_STREAM &&
	       (socket->family == AF_INET || socket->family == AF_INET6);
}

static int add_link(struct hunt *hunt, const char *link, struct links *links)
{
	const struct cryo_socket *socket = find_socket(hunt, link), **connection;
	int *terminal;

	if (cryo_pts_number(link) >= 0) {
		terminal = cryo_array_add(links->terminals, links->n_terminals);
		if (!terminal)
			return -ENOMEM;
		*terminal = cryo_pts_number(link);
	}
	if (is_forward(socket)) {
		connection = cryo_array_add(links->connections, links->n_connections);
		if (!connection)
			return -ENOMEM;
		*connection = socket;
	}
	return 0;
}

static int read_links(struct hunt *hunt, pid_t pid, struct links *links)
{
	_cleanup_close_ int process = cryo_procfs_open_process(hunt->procfs, pid);
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
			r = add_link(hunt, (char *)link.data, links);
	}
	return r;
}

/*
 * Where somebody who carries our input or output carries it: over TCP to a process of this machine,
 * and if it drives a terminal, to the terminals on which it shows itself.
 */
static int need_carried(struct hunt *hunt, pid_t pid, bool terminals)
{
	_cleanup_(links_clear) struct links links = {0};
	int r = read_links(hunt, pid, &links);

	for (size_t i = 0; i < links.n_terminals && terminals && r == 0; i++)
		r = need_terminal(hunt, links.terminals[i]);
	if (links.n_connections > FORWARDS_MAX || hunt->roster->needs.count > NEEDS_MAX)
		return r;
	for (size_t i = 0; i < links.n_connections && r == 0; i++)
		r = need_peer(hunt, links.connections[i], CRYO_SPARE_NETWORK);
	return r;
}

/* Ours, and the connections of our ancestors: one of them may be an sshd. */
static int need_own(struct hunt *hunt)
{
	const struct cryo_row *self = cryo_census_find(hunt->census, hunt->roster->request->self);
	size_t ancestors = hunt->roster->count;
	int r = need_stdio(hunt, self->pid, STDIN_FILENO);

	if (r == 0 && major((dev_t)self->tty_nr) == PTY_SLAVE_MAJOR)
		r = need_terminal(hunt, (int)minor((dev_t)self->tty_nr));
	for (size_t i = 0; i < ancestors && r == 0; i++)
		if (hunt->roster->spared[i].why == CRYO_SPARE_ANCESTOR &&
			hunt->roster->spared[i].pid != 1)
			r = need_carried(hunt, hunt->roster->spared[i].pid, false);
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
			const struct cryo_spared *parent = find_spared(hunt->roster, row->ppid);

			if (parent && parent->why == CRYO_SPARE_OUTPUT)
				r = spare(hunt->roster, row, CRYO_SPARE_OUTPUT);
		}
	} while (r == 0 && hunt->roster->count != before);
	return r;
}

static int take_peer(struct hunt *hunt, const struct cryo_peer *peer)
{
	const struct cryo_row *row = cryo_census_find(hunt->census, peer->pid);
	enum cryo_spare why = (enum cryo_spare)hunt->roster->needs.array[peer->need].tag;
	int r = row ? spare(hunt->roster, row, why) : 0;

	if (r == 0 && (why == CRYO_SPARE_STDIO || why == CRYO_SPARE_NETWORK))
		r = need_stdio(hunt, peer->pid, STDOUT_FILENO); /* the pipeline goes on */
	if (r == 0 && (why == CRYO_SPARE_STDIO || why == CRYO_SPARE_NETWORK ||
			      why == CRYO_SPARE_TERMINAL))
		r = need_carried(hunt, peer->pid, why == CRYO_SPARE_TERMINAL);
	return r;
}

/* Search until nobody found needs anything new. */
static int follow_needs(struct hunt *hunt)
{
	size_t first = 0;
	int r = 0;

	while (r == 0 && first < hunt->roster->needs.count) {
		_cleanup_free_ struct cryo_peer *peers = NULL;
		size_t count = 0, searched = hunt->roster->needs.count;

		r = cryo_peers_find(
			hunt->procfs, hunt->census, &hunt->roster->needs, first, &peers, &count);
		for (size_t i = 0; i < count && r == 0; i++)
			r = take_peer(hunt, &peers[i]);
		first = searched;
	}
	return r < 0 ? r : spare_server_children(hunt);
}

static int add_output_needs(struct hunt *hunt)
{
	const struct cryo_outputs *outputs = hunt->roster->request->outputs;
	int r = 0;

	for (size_t i = 0; outputs && i < outputs->needs.count && r == 0; i++) {
		const struct cryo_need *need = &outputs->needs.array[i];

		r = cryo_needs_add(
			&hunt->roster->needs, need->kind, need->link, need->number, need->tag);
	}
	return r;
}

int cryo_roster_make(int procfs, const struct cryo_census *census,
	const struct cryo_roster_request *request, struct cryo_roster *ret_roster)
{
	_cleanup_roster_ struct cryo_roster roster = {
		.request = request, .made_ticks = cryo_ticks_now()};
	_cleanup_(hunt_clear) struct hunt hunt = {
		.procfs = procfs, .census = census, .roster = &roster};
	int r = spare_self(&roster, census);

	if (r == 0)
		r = need_own(&hunt);
	if (r == 0)
		r = add_output_needs(&hunt);
	if (r == 0)
		r = cryo_needs_add(&roster.needs, CRYO_NEED_WATCHDOG, NULL, 0, CRYO_SPARE_WATCHDOG);
	if (r == 0)
		r = follow_needs(&hunt);
	if (r < 0)
		return r;
	*ret_roster = roster;
	roster = (struct cryo_roster){0};
	return 0;
}

static bool is_spared_by_user(
	int procfs, const struct cryo_roster_request *request, const struct cryo_row *row)
{
	for (size_t i = 0; i < request->n_spare; i++)
		if (cryo_who_fits(
			    procfs, request->spare[i], &request->spare_cgroups->array[i], row))
			return true;
	return false;
}

/*
 * A shell, our ancestor, may have started the rest of our pipeline only after the roster was made:
 * a child of it is searched when it is met.
 */
static enum cryo_spare judge_newcomer(
	int procfs, const struct cryo_roster *roster, const struct cryo_row *row)
{
	const struct cryo_spared *parent = find_spared(roster, row->ppid);
	const struct cryo_census census = {(struct cryo_row *)row, 1, 0};
	_cleanup_free_ struct cryo_peer *peers = NULL;
	size_t count = 0;

	if (!parent || parent->why != CRYO_SPARE_ANCESTOR || row->start_time < roster->made_ticks ||
		cryo_peers_find(procfs, &census, &roster->needs, 0, &peers, &count) < 0 ||
		count == 0)
		return CRYO_SPARE_NONE;
	return (enum cryo_spare)roster->needs.array[peers[0].need].tag;
}

enum cryo_spare cryo_roster_judge(
	int procfs, const struct cryo_roster *roster, const struct cryo_row *row)
{
	const struct cryo_roster_request *request = roster->request;
	const struct cryo_spared *spared = find_spared(roster, row->pid);

	if (row->pid == request->self || row->ppid == request->self)
		return row->pid == request->guard ? CRYO_SPARE_GUARD : CRYO_SPARE_SELF;
	if (row->pid == 1)
		return CRYO_SPARE_INIT;
	if (cryo_row_is_kthread(row))
		return CRYO_SPARE_KTHREAD;
	if (spared && spared->start_time == row->start_time)
		return spared->why;
	if (row->pid == request->guard)
		return CRYO_SPARE_GUARD;
	if (is_spared_by_user(procfs, request, row))
		return CRYO_SPARE_USER;
	if (roster->job && row->pgrp == roster->job)
		return CRYO_SPARE_JOB;
	if (request->outputs && cryo_outputs_is_helper(request->outputs->backings, row->comm))
		return CRYO_SPARE_OUTPUT;
	return judge_newcomer(procfs, roster, row);
}
