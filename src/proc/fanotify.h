// SPDX-License-Identifier: MIT
/*
 * Who is asked by the kernel whether files may be opened or read (fanotify(7)), as a virus scanner
 * is. While such a process stands still, so does everybody who opens a file that it watches.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether the text of an fdinfo has a mark that lets its owner decide. */
bool cryo_fanotify_parse(const char *text, size_t size);

/* Whether a descriptor is such a group. @process: /proc/PID; @link: the text of its link there */
bool cryo_fanotify_is_asked(int process, int fd, const char *link);

/* Whether a process has such a group among its lowest 1024 descriptors, which it makes first.
 * @process: /proc/PID */
bool cryo_fanotify_decides(int process);
