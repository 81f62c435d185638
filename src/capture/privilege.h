// SPDX-License-Identifier: MIT
/*
 * A cryocore that was installed setuid root, or with file capabilities, runs with privileges that
 * its user does not have. They are "borrowed": kept out of the effective set except where /proc is
 * read and ptrace is called, and good for the user's own processes only.
 */
#pragma once

#include <stdbool.h>

#include "proc/status.h"

/* Whether we were executed with privileges that our user does not have (AT_SECURE, getauxval(3)).
 */
bool cryo_privilege_is_borrowed(void);

/**
 * cryo_privilege_drop - become the user who started us.
 *
 * Borrowed or not: real, effective and saved ids are the user's afterwards. Of borrowed
 * capabilities only CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH stay, and only in the permitted set.
 * Root's own are not touched. Returns 0 or -errno.
 */
int cryo_privilege_drop(void);

/* Put what cryo_privilege_drop() has kept into the effective set of this thread, and take it out.
 * Nothing happens unless privileges are borrowed. */
void cryo_privilege_raise(void);
void cryo_privilege_lower(void);

/* Whether the user who started us may capture a process: with borrowed privileges only one whose
 * ids are all that user's. */
bool cryo_privilege_allows(const struct cryo_status *target);
