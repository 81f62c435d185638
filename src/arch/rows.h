// SPDX-License-Identifier: MIT
/*
 * The table of rows. Only arch.c looks things up in it; a port adds to rows.c and to nothing else.
 */
#pragma once

#include "arch/arch.h"

/* Ends with a row whose name is NULL. */
extern const struct cryo_arch cryo_arch_rows[];
