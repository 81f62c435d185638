// SPDX-License-Identifier: MIT
/*
 * The search for those who must go on because of what they are connected with.
 */
#pragma once

#include "freeze/roster.h"

/**
 * cryo_hunt - find them, and whoever they are connected with in turn.
 * @roster: holds ourselves and our ancestors; those found, and what was searched for, are added
 *
 * 0 or -errno.
 */
int cryo_hunt(int procfs, const struct cryo_census *census, struct cryo_roster *roster);
