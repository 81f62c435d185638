// SPDX-License-Identifier: MIT
/* The directory sink, and what goes through a deposit into it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "evidence/collect.h"
#include "evidence/deposit.h"
#include "evidence/record.h"

static char directory[] = "/tmp/cryocore-sink-XXXXXX";
static struct cryo_sink *sink;

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(cryo_sink_open_directory(directory, &sink), 0);
}

static void tear_down(void)
{
	char command[128];

	cryo_sink_close(sink);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(sink, .init = set_up, .fini = tear_down);

static bool exists(const char *name)
{
	return faccessat(cryo_sink_directory_fd(sink), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Test(sink, paths)
{
	static const char *const bad[] = {
		"", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b"};
	char longest[CRYO_SINK_PATH_MAX + 1];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(cryo_sink_path_is_valid(bad[i], CRYO_SINK_PATH_MAX), "%s", bad[i]);
	cr_expect(cryo_sink_path_is_valid("proc/1/..a", CRYO_SINK_PATH_MAX));
	memset(longest, 'a', sizeof(longest));
	longest[CRYO_SINK_PATH_MAX] = 0;
	cr_expect_not(cryo_sink_path_is_valid(longest, CRYO_SINK_PATH_MAX));
	longest[CRYO_SINK_PATH_MAX - 1] = 0;
	cr_expect(cryo_sink_path_is_valid(longest, CRYO_SINK_PATH_MAX));
}

Test(sink, a_file_has_its_name_when_it_is_whole)
{
	struct cryo_sink_file *file;
	struct stat status;

	cr_assert_eq(cryo_sink_create(sink, "proc/1/a", NULL, &file), 0);
	cr_assert_eq(cryo_sink_write(file, "x", 1), 0);
	cr_expect(exists("proc/1/a.partial") && !exists("proc/1/a"));
	cr_assert_eq(cryo_sink_skip(file, 1 << 20), 0);
	cr_assert_eq(cryo_sink_commit(file), 0);
	cr_expect(exists("proc/1/a") && !exists("proc/1/a.partial"));
	cr_assert_eq(fstatat(cryo_sink_directory_fd(sink), "proc/1/a", &status, 0), 0);
	cr_expect_eq(status.st_size, 1 + (1 << 20));
	cr_expect_eq(status.st_mode & 07777, 0600);
	cr_assert_eq(fstatat(cryo_sink_directory_fd(sink), "proc/1", &status, 0), 0);
	cr_expect_eq(status.st_mode & 07777, 0700);
}

/* A caller's may take everything away. */
Test(sink, whatever_the_umask_is)
{
	struct cryo_sink_file *file;
	struct stat status;

	umask(0777);
	cr_assert_eq(cryo_sink_create(sink, "proc/1/a", NULL, &file), 0);
	cr_assert_eq(cryo_sink_commit(file), 0);
	cr_assert_eq(fstatat(cryo_sink_directory_fd(sink), "proc", &status, 0), 0);
	cr_assert_eq(status.st_mode & 07777, 0700);
	cr_assert_eq(fstatat(cryo_sink_directory_fd(sink), "proc/1/a", &status, 0), 0);
	cr_assert_eq(status.st_mode & 07777, 0600);
}

Test(sink, nothing_is_replaced)
{
	struct cryo_sink_file *file, *other;

	cr_assert_eq(cryo_sink_create(sink, "a", NULL, &file), 0);
	cr_expect_eq(cryo_sink_create(sink, "a", NULL, &other), -EEXIST);
	cr_assert_eq(symlinkat("b", cryo_sink_directory_fd(sink), "a"), 0);
	cr_expect_eq(cryo_sink_commit(file), -EEXIST);
	cr_expect_eq(cryo_sink_create(sink, "a", NULL, &other), -EEXIST);
	cr_expect(!exists("b"));
}

Test(sink, links_are_not_followed)
{
	struct cryo_sink_file *file;

	cr_assert_eq(symlinkat("/tmp", cryo_sink_directory_fd(sink), "proc"), 0);
	cr_expect_lt(cryo_sink_create(sink, "proc/cryocore-escaped", NULL, &file), 0);
	cr_assert_eq(
		symlinkat("/tmp/cryocore-escaped", cryo_sink_directory_fd(sink), "x.partial"), 0);
	cr_expect_lt(cryo_sink_create(sink, "x", NULL, &file), 0);
	cr_expect_neq(access("/tmp/cryocore-escaped", F_OK), 0);
}

Test(sink, a_directory_with_anything_in_it_is_refused)
{
	struct cryo_sink *second;
	struct cryo_sink_file *file;

	cr_assert_eq(cryo_sink_open_directory(directory, &second), 0);
	cryo_sink_close(second);
	cr_assert_eq(cryo_sink_create(sink, ".hidden", NULL, &file), 0);
	cryo_sink_abandon(file);
	cr_expect_eq(cryo_sink_open_directory(directory, &second), -ENOTEMPTY);
}

Test(sink, a_second_name)
{
	struct cryo_sink_file *file;

	cr_assert_eq(cryo_sink_create(sink, "a", NULL, &file), 0);
	cr_assert_eq(cryo_sink_commit(file), 0);
	cr_expect_eq(cryo_sink_link(sink, "a", "other/b"), 0);
	cr_expect(exists("other/b"));
	cr_expect_eq(cryo_sink_link(sink, "a", "other/b"), -EEXIST);
	cr_expect_eq(cryo_sink_link(sink, "none", "c"), -ENOENT);
}

Test(sink, a_deposit_knows_its_digest)
{
	struct cryo_deposit deposit;
	struct cryo_deposit_sum sum;
	char hex[CRYO_DIGEST_HEX_SIZE];

	cr_assert_eq(cryo_deposit_open(sink, "a", UINT64_MAX, &deposit), 0);
	cr_expect(!exists("a.partial"), "no file before the first byte");
	cr_assert_eq(cryo_deposit_printf(&deposit, "a%c", 'b'), 0);
	cr_assert_eq(cryo_deposit_write(&deposit, "c", 1), 0);
	cr_assert_eq(cryo_deposit_commit(&deposit, &sum), 0);
	cryo_hash_hex(sum.sha256, hex);
	cr_expect_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	cr_expect_eq(sum.size, 3);
}

Test(sink, a_deposit_has_a_limit)
{
	struct cryo_deposit deposit;
	struct cryo_deposit_sum sum;

	cr_assert_eq(cryo_deposit_open(sink, "a", 4, &deposit), 0);
	cr_assert_eq(cryo_deposit_write(&deposit, "abc", 3), 0);
	cr_expect_not(deposit.cut);
	cr_assert_eq(cryo_deposit_write(&deposit, "def", 3), 0);
	cr_expect(deposit.cut);
	cr_assert_eq(cryo_deposit_commit(&deposit, &sum), 0);
	cr_expect_eq(sum.size, 4);
}

Test(sink, an_empty_deposit_is_a_file_and_an_abandoned_one_is_not)
{
	struct cryo_deposit deposit;
	struct cryo_deposit_sum sum;

	cr_assert_eq(cryo_deposit_open(sink, "a", 4, &deposit), 0);
	cr_assert_eq(cryo_deposit_commit(&deposit, &sum), 0);
	cr_expect(exists("a"));
	cr_assert_eq(cryo_deposit_open(sink, "b", 4, &deposit), 0);
	cr_expect_not(cryo_deposit_abandon(&deposit, &sum));
	cr_expect(!exists("b") && !exists("b.partial"));
	cr_assert_eq(cryo_deposit_open(sink, "c", 4, &deposit), 0);
	cr_assert_eq(cryo_deposit_printf(&deposit, "x"), 0);
	cr_expect(cryo_deposit_abandon(&deposit, &sum));
	cr_expect(exists("c.partial"));
}

Test(sink, a_copy_keeps_its_holes_and_its_digest)
{
	_cleanup_close_ int source = memfd_create("source", 0), copy = -1;
	uint8_t expected[CRYO_DIGEST_SIZE], found[CRYO_DIGEST_SIZE];
	struct cryo_deposit deposit;
	struct cryo_deposit_sum sum;
	struct stat status;
	uint64_t size;
	bool sparse;

	cr_assert_eq(cryo_io_pwrite(source, "begin", 5, 1 << 20), 0);
	cr_assert_eq(cryo_io_pwrite(source, "end", 3, (1 << 25) - 4096), 0);
	cr_assert_eq(ftruncate(source, 1 << 25), 0);
	cr_assert_eq(cryo_deposit_open(sink, "a", UINT64_MAX, &deposit), 0);
	cr_assert_eq(cryo_deposit_copy(&deposit, source), 0);
	cr_assert_eq(cryo_deposit_commit(&deposit, &sum), 0);
	cr_expect_eq(sum.size, 1 << 25);
	cr_assert_eq(cryo_hash_file(source, expected, &size, &sparse), 0);
	copy = openat(cryo_sink_directory_fd(sink), "a", O_RDONLY);
	cr_assert_eq(cryo_hash_file(copy, found, &size, &sparse), 0);
	cr_expect_arr_eq(expected, found, sizeof(expected));
	cr_expect_arr_eq(expected, sum.sha256, sizeof(expected));
	cr_assert_eq(fstat(copy, &status), 0);
	cr_expect_lt(status.st_blocks, 128);
}

Test(record, what_a_killed_collector_leaves)
{
	_cleanup_(cryo_records_destroy) struct cryo_records records = CRYO_RECORDS_NONE;
	struct cryo_record record = {.name = "maps", .made = true, .sum = {.size = 7}}, found;
	char name[CRYO_ITEM_NAME_SIZE];
	uint64_t progress;
	pid_t child;

	cr_assert_eq(cryo_records_create(&records), 0);
	progress = cryo_records_progress(&records);
	child = fork();
	if (child == 0) {
		cryo_records_begin(&records, "maps");
		cryo_records_add(&records, &record);
		cryo_records_begin(&records, "environ");
		_exit(0);
	}
	cr_assert_eq(waitpid(child, NULL, 0), child);
	cr_expect_neq(cryo_records_progress(&records), progress);
	cr_assert(cryo_records_unfinished(&records, name));
	cr_expect_str_eq(name, "environ");
	cr_expect_eq(cryo_records_count(&records), 1);
	cr_assert_eq(cryo_records_get(&records, 0, &found), 1);
	cr_expect_str_eq(found.name, "maps");
	cr_expect_eq(found.sum.size, 7);
	cr_expect_eq(cryo_records_get(&records, 1, &found), 0);
	cr_assert_eq(cryo_records_add(&records, &record), 0);
	cr_expect_not(cryo_records_unfinished(&records, name));
	cryo_records_reset(&records);
	cr_expect_eq(cryo_records_count(&records), 0);
}

Test(sink, a_part_of_a_directory)
{
	_cleanup_sink_ struct cryo_sink *below = NULL;
	struct cryo_sink_file *file;

	cr_assert_eq(cryo_sink_open_below(sink, "proc/1", &below), 0);
	cr_assert_eq(cryo_sink_create(below, "maps", NULL, &file), 0);
	cr_assert_eq(cryo_sink_write(file, "x", 1), 0);
	cr_assert_eq(cryo_sink_commit(file), 0);
	cr_assert_eq(cryo_sink_create(below, "deleted/3", NULL, &file), 0);
	cr_assert_eq(cryo_sink_skip(file, 5), 0);
	cr_assert_eq(cryo_sink_commit(file), 0);
	cr_assert_eq(cryo_sink_create(sink, "proc/1/maps", NULL, &file), 0);
	cr_expect_eq(cryo_sink_commit(file), -EEXIST);
	cr_expect_eq(cryo_sink_link(sink, "proc/1/deleted/3", "proc/2/deleted/4"), 0);
	cr_expect_eq(cryo_sink_open_below(sink, "../x", &below), -EINVAL);
}

Test(copies, are_seen_by_children)
{
	struct cryo_copies *copies = cryo_copies_create();
	struct cryo_copy copy = {.file = {1, 2, 3, 4}, .path = "proc/1/exe"};
	int status;
	pid_t child;

	cr_assert(copies);
	cr_expect_null(cryo_copies_find(copies, &copy.file));
	cr_expect_null(cryo_copies_find(NULL, &copy.file));
	child = fork();
	if (child == 0) {
		raise(SIGSTOP);
		_exit(cryo_copies_find(copies, &copy.file) == NULL);
	}
	cr_assert_eq(waitpid(child, &status, WUNTRACED), child);
	cryo_copies_add(copies, &copy);
	kill(child, SIGCONT);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	for (copy.file.inode = 0; copy.file.inode < 20000; copy.file.inode++)
		cryo_copies_add(copies, &copy);
	cryo_copies_destroy(copies);
}
