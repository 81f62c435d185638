// SPDX-License-Identifier: MIT
/* What cgroups have left, by the files of made up ones. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "capture/room.h"

struct file {
	const char *name, *text;
};

/* The room of a cgroup that has these files. */
static uint64_t room_of(const struct file *files, size_t count)
{
	char path[] = "/tmp/cryocore-room-XXXXXX";
	uint64_t room;
	int dir;

	cr_assert(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < count; i++) {
		int fd = openat(dir, files[i].name, O_WRONLY | O_CREAT, 0600);

		cr_assert_eq(write(fd, files[i].text, strlen(files[i].text)),
			(ssize_t)strlen(files[i].text));
		close(fd);
	}
	room = cryo_room_of_cgroup(dir);
	for (size_t i = 0; i < count; i++)
		unlinkat(dir, files[i].name, 0);
	close(dir);
	rmdir(path);
	return room;
}

#define ROOM(files) room_of(files, ARRAY_SIZE(files))

Test(room, version_2)
{
	const struct file files[] = {{"memory.max", "1000\n"}, {"memory.current", "700\n"},
		{"memory.stat", "anon 500\nfile 150\ninactive_file 100\nactive_file 30\n"}};

	cr_expect_eq(ROOM(files), 430);
}

Test(room, version_1)
{
	const struct file files[] = {{"memory.limit_in_bytes", "1000\n"},
		{"memory.usage_in_bytes", "700\n"},
		{"memory.stat", "inactive_file 1\ntotal_inactive_file 100\n"}};

	cr_expect_eq(ROOM(files), 400);
}

Test(room, no_limit)
{
	const struct file files[] = {{"memory.max", "max\n"}, {"memory.current", "700\n"}};
	const struct file none[] = {{"cgroup.procs", "1\n"}};

	cr_expect_eq(ROOM(files), UINT64_MAX);
	cr_expect_eq(ROOM(none), UINT64_MAX);
}

Test(room, full)
{
	const struct file full[] = {{"memory.max", "700\n"}, {"memory.current", "700\n"}};
	const struct file over[] = {{"memory.max", "600\n"}, {"memory.current", "700\n"}};
	const struct file held[] = {{"memory.max", "600\n"}, {"memory.current", "700\n"},
		{"memory.stat", "inactive_file 900\n"}};

	cr_expect_eq(ROOM(full), 0);
	cr_expect_eq(ROOM(over), 0);
	cr_expect_eq(ROOM(held), 600);
}

Test(room, of_ourselves)
{
	int procfs = open("/proc", O_RDONLY | O_DIRECTORY);
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY);
	uint64_t room = cryo_room_of_process(procfs, self);

	cr_expect_gt(room, 0);
	cr_expect_lt(room, UINT64_MAX, "the machine has an end");
	close(self);
	close(procfs);
}
