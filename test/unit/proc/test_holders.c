// SPDX-License-Identifier: MIT
/* Who holds the other end. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "proc/holders.h"
#include "proc/procfs.h"

static bool link_is(const char *text, uint64_t inode)
{
	uint64_t found;

	return cryo_holders_parse_link(text, strlen(text), &found) && found == inode;
}

Test(holders, links)
{
	uint64_t inode;

	cr_expect(link_is("pipe:[123]", 123));
	cr_expect(link_is("socket:[18446744073709551615]", UINT64_MAX));
	cr_expect_not(cryo_holders_parse_link("pipe:[123", 9, &inode));
	cr_expect_not(cryo_holders_parse_link("pipe:[]", 7, &inode));
	cr_expect_not(cryo_holders_parse_link("/tmp/pipe:[1]", 13, &inode));
	cr_expect_not(cryo_holders_parse_link("pipe:[1] (deleted)", 18, &inode));
	cr_expect_not(cryo_holders_parse_link("", 0, &inode));
}

static struct cryo_holder array[] = {
	{7, 10, 0, true, false, CRYO_HOLD_INODE},
	{7, 10, 1, false, true, CRYO_HOLD_INODE},
	{7, 11, 5, true, true, CRYO_HOLD_INODE},
	{9, 10, 2, true, false, CRYO_HOLD_INODE},
};
static struct cryo_holder_process processes[] = {{10, "a b"}, {11, "\x1b"}};
static const struct cryo_holders some = {array, 4, processes, 2, false};

static void expect_holders(
	uint64_t inode, enum cryo_holder_side side, pid_t pid, int fd, const char *text)
{
	_cleanup_buffer_ struct cryo_buffer buffer = {0};

	cr_assert_eq(cryo_holders_format(&some, "k", inode, side, pid, fd, &buffer), 0);
	cr_expect_str_eq(buffer.data ? (const char *)buffer.data : "", text);
}

Test(holders, format)
{
	expect_holders(7, CRYO_HOLDERS_READERS, 0, 0, " k=10(a\\x20b)/0,11(\\x1b)/5");
	expect_holders(7, CRYO_HOLDERS_WRITERS, 10, 1, " k=11(\\x1b)/5");
	expect_holders(9, CRYO_HOLDERS_ANY, 0, 0, " k=10(a\\x20b)/2");
	expect_holders(9, CRYO_HOLDERS_WRITERS, 0, 0, "");
	expect_holders(8, CRYO_HOLDERS_ANY, 0, 0, "");
}

Test(holders, many_are_counted)
{
	struct cryo_holder many[40];
	const struct cryo_holders all = {many, 40, NULL, 0, false};
	_cleanup_buffer_ struct cryo_buffer buffer = {0};

	for (int i = 0; i < 40; i++)
		many[i] = (struct cryo_holder){5, 1, i, true, true, CRYO_HOLD_INODE};
	cr_assert_eq(cryo_holders_format(&all, "k", 5, CRYO_HOLDERS_ANY, 0, 0, &buffer), 0);
	cr_expect_not_null(strstr((const char *)buffer.data, "1()/15,+24"));
}

Test(holders, our_own_pipe)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_holders holders;
	const struct cryo_holder *holder;
	char path[64], link[64];
	bool reads = false, writes = false;
	uint64_t inode;
	int ends[2];
	size_t count;
	ssize_t n;

	cr_assert_eq(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	n = readlink(path, link, sizeof(link));
	cr_assert(n > 0 && cryo_holders_parse_link(link, (size_t)n, &inode));
	cr_assert_eq(cryo_holders_load(procfs, CRYO_HOLD_INODE, &holders), 0);
	holder = cryo_holders_find(&holders, CRYO_HOLD_INODE, inode, &count);
	for (size_t i = 0; i < count; i++) {
		reads |= holder[i].pid == getpid() && holder[i].fd == ends[0] && holder[i].reads &&
			 !holder[i].writes;
		writes |= holder[i].pid == getpid() && holder[i].fd == ends[1] &&
			  holder[i].writes && !holder[i].reads;
	}
	cr_expect(reads && writes);
	cryo_holders_clear(&holders);
}
