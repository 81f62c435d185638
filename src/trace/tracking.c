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
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "trace/page_set.h"

/* include/uapi/linux/userfaultfd.h of Linux 6.7 */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#define FEATURE_WP_UNPOPULATED (1ULL << 13)
#define FEATURE_WP_ASYNC (1ULL << 15)

/* Of memory: some 4000 pages, or eight huge ones, which it does not cut. */
#define PIECE (16ULL << 20)
/* Where no page is known. Should all have come meanwhile it takes some milliseconds. */
#define EMPTY_PIECE (256ULL << 20)
/* A lock that is taken again at once is not given to who waits for it before 4 ms
 * (RWSEM_WAIT_TIMEOUT, kernel/locking/rwsem.c). */
#define NAP_USEC 20
/* A nap takes some 75 us: not one for each piece of nothing, which takes a few. */
#define BUSY_NSEC 100000

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

/* ---- the end ---- */

struct end {
	int userfaultfd;
	const struct cryo_page_set *seen, *stored;
	_Atomic uint64_t *steps;
	uint64_t rested;
};

static uint64_t earlier(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

/* The first page that is known; @until if there is none. */
static uint64_t first_page(const struct end *end, uint64_t from, uint64_t until)
{
	struct cryo_extent run;

	if (cryo_page_set_next(end->seen, from, until, true, &run))
		until = run.start;
	if (cryo_page_set_next(end->stored, from, until, true, &run))
		until = run.start;
	return until;
}

/* The next place between two pieces. */
static uint64_t border(uint64_t address, uint64_t piece)
{
	return (address / piece + 1) * piece;
}

/* Where the piece ends that begins at @start: before the one that has a page, or with it. */
static uint64_t piece_end(const struct end *end, uint64_t start, uint64_t until)
{
	uint64_t most = earlier(border(start, EMPTY_PIECE), until);
	uint64_t least = earlier(border(start, PIECE), most);
	uint64_t page = first_page(end, start, most);

	if (page == most)
		return most;
	return page < least ? least : page / PIECE * PIECE;
}

/* What is asked changes nothing that is not about to change. */
static bool has_ended(const struct end *end, uint64_t address)
{
	struct uffdio_writeprotect page = {.range = {address, end->seen->page_size}};

	return ioctl(end->userfaultfd, UFFDIO_WRITEPROTECT, &page) < 0 && errno == ESRCH;
}

/* Of address space that has gone the kernel says ENOMEM here, as it does where mappings cannot be
 * cut because there are too many. */
static bool is_over(const struct end *end, const struct uffdio_range *piece)
{
	return ioctl(end->userfaultfd, UFFDIO_UNREGISTER, piece) < 0 && errno == ENOMEM &&
	       has_ended(end, piece->start);
}

/* Let others have the lock, if they may have waited for long. */
static void rest(struct end *end)
{
	if (cryo_now() - end->rested < BUSY_NSEC)
		return;
	usleep(NAP_USEC);
	end->rested = cryo_now();
}

/* Where it fails, mappings have changed: closing ends it as well. Whether there still is a process.
 */
static bool remove_range(struct end *end, const struct cryo_page_range *range)
{
	uint64_t start = range->start;

	while (start < range->end) {
		uint64_t next = piece_end(end, start, range->end);
		struct uffdio_range piece = {start, next - start};

		if (is_over(end, &piece))
			return false;
		atomic_fetch_add(end->steps, 1);
		rest(end);
		start = next;
	}
	return true;
}

void cryo_tracking_end(int userfaultfd, const struct cryo_page_set *seen,
	const struct cryo_page_set *stored, _Atomic uint64_t *steps)
{
	struct end end = {userfaultfd, seen, stored, steps, cryo_now()};

	for (size_t i = 0; i < seen->n_ranges; i++)
		if (!remove_range(&end, &seen->ranges[i]))
			break;
	close(userfaultfd);
}
