// SPDX-License-Identifier: MIT
/*
 * The roster: who is spared, and why.
 */
#pragma once

#include "freeze/census.h"
#include "freeze/cgroup_name.h"
#include "freeze/outputs.h"
#include "freeze/peers.h"

/* Why a process is not stopped. A process has the first reason that applies. */
enum cryo_spare {
	CRYO_SPARE_NONE,
	CRYO_SPARE_SELF,     /* cryocore itself, and its helpers */
	CRYO_SPARE_GUARD,    /* a guard that thaws later */
	CRYO_SPARE_INIT,     /* PID 1 */
	CRYO_SPARE_KTHREAD,  /* a kernel thread */
	CRYO_SPARE_ANCESTOR, /* an ancestor of cryocore */
	CRYO_SPARE_USER,     /* named by the user */
	CRYO_SPARE_JOB,      /* in the same job as cryocore (process group) */
	CRYO_SPARE_STDIO,    /* holds the other end of our stdin, stdout or stderr */
	CRYO_SPARE_NETWORK,  /* ... or of a connection on this machine that leads to us */
	CRYO_SPARE_TERMINAL, /* drives our terminal, or the terminal of one that does */
	CRYO_SPARE_FRONT,    /* has the other end of a UNIX socket of one that drives a terminal */
	CRYO_SPARE_OUTPUT,   /* serves a file system that we use */
	CRYO_SPARE_WATCHDOG, /* holds a watchdog device: the machine would be reset */
	CRYO_SPARE_DECISION, /* is asked by the kernel whether files may be opened (fanotify) */
	CRYO_SPARE_TRACER,   /* traces one who is spared, and could not go on without it */
	CRYO_SPARE_COUNT
};

/* A few words for each, without a full stop. */
const char *cryo_spare_text(enum cryo_spare spare);

/**
 * struct cryo_roster_request - what the roster is made from.
 * @self: our pid
 * @guard: pid of a guard, 0 for none
 * @spare: what the user spares, words as cryo_who_fits() takes them
 * @spare_cgroups: the same words as cgroups; not NULL if there are any
 * @outputs: file systems that we use; their needs carry the tag CRYO_SPARE_OUTPUT
 * @only_output: only what one output needs is searched: @outputs, or the descriptor @stream_fd of
 *ours if that is not -1; nobody is looked for who reads our messages
 */
struct cryo_roster_request {
	pid_t self;
	pid_t guard;
	const char *const *spare;
	size_t n_spare;
	const struct cryo_cgroup_names *spare_cgroups;
	const struct cryo_outputs *outputs;
	bool only_output;
	int stream_fd;
};

/* A process that is spared for what it is connected with; @followed: of freeze/hunt.c. */
struct cryo_spared {
	pid_t pid;
	uint64_t start_time;
	enum cryo_spare why;
	unsigned int followed;
};

/**
 * struct cryo_roster - the decision.
 * @request: borrowed; must outlive the roster
 * @job: the process group that a shell made for us, 0 if it made none
 * @spared: those found by relation
 * @needs: what was searched for
 * @made_ticks: when; who began later was not searched
 */
struct cryo_roster {
	const struct cryo_roster_request *request;
	pid_t job;
	struct cryo_spared *spared;
	size_t count;
	struct cryo_needs needs;
	uint64_t made_ticks;
};

/* Find out. @census must hold ourselves. 0 or -errno. */
int cryo_roster_make(int procfs, const struct cryo_census *census,
	const struct cryo_roster_request *request, struct cryo_roster *ret_roster);
void cryo_roster_clear(struct cryo_roster *roster);

/* Whoever is spared already under this number; or NULL. */
struct cryo_spared *cryo_roster_find(const struct cryo_roster *roster, pid_t pid);

/* Spare a process, unless it is already, for whatever reason. 0 or -ENOMEM. */
int cryo_roster_spare(struct cryo_roster *roster, const struct cryo_row *row, enum cryo_spare why);

/* Why a process is spared; also for one that began after the roster was made. */
enum cryo_spare cryo_roster_judge(
	int procfs, const struct cryo_roster *roster, const struct cryo_row *row);

/* Whether what we write goes through a process: it has the other end of it, or serves the file
 * system that it goes to. An ancestor of ours may do so, too. */
bool cryo_roster_is_carrier(int procfs, const struct cryo_roster *roster, pid_t pid);

#define _cleanup_roster_ _cleanup_(cryo_roster_clear)
