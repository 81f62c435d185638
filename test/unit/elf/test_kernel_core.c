// SPDX-License-Identifier: MIT
/*
 * A core that the kernel wrote, where core_pattern leaves one in the working directory.
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf/core.h"

static const char truth[] = "what the process knows";
static volatile char *in_memory;

/* Die with a core, in a directory of its own. */
static void die(const char *directory)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	if (chdir(directory) < 0 || setrlimit(RLIMIT_CORE, &limit) < 0)
		_exit(1);
	in_memory = strdup(truth);
	signal(SIGABRT, SIG_DFL);
	abort();
}

struct seen {
	size_t notes, threads;
	struct elf_prstatus status;
};

static int look(const struct cryo_core_note *note, void *data)
{
	struct seen *seen = data;

	if (note->type == NT_PRSTATUS && strcmp(note->owner, "CORE") == 0) {
		seen->threads++;
		if (note->size == sizeof(seen->status))
			memcpy(&seen->status, note->desc, sizeof(seen->status));
	}
	seen->notes++;
	return 0;
}

static void check_core(const char *path, pid_t pid)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	struct seen seen = {0};
	char text[sizeof(truth)];
	uint64_t address;

	cr_assert_eq(cryo_core_open(path, &core), 0);
	cr_assert_eq(core.damage, 0, "damage %#x", core.damage);
	cr_assert_eq(core.n_phdrs, core.n_phdrs_claimed);
	cr_assert_eq(core.arch, cryo_arch_by_elf(cryo_arch_host(), ELFCLASS64));
	cr_assert_eq(cryo_core_for_each_note(&core, look, &seen), 0);
	cr_assert_eq(seen.threads, 1);
	cr_assert_gt(seen.notes, 5);
	cr_assert_eq(seen.status.pr_pid, pid);
	cr_assert_eq(cryo_core_read(&core, (uint64_t)&in_memory, &address, 8), 8);
	cr_assert_eq(cryo_core_read(&core, address, text, sizeof(text)), (ssize_t)sizeof(text));
	cr_assert_str_eq(text, truth);
	cr_assert_eq(cryo_core_read(&core, 0, text, 1), 0);
}

Test(kernel_core, is_read_without_damage)
{
	char directory[] = "/tmp/cryo-core-XXXXXX", pattern[64], first = 0;
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY), status;
	glob_t found = {0};
	pid_t child;

	cr_assert_eq(read(fd, &first, 1), 1);
	close(fd);
	if (first == '|' || first == '/' || sizeof(void *) != 8)
		cr_skip_test("core_pattern does not leave cores in the working directory");
	cr_assert_not_null(mkdtemp(directory));
	child = fork();
	if (child == 0)
		die(directory);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WCOREDUMP(status));
	snprintf(pattern, sizeof(pattern), "%s/*", directory);
	cr_assert_eq(glob(pattern, 0, NULL, &found), 0);
	check_core(found.gl_pathv[0], child);
	unlink(found.gl_pathv[0]);
	rmdir(directory);
	globfree(&found);
}
