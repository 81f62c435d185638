// SPDX-License-Identifier: MIT
/*
 * How a file that may be large is written: into the page cache, or through it to the disk at once
 * (RWF_DONTCACHE, Linux 6.14), so that it does not throw out what others have there, and is durable
 * sooner. Used by several threads.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct cryo_dropbehind - of one file.
 * @wanted: it is large, and goes to where that exists
 * @is_slow: the disk: the page cache gets the rest
 * @bytes, @ns: what was written since the last look at the disk, and the time that took
 */
struct cryo_dropbehind {
	_Atomic bool wanted, is_slow;
	_Atomic uint64_t bytes, ns;
};

/* Bytes of a file that the page cache of this machine takes as fast as memory. */
uint64_t cryo_dropbehind_share(void);

/* Say how many bytes will be written, about. */
void cryo_dropbehind_expect(struct cryo_dropbehind *behind, uint64_t bytes);

/* Take into account that some bytes took some time to be written through the page cache. */
void cryo_dropbehind_note(struct cryo_dropbehind *behind, uint64_t bytes, uint64_t ns);

/* pwrite(2) in the way that fits. It may write less than all. Bytes or -1 with errno. */
ssize_t cryo_dropbehind_write(
	struct cryo_dropbehind *behind, int fd, const void *data, size_t size, off_t offset);
