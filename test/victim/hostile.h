// SPDX-License-Identifier: MIT
/*
 * What the hostile states share.
 */
#pragma once

#include <stdnoreturn.h>
#include <sys/types.h>

/* Start a thread with little stack; it is never joined. */
void hostile_thread(void *(*function)(void *), void *argument);

/* Wait until a thread of ours is in one of these states (letters of /proc/PID/stat). */
void hostile_await_state(pid_t tid, const char *states);

/* The same for a child. */
void hostile_await_child(pid_t child, const char *states);

/* Wait until a thread of ours sleeps in a kernel function of this name. */
void hostile_await_wchan(pid_t tid, const char *name);
