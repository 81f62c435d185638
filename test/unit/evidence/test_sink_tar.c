// SPDX-License-Identifier: MIT
/* A tar stream of evidence, extracted by other programs. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/sink_tar.h"

static const struct cryo_sink_extent extents[] = {{0, 4096}, {1ULL << 40, 4096}};
static const struct cryo_sink_entry sparse = {(1ULL << 40) + 8192, extents, 2};

static void write_small(struct cryo_sink *sink, const char *path, const char *text)
{
	struct cryo_sink_file *file;

	cr_assert_eq(cryo_sink_create(sink, path, NULL, &file), 0);
	cr_assert_eq(cryo_sink_write(file, text, strlen(text)), 0);
	cr_assert_eq(cryo_sink_commit(file), 0);
}

static void write_sparse(struct cryo_sink *sink, const char *path)
{
	struct cryo_sink_file *file;
	char page[4096];

	cr_assert_eq(cryo_sink_create(sink, path, &sparse, &file), 0);
	memset(page, 'a', sizeof(page));
	cr_assert_eq(cryo_sink_write(file, page, sizeof(page)), 0);
	cr_assert_eq(cryo_sink_skip(file, (1ULL << 40) - 4096), 0);
	memset(page, 'b', sizeof(page));
	cr_assert_eq(cryo_sink_write(file, page, sizeof(page)), 0);
	cr_assert_eq(cryo_sink_skip(file, 4096), 0);
	cr_assert_eq(cryo_sink_commit(file), 0);
}

static void write_archive(int fd, int level)
{
	struct cryo_tar_options options = {.fd = fd, .zstd_level = level, .stall_ms = 20000};
	struct cryo_sink *sink;
	struct cryo_sink_file *cut;

	cr_assert_eq(cryo_sink_open_tar(&options, &sink), 0);
	write_small(sink, "proc/7/status", "Name:\tx\n");
	write_sparse(sink, "proc/7/core");
	cr_assert_eq(cryo_sink_link(sink, "proc/7/status", "files/again"), 0);
	cr_assert_eq(cryo_sink_create(sink, "proc/7/cut", &sparse, &cut), 0);
	cr_assert_eq(cryo_sink_write(cut, "ab", 2), 0);
	cryo_sink_abandon(cut);
	write_small(sink, "manifest.json", "{}");
	cr_assert_eq(cryo_sink_tar_finish(sink), 0);
	cryo_sink_close(sink);
}

/* Extract with a program and look at what came out. */
static void check_extracted(const char *program, int level)
{
	char directory[] = "/tmp/cryocore-tar-XXXXXX", path[128], command[512], page[4096];
	struct stat found;
	int fd;

	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/a.tar", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	write_archive(fd, level);
	cr_assert_eq(fstat(fd, &found), 0);
	cr_assert_lt(
		found.st_size, 1 << 20, "holes cost nothing, seen %jd", (intmax_t)found.st_size);
	close(fd);
	snprintf(command, sizeof(command),
		"cd %s && %s a.tar && test \"$(cat manifest.json)\" = {} && "
		"test \"$(stat -c %%a proc/7 proc/7/core | tr '\\n' ' ')\" = '700 600 ' && "
		"test proc/7/status -ef files/again && test -e proc/7/cut.partial",
		directory, program);
	cr_assert_eq(system(command), 0, "%s", command);
	snprintf(path, sizeof(path), "%s/proc/7/core", directory);
	fd = open(path, O_RDONLY);
	cr_assert_eq(fstat(fd, &found), 0);
	cr_assert_eq(found.st_size, (off_t)sparse.size);
	cr_assert_lt(found.st_blocks * 512, 1 << 20, "it is sparse");
	cr_assert_eq(pread(fd, page, sizeof(page), 1LL << 40), (ssize_t)sizeof(page));
	cr_assert_eq(page[0], 'b');
	cr_assert_eq(page[4095], 'b');
	close(fd);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

Test(sink_tar, gnu_tar_extracts_it)
{
	check_extracted("tar xpf", 0);
}

Test(sink_tar, bsdtar_extracts_it_compressed)
{
	check_extracted("bsdtar xpf", 3);
}

Test(sink_tar, python_extracts_it)
{
	check_extracted(
		"python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall()'", 0);
}

Test(sink_tar, a_reader_that_is_gone_is_an_error)
{
	struct cryo_tar_options options = {.stall_ms = 20000};
	struct cryo_sink *sink;
	struct cryo_sink_file *file;
	char block[65536] = {1};
	int ends[2], r = 0;

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe(ends), 0);
	close(ends[0]);
	options.fd = ends[1];
	cr_assert_eq(cryo_sink_open_tar(&options, &sink), 0);
	cr_assert_eq(
		cryo_sink_create(sink, "x", &(struct cryo_sink_entry){1 << 20, NULL, 0}, &file), 0);
	for (int i = 0; i < 16 && r == 0; i++)
		r = cryo_sink_write(file, block, sizeof(block));
	cr_assert_eq(r, -EPIPE);
	cryo_sink_abandon(file);
	cr_assert_eq(cryo_sink_tar_finish(sink), -EPIPE);
	cryo_sink_close(sink);
	close(ends[1]);
}

Test(sink_tar, a_reader_that_stalls_is_given_up)
{
	struct cryo_tar_options options = {.stall_ms = 50};
	struct cryo_sink *sink;
	struct cryo_sink_file *file;
	char block[65536] = {1};
	int ends[2], r = 0;

	cr_assert_eq(pipe(ends), 0);
	options.fd = ends[1];
	cr_assert_eq(cryo_sink_open_tar(&options, &sink), 0);
	cr_assert_eq(
		cryo_sink_create(sink, "x", &(struct cryo_sink_entry){1 << 20, NULL, 0}, &file), 0);
	for (int i = 0; i < 16 && r == 0; i++)
		r = cryo_sink_write(file, block, sizeof(block));
	cr_assert_eq(r, -ETIMEDOUT);
	cryo_sink_abandon(file);
	cryo_sink_close(sink);
	close(ends[0]);
	close(ends[1]);
}
