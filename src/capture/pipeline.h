// SPDX-License-Identifier: MIT
/*
 * One capture in the reader process: inspect, plan, write, release (by asking for it), record.
 */
#pragma once

#include "capture/work.h"

/* Capture, or go on in the place of a thread that got stuck. 0 or -errno, which has been told. */
int cryo_pipeline_run(struct cryo_work *work);

/* Whether a thread got stuck, and may come back. */
bool cryo_pipeline_gave_up(const struct cryo_work *work);

/* @is_kept: what the work holds in memory stays, since a thread that got stuck may still use it, or
 * the process ends now. */
void cryo_pipeline_clear(struct cryo_work *work, bool is_kept);
