// SPDX-License-Identifier: MIT
/*
 * A file server that answers nobody: whoever asks it anything may never come back, and a child that
 * cannot die can be left behind.
 */
#pragma once

#include <stdbool.h>

/**
 * cryo_answer_is_given - whether the file system of a path, which need not exist, answers.
 * @procfs: to look at who asks it
 *
 * Only a server is asked, by a child, and for some seconds.
 */
bool cryo_answer_is_given(int procfs, const char *path);
