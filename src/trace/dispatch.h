// SPDX-License-Identifier: MIT
/*
 * Syscall user dispatch (prctl(2), PR_SET_SYSCALL_USER_DISPATCH): a thread has its own system calls
 * sent to itself as SIGSYS, but those from one range of code. A byte of its memory switches that on
 * and off. A call that we run in it, or make it run once more, would be such a signal: and its end,
 * if it has no handler or the signal is blocked.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether a stopped tracee has it. It is not known before Linux 6.4: false. */
bool cryo_dispatch_is_on(pid_t tid);
