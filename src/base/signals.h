// SPDX-License-Identifier: MIT
/*
 * What a child has of its parent's signals.
 */
#pragma once

/**
 * cryo_signals_leave - have nothing of the signals of a caller whom we do not know.
 *
 * For a child, right behind fork(2): what the caller handles is ignored, SIGCHLD is as in a new
 * program, and none is blocked. The rest is as the caller has it.
 */
void cryo_signals_leave(void);
