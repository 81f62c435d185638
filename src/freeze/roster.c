// SPDX-License-Identifier: MIT
/*
 * Theory: whoever freezes a machine saws at the branch on which they sit. What must go on is found
 * by relation, not by name: our ancestors, and those with whom we are connected (freeze/hunt.c).
 */
#include "freeze/roster.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"
#include "freeze/hunt.h"
#include "freeze/who.h"
#include "proc/procfs.h"

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
	[CRYO_SPARE_FRONT] = "other end of a socket of what drives the terminal",
	[CRYO_SPARE_OUTPUT] = "serves a file system in use by cryocore",
	[CRYO_SPARE_WATCHDOG] = "holds a watchdog: the machine would reset",
	[CRYO_SPARE_DECISION] = "decides who may open files (fanotify)",
	[CRYO_SPARE_TRACER] = "traces a process that is spared",
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

struct cryo_spared *cryo_roster_find(const struct cryo_roster *roster, pid_t pid)
{
	for (size_t i = 0; i < roster->count; i++)
		if (roster->spared[i].pid == pid)
			return &roster->spared[i];
	return NULL;
}

int cryo_roster_spare(struct cryo_roster *roster, const struct cryo_row *row, enum cryo_spare why)
{
	struct cryo_spared *spared;

	if (cryo_roster_find(roster, row->pid))
		return 0;
	spared = cryo_array_add(roster->spared, roster->count);
	if (!spared)
		return -ENOMEM;
	*spared = (struct cryo_spared){row->pid, row->start_time, why, 0};
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
	r = cryo_roster_spare(roster, self, CRYO_SPARE_SELF);
	row = cryo_census_find(census, self->ppid);
	if (!row || row->pgrp != self->pgrp)
		roster->job = self->pgrp;
	/* A circle cannot be: each is spared only once. */
	while (row && r == 0 && !cryo_roster_find(roster, row->pid)) {
		r = cryo_roster_spare(roster, row, CRYO_SPARE_ANCESTOR);
		row = cryo_census_find(census, row->ppid);
	}
	return r;
}

int cryo_roster_make(int procfs, const struct cryo_census *census,
	const struct cryo_roster_request *request, struct cryo_roster *ret_roster)
{
	_cleanup_roster_ struct cryo_roster roster = {
		.request = request, .made_ticks = cryo_ticks_now()};
	int r = spare_self(&roster, census);

	if (r == 0)
		r = cryo_hunt(procfs, census, &roster);
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

/* The first need that a process satisfies, that is not left out; NULL if it satisfies none. */
static const struct cryo_need *need_of(int procfs, const struct cryo_roster *roster, pid_t pid,
	bool (*is_left_out)(const struct cryo_need *))
{
	_cleanup_(cryo_holders_clear) struct cryo_holders holders = {0};
	_cleanup_free_ struct cryo_peer *peers = NULL;
	size_t count = 0;

	if (cryo_holders_load_one(procfs, pid, CRYO_NEED_KINDS, &holders) < 0 ||
		cryo_peers_find(procfs, &holders, &roster->needs, 0, &peers, &count) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (!is_left_out || !is_left_out(&roster->needs.array[peers[i].need]))
			return &roster->needs.array[peers[i].need];
	return NULL;
}

/* Who writes what we read, holds a watchdog or decides about files, carries nothing of ours. */
static bool carries_nothing(const struct cryo_need *need)
{
	return need->access == CRYO_NEED_WRITER || need->kind == CRYO_HOLD_WATCHDOG ||
	       need->kind == CRYO_HOLD_DECISION;
}

bool cryo_roster_is_carrier(int procfs, const struct cryo_roster *roster, pid_t pid)
{
	return need_of(procfs, roster, pid, carries_nothing);
}

/*
 * A shell, our ancestor, may have started the rest of our pipeline only after the roster was made:
 * a child of it is searched when it is met.
 */
static enum cryo_spare judge_newcomer(
	int procfs, const struct cryo_roster *roster, const struct cryo_row *row)
{
	const struct cryo_spared *parent = cryo_roster_find(roster, row->ppid);
	const struct cryo_need *need;

	if (!parent || parent->why != CRYO_SPARE_ANCESTOR || row->start_time < roster->made_ticks)
		return CRYO_SPARE_NONE;
	need = need_of(procfs, roster, row->pid, NULL);
	return need ? (enum cryo_spare)need->tag : CRYO_SPARE_NONE;
}

/*
 * Children of ours are helpers only if they run our program. Others are those of whoever executed
 * cryocore ("worker & exec cryocore"), and may be anybody. One whose program cannot be told is
 * kept.
 */
static bool is_helper(int procfs, pid_t self, const struct cryo_row *row)
{
	_cleanup_buffer_ struct cryo_buffer ours = {0}, theirs = {0};
	_cleanup_close_ int own = -1, process = -1;

	if (row->ppid != self)
		return false;
	own = cryo_procfs_open_process(procfs, self);
	process = cryo_procfs_open_process(procfs, row->pid);
	return own < 0 || process < 0 || cryo_procfs_readlink(own, "exe", &ours) < 0 ||
	       cryo_procfs_readlink(process, "exe", &theirs) < 0 ||
	       strcmp((char *)ours.data, (char *)theirs.data) == 0;
}

enum cryo_spare cryo_roster_judge(
	int procfs, const struct cryo_roster *roster, const struct cryo_row *row)
{
	const struct cryo_roster_request *request = roster->request;
	const struct cryo_spared *spared = cryo_roster_find(roster, row->pid);

	if (row->pid == request->guard && row->ppid == request->self)
		return CRYO_SPARE_GUARD;
	if (row->pid == request->self || is_helper(procfs, request->self, row))
		return CRYO_SPARE_SELF;
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
