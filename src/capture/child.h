// SPDX-License-Identifier: MIT
/*
 * What the tracer and the reader have in common: they are children that must not be ended by what
 * is meant for the supervisor.
 */
#pragma once

#include <sys/types.h>

/**
 * cryo_child_begin - the first thing that a child does.
 * @parent: pid of the supervisor, as it was before fork()
 * @death_signal: sent to us when it dies (PR_SET_PDEATHSIG)
 * @kept: the descriptor that is still needed, if it is one of stdin, stdout and stderr, which are
 *	given up; -1 if none is
 *
 * Ends the process if the supervisor is dead already. Keyboard signals, SIGPIPE and SIGXFSZ are
 * ignored: a Ctrl-C or Ctrl-Z goes to the whole process group, but it is the supervisor that
 * decides.
 */
void cryo_child_begin(pid_t parent, int death_signal, int kept);
