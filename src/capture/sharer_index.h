// SPDX-License-Identifier: MIT
/*
 * Which processes share memory with another one at all, known over several captures.
 *
 * To ask for each target who shares with it takes as many questions as there are processes, for
 * each of as many targets. But who shares memory does so from birth (clone(2) with CLONE_VM) and
 * only until it executes a program: once all have been compared, only the numbers that were given
 * out since need to be asked. kcmp(2) orders address spaces, so that to compare all takes a sort.
 *
 * That is of no use for a target which is newer itself: its parent may have shared with nobody
 * then. And the numbers begin anew some time, after which the last one does not tell which are new:
 * all are compared again after a second.
 *
 * A number chosen by its parent (clone3(2) with set_tid, which wants CAP_CHECKPOINT_RESTORE) is not
 * seen to be new.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct cryo_sharer_index - {0} is a new one.
 * @candidates: who shared with somebody, and all numbers that are newer; owned
 * @made_pid: given out last when all were compared; @made_ns: when that was (CLOCK_MONOTONIC)
 * @last_pid: given out last when the candidates were complete
 * @n_asked: captures so far; the first asks all by itself
 * @is_made: @candidates are of use
 */
struct cryo_sharer_index {
	pid_t *candidates;
	size_t count;
	pid_t made_pid, last_pid;
	uint64_t made_ns;
	unsigned int n_asked;
	bool is_made;
};

/**
 * cryo_sharer_index_update - make the candidates complete.
 * @index: NULL: there is none
 * @leader: of the target that they are for
 *
 * Returns whether they are; else all processes have to be asked.
 */
bool cryo_sharer_index_update(struct cryo_sharer_index *index, int procfs, pid_t leader);

/* Two that have ended, or are about to, have nothing in common but that they have no memory;
 * threads of the kernel have none either. */
bool cryo_sharer_has_memory(int procfs, pid_t pid);

void cryo_sharer_index_clear(struct cryo_sharer_index *index);
