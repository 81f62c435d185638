// SPDX-License-Identifier: MIT
/* Fixtures of /proc, as copies that have no byte behind their end: a sanitizer sees every overrun.
 */
#pragma once

#include <stddef.h>

struct fixture {
	char *text; /* no NUL behind it */
	size_t size;
};

/* A file below test/fixtures/proc; the test fails if it is not there. */
struct fixture fixture_load(const char *name);
/* The first `size` bytes of a text. */
struct fixture fixture_of(const char *text, size_t size);
void fixture_free(struct fixture *fixture);

#define _cleanup_fixture_ __attribute__((cleanup(fixture_free)))
