// SPDX-License-Identifier: MIT
/*
 * What a child that is forked without execve(2) has of its parent's descriptors.
 */
#pragma once

#include <stddef.h>

/**
 * cryo_inherited_leave - let go of them, in the child.
 * @kept: @count of them that are needed
 *
 * The rest is closed, but for files whose server would be asked about it; stdin, stdout and stderr
 * are /dev/null, unless they are ours (FD_CLOEXEC).
 */
void cryo_inherited_leave(const int *kept, size_t count);
