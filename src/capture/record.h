// SPDX-License-Identifier: MIT
/*
 * Record: what is done when the target is released. The end of the core, its name, and the copy of
 * the executable.
 */
#pragma once

#include "capture/work.h"

/* Finish the core, read its frame back, give it its name, and report it. 0 or -errno, and words. */
int cryo_record_core(struct cryo_work *work);

/* Copy the executable, if that is wanted. What goes wrong is a warning. */
void cryo_record_exe(struct cryo_work *work);
