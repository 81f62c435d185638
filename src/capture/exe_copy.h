// SPDX-License-Identifier: MIT
/*
 * The copy of the executable that goes with a core.
 */
#pragma once

#include "capture/output.h"

/* Copy a whole file, its holes as holes. 0 or -errno of either side. */
int cryo_exe_copy(int exe, struct cryo_output *output);
