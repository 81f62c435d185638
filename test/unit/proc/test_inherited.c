// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/inherited.h"

/* What a descriptor is in a child that has let go of all but one: 0 closed, 1 /dev/null, 2 other.
 */
static int in_child(int fd, const int *kept, size_t count)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		char path[64] = "", name[32];

		cryo_inherited_leave(kept, count);
		if (fcntl(fd, F_GETFD) < 0)
			_exit(0);
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		(void)!readlink(name, path, sizeof(path) - 1);
		_exit(strcmp(path, "/dev/null") == 0 ? 1 : 2);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(inherited, what_is_not_kept_is_closed)
{
	int ends[2], memory = memfd_create("memory", 0), far = fcntl(memory, F_DUPFD, 1000);

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(in_child(ends[0], ends + 1, 1), 0);
	cr_assert_eq(in_child(ends[1], ends + 1, 1), 2);
	cr_assert_eq(in_child(memory, NULL, 0), 0);
	cr_assert_eq(in_child(far, NULL, 0), 0);
	cr_assert_eq(in_child(far, &far, 1), 2);
}

Test(inherited, the_first_three_are_replaced)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	dup2(ends[1], STDIN_FILENO);
	cr_assert_eq(in_child(STDIN_FILENO, NULL, 0), 1);
	cr_assert_eq(in_child(STDOUT_FILENO, NULL, 0), 1);
}

/* Where the caller has closed his, ours may have such a number. */
Test(inherited, ours_are_kept_whatever_number_they_have)
{
	int memory = memfd_create("memory", MFD_CLOEXEC);

	dup3(memory, STDIN_FILENO, O_CLOEXEC);
	cr_assert_eq(in_child(STDIN_FILENO, NULL, 0), 2);
}

/* No file system without a device is asked: of /proc there is one everywhere. */
Test(inherited, files_without_a_device_stay_open)
{
	int file = open("/proc/self/stat", O_RDONLY);

	cr_assert_geq(file, 0);
	cr_assert_eq(in_child(file, NULL, 0), 2);
}
