// SPDX-License-Identifier: MIT
/*
 * Memory of ours that has its pages before they are needed.
 */
#pragma once

#include <stddef.h>

/* The usual size of a huge page. Where it is larger, pages are small. */
#define CRYO_HUGE_PAGE ((size_t)2 << 20)

/**
 * cryo_pages_make - give private anonymous memory of ours its pages, and leave its content.
 *
 * Between its ends huge ones, where a whole one has its place and the kernel has one: their 2 MiB
 * are made in 0.1 ms instead of 1 ms, and given back as fast. What cannot be made is made when it
 * is touched.
 */
void cryo_pages_make(void *start, size_t size);
