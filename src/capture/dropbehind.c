// SPDX-License-Identifier: MIT
/*
 * Theory: the kernel makes the writer of a large file wait for the disk in any case
 * (vm.dirty_ratio), and throws out what others have in the page cache; so such a core is written
 * through it. Where the disk is about as fast as memory that costs nothing. On a slow one the
 * target would stand still for the disk from the first byte on, where what is left to the page
 * cache is written at the speed of memory until the kernel makes the writer wait: so the time is
 * taken, and on a slow disk the page cache gets a share first, as much as a core may have that is
 * not large.
 */
#include "capture/dropbehind.h"

#include <sys/sysinfo.h>
#include <sys/uio.h>

#include "base/clock.h"

enum {
	SHARE = 8 /* a core of this share of the machine's memory is large */
};

static const uint64_t look_bytes = 32ULL << 20;
static const uint64_t slow_rate = 256ULL << 20; /* bytes per second of one thread */

/* include/uapi/linux/fs.h */
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x80
#endif

uint64_t cryo_dropbehind_share(void)
{
	struct sysinfo info;

	return sysinfo(&info) < 0 ? UINT64_MAX : (uint64_t)info.totalram * info.mem_unit / SHARE;
}

void cryo_dropbehind_expect(struct cryo_dropbehind *behind, uint64_t bytes)
{
	behind->wanted = bytes >= cryo_dropbehind_share();
}

void cryo_dropbehind_note(struct cryo_dropbehind *behind, uint64_t bytes, uint64_t ns)
{
	uint64_t all = atomic_fetch_add(&behind->bytes, bytes) + bytes;
	uint64_t time = atomic_fetch_add(&behind->ns, ns) + ns;

	if (all < look_bytes)
		return;
	behind->bytes = 0;
	behind->ns = 0;
	if (all * CRYO_NSEC_PER_SEC < slow_rate * time)
		behind->is_slow = true;
}

ssize_t cryo_dropbehind_write(
	struct cryo_dropbehind *behind, int fd, const void *data, size_t size, off_t offset)
{
	const struct iovec all = {(void *)data, size};
	uint64_t begin = cryo_now();
	ssize_t n;

	n = pwritev2(fd, &all, 1, offset, behind->is_slow ? 0 : RWF_DONTCACHE);
	if (n < 0)
		behind->wanted = false;
	else if (!behind->is_slow)
		cryo_dropbehind_note(behind, (uint64_t)n, cryo_now() - begin);
	return n;
}
