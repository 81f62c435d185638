// SPDX-License-Identifier: MIT
/*
 * Which pages of a running process are written: its private memory is write-protected by a
 * userfaultfd of its own (UFFD_FEATURE_WP_ASYNC, Linux 6.7), which the kernel itself resolves at
 * the first write to each page, and PAGEMAP_SCAN tells for which pages it did (enum cryo_scan).
 *
 * All of it ends when the last descriptor of the userfaultfd is closed, however that comes about:
 * then nothing is protected any more.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct cryo_page_set;

/* Whether this kernel can, tried on ourselves. 0 or -errno. */
int cryo_tracking_probe(void);

/* The call that makes the descriptor in the process that is to be tracked, and its flags. */
#define CRYO_TRACKING_CALL 323 /* userfaultfd(2) of x86-64 */
uint64_t cryo_tracking_flags(void);

/* Choose the features of a fresh userfaultfd. 0, or -errno: this kernel has not what is needed. */
int cryo_tracking_begin(int userfaultfd);

/* Track what lies in a range of mapped memory. 0, -EBUSY if the process has a userfaultfd of its
 * own there, or -errno. Nothing is protected before it is scanned. */
int cryo_tracking_add(int userfaultfd, uint64_t start, uint64_t end);

/**
 * cryo_tracking_end - end the tracking of a process that runs.
 * @userfaultfd: closed
 * @seen: its ranges are what is tracked
 * @seen, @stored: pages that are presumably there, in the one or in the other
 * @steps: grows with each piece
 *
 * That takes 30 to 100 ns for each page, in which the process cannot change its mappings. So it is
 * done in pieces, between which it may; where no page is known the pieces are larger. If the
 * process has ended, or executes another program, there is nothing left to do.
 */
void cryo_tracking_end(int userfaultfd, const struct cryo_page_set *seen,
	const struct cryo_page_set *stored, _Atomic uint64_t *steps);
