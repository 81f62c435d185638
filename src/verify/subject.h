// SPDX-License-Identifier: MIT
/*
 * A core under examination: what the checks share. For the files of this folder alone.
 */
#pragma once

#include "elf/core_process.h"
#include "verify/verdict.h"

/**
 * struct cryo_thread_notes - the notes of one thread.
 * @regsets: bit N: the regset in row N of the architecture follows its PRSTATUS
 */
struct cryo_thread_notes {
	pid_t tid, pgrp, sid;
	bool fpvalid;
	uint32_t regsets;
};

/**
 * struct cryo_subject - the core and what was learned from it.
 * @process: what its notes say
 * @threads: one for each PRSTATUS of the right size; owned
 * @signal: that killed the process
 * @end: of everything that its headers speak of, in the file
 * @claimed_threads: by our own note; -1 if it does not say so
 * @by_gdb: gdb made it: no segment for what it does not dump, a SIGINFO for every thread
 * @is_snapshot: by our own note: then segments need not stand in the order of their addresses
 * @all_stopped: no note of our own says that registers are missing
 */
struct cryo_subject {
	const struct cryo_core *core;
	struct cryo_verdict *verdict;
	struct cryo_core_process process;
	struct cryo_thread_notes *threads;
	size_t n_threads;
	int signal;
	uint64_t end;
	int64_t claimed_threads;
	bool by_gdb;
	bool is_snapshot;
	bool all_stopped;
};

/* ELF header, section headers, program headers; finds the end. 0 or -errno. */
int cryo_check_layout(struct cryo_subject *subject);

/* Our own note behind the end, or nothing. 0 or -errno. */
int cryo_check_tail(struct cryo_subject *subject);

/* The rules that segments follow, if most of them do. */
void cryo_check_rules(struct cryo_subject *subject);

/* Notes one by one, and those of each thread. 0 or -errno. */
int cryo_check_notes(struct cryo_subject *subject);

/* Threads, files and the auxiliary vector against the segments and each other. */
void cryo_check_process(struct cryo_subject *subject);

/* Whether the process had an address mapped, as its segments or its files say. */
bool cryo_subject_maps(const struct cryo_subject *subject, uint64_t address);
