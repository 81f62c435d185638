// SPDX-License-Identifier: MIT
/* Mappings by maps and BPF: those of smaps. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "capture/early_flags.h"
#include "capture/inspect.h"
#include "proc/maps.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08 /* Linux 6.11; getrandom(3) of the vdso has one for its state */
#endif

static const struct cryo_vma two[] = {
	{.start = 0x1000, .end = 0x2000, .flags = CRYO_VM_READ},
	{.start = 0x3000, .end = 0x4000, .flags = CRYO_VM_READ, .kind = CRYO_VMA_SPECIAL},
};

static bool set(const struct cryo_bpf_vma *flags, size_t n_flags, struct cryo_vma *vmas)
{
	memcpy(vmas, two, sizeof(two));
	return cryo_early_flags_set(vmas, ARRAY_SIZE(two), flags, n_flags);
}

Test(early_flags, are_translated)
{
	const struct cryo_bpf_vma flags[] = {
		{0x1000, 0x2000, 0x4000000 | 0x70 | 0x3, 0xffff888000000001, 0},
		{0x3000, 0x4000, 0x4044411}};
	struct cryo_vma vmas[2];

	cr_assert(set(flags, 2, vmas));
	cr_expect_eq(vmas[0].flags, CRYO_VM_READ | CRYO_VM_WRITE | CRYO_VM_DONTDUMP);
	cr_expect(vmas[0].anonymous, "it has had pages of its own");
	cr_expect_not(vmas[1].anonymous);
	cr_expect_eq(vmas[1].flags, CRYO_VM_READ | CRYO_VM_PFNMAP | CRYO_VM_IO | CRYO_VM_DONTDUMP);
}

Test(early_flags, have_to_fit)
{
	const struct cryo_bpf_vma moved[] = {{0x1000, 0x2000, 1}, {0x3000, 0x5000, 1}};
	const struct cryo_bpf_vma more[] = {
		{0x1000, 0x2000, 1}, {0x3000, 0x4000, 1}, {0x5000, 0x6000, 1}};
	const struct cryo_bpf_vma unknown[] = {{0x1000, 0x2000, 1ULL << 50}, {0x3000, 0x4000, 1}};
	struct cryo_vma vmas[2];

	cr_expect_not(set(moved, 2, vmas));
	cr_expect_not(set(more, 3, vmas));
	cr_expect_not(set(more, 1, vmas));
	cr_expect_not(set(unknown, 2, vmas), "a flag of which nothing is known");
	cr_expect(set(more, 2, vmas));
}

/* Mappings of all sorts, so that each flag which can be had without privileges is there. */
static void make_mappings(void)
{
	static const int advice[] = {MADV_DONTDUMP, MADV_DONTFORK, MADV_WIPEONFORK, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_MERGEABLE, MADV_SEQUENTIAL, MADV_RANDOM};

	for (size_t i = 0; i < ARRAY_SIZE(advice); i++)
		madvise(mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				0),
			1 << 16, advice[i]);
	mlock(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
	mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
	mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1,
		0);
}

Test(early_flags, are_those_of_smaps)
{
	struct cryo_inspector inspector = CRYO_INSPECTOR_NONE;
	struct cryo_vma *ours = NULL, *theirs = NULL;
	size_t n_ours = 0, n_theirs = 0;
	int program = cryo_early_flags_open(), smaps;

	if (program < 0)
		cr_skip_test("BPF is not to be had here, or the flags are others");
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("what is read into is mapped anew each time: the two lists are never alike");
#endif
	make_mappings();
	smaps = open("/proc/self/smaps", O_RDONLY);
	inspector.live = gettid();
	inspector.live_dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
	cr_assert_eq(cryo_maps_read(smaps, &theirs, &n_theirs), 0);
	cr_assert(cryo_early_flags_read(&inspector, program, &ours, &n_ours, NULL));
	for (size_t i = 0, j = 0; i < n_ours; i++) {
		while (j < n_theirs && theirs[j].start < ours[i].start)
			j++;
		if (j < n_theirs && theirs[j].start == ours[i].start &&
			theirs[j].end == ours[i].end)
			cr_expect_eq(ours[i].flags, theirs[j].flags, "%s: %x and not %x",
				ours[i].name ? ours[i].name : "", ours[i].flags, theirs[j].flags);
	}
	cryo_vmas_free(ours, n_ours);
	cryo_vmas_free(theirs, n_theirs);
	close(inspector.live_dir);
	close(smaps);
	close(program);
}

/* A child does not change while it is read. */
static pid_t start_child_with(size_t mappings)
{
	char *memory = mmap(NULL, mappings * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	cr_assert_neq(memory, MAP_FAILED);
	for (size_t i = 0; i < mappings; i += 2)
		cr_assert_eq(mprotect(memory + i * 4096, 4096, PROT_READ), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	munmap(memory, mappings * 4096);
	return child;
}

Test(early_flags, of_many_mappings_end_with_the_last)
{
	static const size_t counts[] = {1000, 1400, 2800, 20000};
	int program = cryo_early_flags_open();

	if (program < 0)
		cr_skip_test("BPF is not to be had here, or the flags are others");
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct cryo_inspector inspector = CRYO_INSPECTOR_NONE;
		struct cryo_vma *vmas = NULL;
		size_t count = 0;
		char path[32];

		inspector.live = start_child_with(counts[i]);
		snprintf(path, sizeof(path), "/proc/%d", inspector.live);
		inspector.live_dir = open(path, O_RDONLY | O_DIRECTORY);
		cr_expect(cryo_early_flags_read(&inspector, program, &vmas, &count, NULL), "%zu",
			counts[i]);
		cr_expect_geq(count, counts[i]);
		cryo_vmas_free(vmas, count);
		close(inspector.live_dir);
		kill(inspector.live, SIGKILL);
		waitpid(inspector.live, NULL, 0);
	}
	close(program);
}
