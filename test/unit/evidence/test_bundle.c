// SPDX-License-Identifier: MIT
/*
 * The bundle of this very process, into a directory, with links that go elsewhere.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "evidence/bundle.h"
#include "proc/identity.h"
#include "proc/maps.h"
#include "proc/procfs.h"

/* A place that makes links, or does not. */
struct links {
	struct cryo_sink sink;
	int result;
	size_t count;
	char last[CRYO_SINK_LINK_MAX];
};

static int make_link(struct cryo_sink *sink, const char *from, const char *to)
{
	struct links *links = (struct links *)sink;

	cr_expect_eq(strncmp(from, "files/", 6), 0);
	snprintf(links->last, sizeof(links->last), "%s", to);
	links->count++;
	return links->result;
}

static const struct cryo_sink_ops links_ops = {.link = make_link};

static struct cryo_mapped_list mapped;
static char directory[] = "/tmp/test-bundle-XXXXXX";
static struct cryo_sink *sink;
static int procfs = -1;

static void set_up(void)
{
	_cleanup_close_ int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	struct cryo_vma *vmas;
	size_t count;

	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(cryo_sink_open_directory(directory, &sink), 0);
	procfs = cryo_procfs_open("/proc");
	cr_assert_eq(cryo_maps_read(fd, &vmas, &count), 0);
	mapped.array = calloc(2, sizeof(*mapped.array));
	for (size_t i = 0; i < count && !mapped.count; i++)
		if (vmas[i].name && strstr(vmas[i].name, "/libc.so"))
			mapped.array[mapped.count++] =
				(struct cryo_mapped){vmas[i].start, vmas[i].end, vmas[i].offset,
					vmas[i].device, vmas[i].inode, false, strdup(vmas[i].name)};
	cr_assert_eq(mapped.count, 1);
	cryo_vmas_free(vmas, count);
}

static void tear_down(void)
{
	char command[64];

	cryo_sink_close(sink);
	cryo_mapped_list_clear(&mapped);
	close(procfs);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_expect_eq(system(command), 0);
}

TestSuite(bundle, .init = set_up, .fini = tear_down);

static int count_file(void *user, const char *path, const struct cryo_bundle_file *file)
{
	struct stat status;

	++*(size_t *)user;
	cr_expect_eq(fstatat(cryo_sink_directory_fd(sink), path, &status, AT_SYMLINK_NOFOLLOW), 0);
	cr_expect_eq((uint64_t)status.st_size, file->sum.size);
	return 0;
}

/* Bundle this process @times; the last of it is in @ret_bundled, the caller's. */
static size_t run(struct links *links, const struct cryo_bundle_options *given, size_t times,
	struct cryo_bundled **ret_bundled)
{
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
	struct cryo_bundle_options options = *given;
	struct cryo_bundle_subject subjects[4] = {0};
	struct cryo_bundle *bundle;
	size_t files = 0, linked = 0;
	int r;

	cr_assert_eq(cryo_identity_open(procfs, getpid(), &identity), 0);
	for (size_t i = 0; i < times; i++)
		subjects[i] =
			(struct cryo_bundle_subject){getpid(), identity.start_time, &mapped, NULL};
	options.sink = sink;
	options.links = &links->sink;
	options.procfs = procfs;
	options.stall_ms = 60000;
	cr_assert_eq(cryo_bundle_new(&options, subjects, times, &bundle), 0);
	do {
		r = cryo_bundle_step(bundle);
		cr_expect_eq(cryo_bundle_link(bundle, count_file, &files), 0);
		for (; linked < cryo_bundle_done(bundle); linked++)
			cryo_bundle_link_roots(
				options.links, getpid(), subjects[linked].bundled, mapped.count);
	} while (r > 0);
	cr_expect(r == 0 || (r == -ECANCELED && options.cancel));
	cryo_bundle_free(bundle);
	for (size_t i = 0; i + 1 < times; i++)
		cryo_bundled_clear(subjects[i].bundled, mapped.count);
	*ret_bundled = subjects[times - 1].bundled;
	return files;
}

Test(bundle, copies_once_and_links_for_each)
{
	const struct cryo_bundle_options options = {
		.mode = CRYO_BUNDLE_ELF, .max_file = UINT64_MAX};
	struct links links = {.sink = {&links_ops}};
	struct cryo_bundled *bundled;

	cr_expect_eq(run(&links, &options, 3, &bundled), 1);
	cr_expect_eq(bundled[0].reason, CRYO_BUNDLE_STORED);
	cr_expect_gt(bundled[0].build_id.size, 0);
	cr_expect_eq(links.count, 3 * bundled[0].n_roots);
	cr_expect(strstr(links.last, "/root/"));
	cryo_bundled_clear(bundled, mapped.count);
}

Test(bundle, goes_on_in_the_next_step)
{
	const struct cryo_bundle_options options = {
		.mode = CRYO_BUNDLE_ELF, .max_file = UINT64_MAX, .batch = 1};
	struct links links = {.sink = {&links_ops}};
	struct cryo_bundled *bundled;

	cr_expect_eq(run(&links, &options, 3, &bundled), 1);
	cr_expect_eq(bundled[0].reason, CRYO_BUNDLE_STORED);
	cr_expect_eq(links.count, 3 * bundled[0].n_roots);
	cryo_bundled_clear(bundled, mapped.count);
}

Test(bundle, links_that_cannot_be_made_are_said)
{
	const struct cryo_bundle_options options = {
		.mode = CRYO_BUNDLE_ELF, .max_file = UINT64_MAX};
	struct links links = {.sink = {&links_ops}, .result = -EOPNOTSUPP};
	struct cryo_bundled *bundled;

	cr_expect_eq(run(&links, &options, 1, &bundled), 1);
	cr_expect_eq(bundled[0].reason, CRYO_BUNDLE_STORED);
	cr_expect_eq(bundled[0].n_roots, 0);
	cr_expect_eq(bundled[0].root_error, -EOPNOTSUPP);
	cryo_bundled_clear(bundled, mapped.count);
}

Test(bundle, leaves_out_what_is_not_wanted_or_too_large)
{
	static const struct cryo_bundle_options cases[] = {
		{.mode = CRYO_BUNDLE_NONE, .max_file = UINT64_MAX},
		{.mode = CRYO_BUNDLE_ALL, .max_file = 1000},
	};
	static const enum cryo_bundle_reason reasons[] = {
		CRYO_BUNDLE_UNWANTED, CRYO_BUNDLE_TOO_LARGE};

	for (size_t i = 0; i < 2; i++) {
		struct links links = {.sink = {&links_ops}};
		struct cryo_bundled *bundled;

		cr_expect_eq(run(&links, &cases[i], 1, &bundled), 0);
		cr_expect_eq(bundled[0].reason, reasons[i]);
		cr_expect_gt(bundled[0].build_id.size, 0);
		cr_expect_eq(links.count, 0);
		cr_expect_not(cryo_bundle_is_missing(bundled[0].reason));
		cryo_bundled_clear(bundled, mapped.count);
	}
}

Test(bundle, what_is_cancelled_is_missing)
{
	static const volatile int cancelled = 1;
	const struct cryo_bundle_options options = {
		.mode = CRYO_BUNDLE_ELF, .max_file = UINT64_MAX, .cancel = &cancelled};
	struct links links = {.sink = {&links_ops}};
	struct cryo_bundled *bundled;

	run(&links, &options, 1, &bundled);
	if (bundled[0].reason != CRYO_BUNDLE_STORED) /* it may have been faster */
		cr_expect(cryo_bundle_is_missing(bundled[0].reason));
	cryo_bundled_clear(bundled, mapped.count);
}

Test(bundle, what_is_mapped_no_more_is_gone)
{
	const struct cryo_bundle_options options = {
		.mode = CRYO_BUNDLE_ELF, .max_file = UINT64_MAX};
	struct links links = {.sink = {&links_ops}};
	struct cryo_bundled *bundled;

	mapped.array[0].end += 1 << 20;
	cr_expect_eq(run(&links, &options, 1, &bundled), 0);
	cr_expect(cryo_bundle_is_missing(bundled[0].reason));
	cr_expect_eq(bundled[0].reason, CRYO_BUNDLE_GONE);
	cryo_bundled_clear(bundled, mapped.count);
}

/* A name that nobody can read, and a child whose crash nobody is told of. */
Test(bundle, one_that_crashes_unseen_is_passed_over, .timeout = 60)
{
	const struct cryo_bundle_options options = {
		.mode = CRYO_BUNDLE_ELF, .max_file = UINT64_MAX};
	struct links links = {.sink = {&links_ops}};
	const char *name = mapped.array[0].name;
	struct cryo_bundled *bundled;

	mapped.array[0].name = (char *)1;
	signal(SIGCHLD, SIG_IGN);
	cr_expect_eq(run(&links, &options, 1, &bundled), 0);
	signal(SIGCHLD, SIG_DFL);
	cr_expect_eq(bundled[0].reason, CRYO_BUNDLE_FAILED);
	cr_expect_eq(bundled[0].error, -EIO);
	mapped.array[0].name = (char *)name;
	cryo_bundled_clear(bundled, mapped.count);
}
