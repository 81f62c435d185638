// SPDX-License-Identifier: MIT
/*
 * Paths that stay below a directory, and such that do not; with openat2(2) and, where a filter
 * makes the kernel an old one, without.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/beneath.h"

static int make_tree(char path[static 32])
{
	int dir;

	strcpy(path, "/tmp/beneath-XXXXXX");
	cr_assert(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	cr_assert(dir >= 0 && mkdirat(dir, "a", 0700) == 0 && mkdirat(dir, "a/b", 0700) == 0);
	close(openat(dir, "a/b/file", O_CREAT | O_WRONLY, 0600));
	cr_assert(symlinkat("b", dir, "a/link") == 0 && symlinkat("file", dir, "a/b/name") == 0);
	return dir;
}

static void remove_tree(int dir, const char *path)
{
	static const char *const files[] = {"a/b/name", "a/b/file", "a/link"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(dir, files[i], 0);
	unlinkat(dir, "a/b", AT_REMOVEDIR);
	unlinkat(dir, "a", AT_REMOVEDIR);
	close(dir);
	rmdir(path);
}

/* openat2(2) is answered as Linux 5.5 does. */
static void become_old(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static int try(int dir, const char *path, int flags)
{
	int fd = cryo_open_beneath(dir, path, flags);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

ParameterizedTestParameters(beneath, paths)
{
	static _Bool old[] = {0, 1};

	return cr_make_param_array(_Bool, old, 2);
}

ParameterizedTest(_Bool *old, beneath, paths)
{
	char path[32];
	int dir = make_tree(path);

	if (*old)
		become_old();
	cr_expect_eq(try(dir, "a/b/file", O_RDONLY), 0);
	cr_expect_eq(try(dir, "./a//b/./file", O_RDONLY), 0);
	cr_expect_eq(try(dir, "a/b/", O_RDONLY | O_DIRECTORY), 0);
	cr_expect_eq(try(dir, ".", O_RDONLY | O_DIRECTORY), 0);
	cr_expect_eq(try(dir, "a/b/none", O_RDONLY), -ENOENT);
	cr_expect_eq(try(dir, "../x", O_RDONLY), -EXDEV);
	cr_expect_eq(try(dir, "/etc/passwd", O_RDONLY), -EXDEV);
	cr_expect_eq(try(dir, "a/link/file", O_RDONLY), -ELOOP);
	cr_expect_eq(try(dir, "a/b/name", O_RDONLY), -ELOOP);
	remove_tree(dir, path);
}
