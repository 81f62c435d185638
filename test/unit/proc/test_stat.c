// SPDX-License-Identifier: MIT
/* Stat lines of this kernel, and of processes that choose their names with care. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "proc/procfs.h"
#include "proc/stat.h"

static int parse_file(const char *name, struct cryo_stat *ret_stat)
{
	_cleanup_fixture_ struct fixture text = fixture_load(name);

	return cryo_stat_parse(text.text, text.size, ret_stat);
}

Test(stat, of_a_process_whose_comm_imitates_a_stat_line)
{
	struct cryo_stat stat;

	cr_assert_eq(parse_file("10497/stat", &stat), 0);
	cr_assert_eq(stat.pid, 10497);
	cr_assert_str_eq(stat.comm, ") R 1\n(x");
	cr_assert_eq(stat.state, 'S');
	cr_assert_eq(stat.ppid, 10479);
	cr_assert_eq(stat.pgrp, 10479);
	cr_assert_eq(stat.session, 3510);
	cr_assert_eq(stat.tty_nr, 0);
	cr_assert_eq(stat.tpgid, -1);
	cr_assert_eq(stat.flags, 4194560);
	cr_assert_eq(stat.priority, 20);
	cr_assert_eq(stat.nice, 0);
	cr_assert_eq(stat.num_threads, 1);
	cr_assert_eq(stat.starttime, 251024);
	cr_assert_eq(stat.vsize, 2457600);
	cr_assert_eq(stat.rss, 244);
	cr_assert_eq(stat.arg_start, 140725233326751);
	cr_assert_eq(stat.arg_end, 140725233326757);
	cr_assert_eq(stat.env_start, 140725233326757);
	cr_assert_eq(stat.env_end, 140725233328114);
}

Test(stat, of_a_kernel_thread)
{
	struct cryo_stat stat;

	cr_assert_eq(parse_file("2/stat", &stat), 0);
	cr_assert_str_eq(stat.comm, "kthreadd");
	cr_assert(stat.flags & CRYO_PF_KTHREAD);
	cr_assert_eq(stat.ppid, 0);
	cr_assert_eq(stat.vsize, 0);
}

Test(stat, the_last_parenthesis_ends_the_comm)
{
	struct cryo_stat stat;

	cr_assert_eq(parse_file("hostile/stat-comm", &stat), 0);
	cr_assert_str_eq(stat.comm, "a) (b)) S)\n");
	cr_assert_eq(stat.state, 'T');
	cr_assert_eq(stat.utime, 14);
	cr_assert_eq(stat.cstime, 17);
	cr_assert_eq(stat.env_end, 51);
}

Test(stat, a_long_comm_is_cut)
{
	char text[400], name[101] = "";
	struct cryo_stat stat;
	int size;

	memset(name, 'n', 100);
	size = snprintf(
		text, sizeof(text), "1 (%s) S 0 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 -5 1 0 9 8 7", name);
	cr_assert_eq(cryo_stat_parse(text, (size_t)size, &stat), 0);
	cr_assert_eq(strlen(stat.comm), sizeof(stat.comm) - 1);
	cr_assert_eq(stat.nice, -5);
	cr_assert_eq(stat.rss, 7);
	cr_assert_eq(stat.arg_start, 0);
}

Test(stat, malformed_text_is_refused_and_nothing_written)
{
	static const char *const texts[] = {"", "1", "1 (", "1 (a", ")", "1 )a( S 1", "(a) S 1 2",
		"1 (a) ", "1 (a) S", "1 (a)", "x (a) S 1 2 3 4 5 6",
		"1 (a) S 0 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9 8",
		"1 (a) S 0 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 -9 8 7",
		"1 (a) S 0 1 1 0 -1 4x 0 0 0 0 0 0 0 0 20 0 1 0 9 8 7",
		"99999999999 (a) S 0 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9 8 7",
		"1 (a) S 0 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 18446744073709551616 8 7"};
	struct cryo_stat stat = {.pid = 4711};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		_cleanup_fixture_ struct fixture text = fixture_of(texts[i], strlen(texts[i]));

		cr_assert_eq(
			cryo_stat_parse(text.text, text.size, &stat), -EBADMSG, "'%s'", texts[i]);
		cr_assert_eq(stat.pid, 4711);
	}
	cr_assert_eq(parse_file("hostile/stat-truncated", &stat), -EBADMSG);
	cr_assert_eq(parse_file("hostile/stat-overflow", &stat), -EBADMSG);
}

Test(stat, every_cut_is_refused_or_parsed_within_its_bytes)
{
	_cleanup_fixture_ struct fixture whole = fixture_load("10497/stat");

	for (size_t size = 0; size < whole.size; size++) {
		_cleanup_fixture_ struct fixture cut = fixture_of(whole.text, size);
		struct cryo_stat stat;
		int r = cryo_stat_parse(cut.text, cut.size, &stat);

		cr_assert(r == 0 || r == -EBADMSG);
	}
}

Test(stat, of_ourselves)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc"), dir = -1;
	struct cryo_stat stat;

	dir = cryo_procfs_open_process(procfs, getpid());
	cr_assert_eq(cryo_stat_read(dir, &stat), 0);
	cr_assert_eq(stat.pid, getpid());
	cr_assert_eq(stat.ppid, getppid());
	cr_assert_gt(stat.arg_end, stat.arg_start);
}

/* What the kernel prints of one that is reaped at that moment. */
Test(stat, of_nobody_is_refused)
{
	static const char text[] = "7 (x) Z 0 -1 -1 0 -1 4 0 0 0 0 0 0 0 0 20 0 0 0 1 0 0 0\n";
	char path[] = "/tmp/stat-XXXXXX";
	_cleanup_close_ int dir = -1, file = -1;
	struct cryo_stat stat = {.pid = 4711};

	cr_assert_not_null(mkdtemp(path));
	dir = cryo_procfs_open(path);
	file = openat(dir, "stat", O_WRONLY | O_CREAT, 0600);
	cr_assert_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
	cr_expect_eq(cryo_stat_read(dir, &stat), -ESRCH);
	cr_expect_eq(stat.pid, 4711);
	unlinkat(dir, "stat", 0);
	rmdir(path);
}
