// SPDX-License-Identifier: MIT
/*
 * PAGEMAP_SCAN itself protects what it reports (PM_SCAN_WP_MATCHING), so a page is first protected
 * when it is first told. Pages that are not there are never protected: that would need page tables
 * for them, in the process. They come into being unprotected, which is what "written" means.
 *
 * PM_SCAN_WP_MATCHING passes over mappings that are not tracked; for anonymous memory it wants
 * UFFD_FEATURE_WP_UNPOPULATED, though nothing here uses it otherwise.
 */
#include "trace/tracking.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "trace/page_set.h"

/* include/uapi/linux/userfaultfd.h of Linux 6.7 */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#define FEATURE_WP_UNPOPULATED (1ULL << 13)
#define FEATURE_WP_ASYNC (1ULL << 15)

/* Of memory: some 4000 pages, or eight huge ones, which it does not cut. */
#define PIECE (16ULL << 20)
/* A lock that is taken again at once is not given to who waits for it before 4 ms
 * (RWSEM_WAIT_TIMEOUT, kernel/locking/rwsem.c). */
#define NAP_USEC 20

uint64_t cryo_tracking_flags(void)
{
	return O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY;
}

int cryo_tracking_begin(int userfaultfd)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = FEATURE_WP_UNPOPULATED | FEATURE_WP_ASYNC};

	return ioctl(userfaultfd, UFFDIO_API, &api) < 0 ? -errno : 0;
}

int cryo_tracking_probe(void)
{
	_cleanup_close_ int fd = (int)syscall(SYS_userfaultfd, cryo_tracking_flags());

	return fd < 0 ? -errno : cryo_tracking_begin(fd);
}

int cryo_tracking_add(int userfaultfd, uint64_t start, uint64_t end)
{
	struct uffdio_register range = {
		.range = {start, end - start}, .mode = UFFDIO_REGISTER_MODE_WP};

	return ioctl(userfaultfd, UFFDIO_REGISTER, &range) < 0 ? -errno : 0;
}

/* Where it fails, mappings have changed: closing ends it as well. */
static void remove_range(int userfaultfd, uint64_t start, uint64_t end)
{
	while (start < end) {
		uint64_t piece_end = (start / PIECE + 1) * PIECE;
		struct uffdio_range piece = {start, (piece_end < end ? piece_end : end) - start};

		ioctl(userfaultfd, UFFDIO_UNREGISTER, &piece);
		usleep(NAP_USEC);
		start += piece.len;
	}
}

void cryo_tracking_end(int userfaultfd, const struct cryo_page_set *tracked)
{
	for (size_t i = 0; i < tracked->n_ranges; i++)
		remove_range(userfaultfd, tracked->ranges[i].start, tracked->ranges[i].end);
	close(userfaultfd);
}
