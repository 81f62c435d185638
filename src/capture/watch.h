// SPDX-License-Identifier: MIT
/*
 * The reader's second thread looks whether the first is stuck, and takes its place.
 */
#pragma once

#include "capture/work.h"

/**
 * cryo_watch_start - watch the calling thread, which works by work->guard.
 * @go_on: what another thread then does in its place; never returns there
 *
 * What it was stuck at is noted in the work. 0 or -errno.
 */
int cryo_watch_start(struct cryo_work *work, void (*go_on)(struct cryo_work *work));

/* From the one to the other nobody looks at the work, which may become another one meanwhile. */
void cryo_watch_pause(void);
void cryo_watch_resume(void);
