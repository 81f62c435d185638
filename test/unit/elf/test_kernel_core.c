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
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/plan.h"
#include "elf/core.h"
#include "model/process.h"

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

#ifdef __x86_64__
enum {
	NOTE_XSAVE_LAYOUT = 0x205
};

static void *copy(const void *data, size_t size)
{
	return memcpy(malloc(size), data, size);
}

static uint64_t microseconds(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static void add_regset(struct cryo_process *process, uint32_t type, const void *data, size_t size)
{
	struct cryo_thread *thread = process->threads;

	thread->regsets[thread->n_regsets++] =
		(struct cryo_regset){type, (uint32_t)size, copy(data, size)};
}

static void take_status(struct cryo_process *process, const struct elf_prstatus *status)
{
	struct cryo_thread *thread = calloc(1, sizeof(*thread));

	thread->ns_tid = status->pr_pid;
	thread->ppid = status->pr_ppid;
	thread->pending = status->pr_sigpend;
	thread->blocked = status->pr_sighold;
	thread->times.user =
		microseconds((struct timeval){status->pr_utime.tv_sec, status->pr_utime.tv_usec});
	thread->times.system =
		microseconds((struct timeval){status->pr_stime.tv_sec, status->pr_stime.tv_usec});
	thread->regsets = calloc(32, sizeof(*thread->regsets));
	process->threads = thread;
	process->n_threads = 1;
	add_regset(process, NT_PRSTATUS, status->pr_reg, sizeof(status->pr_reg));
}

static void take_info(struct cryo_process *process, const struct elf_prpsinfo *info)
{
	process->state = 'R';
	process->nice = info->pr_nice;
	process->task_flags = info->pr_flag;
	process->uid = info->pr_uid;
	process->gid = info->pr_gid;
	process->ns_pid = info->pr_pid;
	process->ppid = info->pr_ppid;
	process->pgrp = info->pr_pgrp;
	process->sid = info->pr_sid;
	memcpy(process->comm, info->pr_fname, sizeof(process->comm));
	memcpy(process->psargs, info->pr_psargs, sizeof(process->psargs));
}

/* The mappings of NT_FILE are a subset of the segments, in the same order. */
static void take_files(struct cryo_process *process, const uint64_t *words)
{
	const char *name = (const char *)&words[2 + 3 * words[0]];
	size_t at = 0;

	for (uint64_t i = 0; i < words[0]; i++, name += strlen(name) + 1) {
		while (process->vmas[at].start != words[2 + 3 * i])
			at++;
		process->vmas[at].kind = CRYO_VMA_FILE;
		process->vmas[at].offset = words[2 + 3 * i + 2] * words[1];
		process->vmas[at].name = strdup(name);
	}
}

static int take_note(const struct cryo_core_note *note, void *data)
{
	struct cryo_process *process = data;

	if (note->type == NT_PRSTATUS) {
		take_status(process, (const void *)note->desc);
	} else if (note->type == NT_PRPSINFO) {
		take_info(process, (const void *)note->desc);
	} else if (note->type == NT_SIGINFO) {
		memcpy(process->siginfo, note->desc, sizeof(process->siginfo));
	} else if (note->type == NT_AUXV) {
		process->auxv = copy(note->desc, note->size);
		process->auxv_size = note->size;
	} else if (note->type == NT_FILE) {
		take_files(process, (const void *)note->desc);
	} else if (note->type == NOTE_XSAVE_LAYOUT) {
		process->xsave_layout = copy(note->desc, note->size);
		process->xsave_layout_size = note->size;
	} else {
		add_regset(process, note->type, note->desc, note->size);
	}
	return 0;
}

/* A mapping that the rules give the size that the kernel gave it. */
static struct cryo_vma take_segment(const struct cryo_phdr *phdr)
{
	struct cryo_vma vma = {.start = phdr->vaddr, .end = phdr->vaddr + phdr->memsz};

	vma.flags = (phdr->flags & PF_R ? CRYO_VM_READ : 0) |
		    (phdr->flags & PF_W ? CRYO_VM_WRITE : 0) |
		    (phdr->flags & PF_X ? CRYO_VM_EXEC : 0);
	vma.anonymous = phdr->filesz == phdr->memsz;
	vma.elf_magic = phdr->filesz && phdr->filesz < phdr->memsz;
	return vma;
}

/* Notes taken apart and built again, headers planned again: every byte is the kernel's. */
static void check_rebuilt(const struct cryo_core *core)
{
	static const struct cryo_policy policy = {.use_filter = true};
	struct cryo_process process = {
		.arch = core->arch, .page_size = 4096, .coredump_filter = 0x33};
	_cleanup_plan_ struct cryo_plan plan = {0};
	_cleanup_free_ uint8_t *head = NULL;

	process.n_vmas = core->n_phdrs - 1;
	process.vmas = calloc(process.n_vmas, sizeof(*process.vmas));
	for (size_t i = 0; i < process.n_vmas; i++)
		process.vmas[i] = take_segment(&core->phdrs[i + 1]);
	cr_assert_eq(cryo_core_for_each_note(core, take_note, &process), 0);
	cr_assert_eq(cryo_plan_build(&process, &policy, &plan), 0);
	head = malloc(plan.head.size);
	cr_assert_eq(pread(core->fd, head, plan.head.size, 0), (ssize_t)plan.head.size);
	for (size_t i = 0; i < plan.head.size; i++)
		cr_assert_eq(plan.head.data[i], head[i], "byte %#zx is %02x, the kernel's %02x", i,
			plan.head.data[i], head[i]);
	cr_assert_eq(plan.data_end, core->size);
	for (size_t i = 0; i < process.threads->n_regsets; i++)
		free((void *)process.threads->regsets[i].data);
	cryo_process_clear(&process);
}
#else
static void check_rebuilt(const struct cryo_core *core)
{
	(void)core;
}
#endif

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
	check_rebuilt(&core);
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
