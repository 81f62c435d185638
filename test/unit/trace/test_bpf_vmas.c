// SPDX-License-Identifier: MIT
/* Our own mappings, by BPF; where it may be used. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace/bpf_vmas.h"

enum {
	SIZE = 1 << 20
};

static const struct cryo_bpf_vma *find(
	const struct cryo_bpf_vma *vmas, size_t count, const void *address)
{
	for (size_t i = 0; i < count; i++)
		if (vmas[i].start <= (uintptr_t)address && vmas[i].end > (uintptr_t)address)
			return &vmas[i];
	return NULL;
}

Test(bpf_vmas, are_ours)
{
	struct cryo_bpf_vma *vmas = NULL;
	const struct cryo_bpf_vma *one;
	size_t count = 0;
	int program = cryo_bpf_vmas_open();
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (program < 0)
		cr_skip_test("BPF is not to be had here, or the kernel has no such iterator");
	madvise(memory, SIZE, MADV_DONTDUMP);
	cr_assert_eq(cryo_bpf_vmas_read(program, gettid(), &vmas, &count), 0);
	for (size_t i = 1; i < count; i++)
		cr_expect_geq(vmas[i].start, vmas[i - 1].end, "in address order, each once");
	one = find(vmas, count, memory);
	cr_assert(one);
	cr_expect_eq(one->start, (uintptr_t)memory);
	cr_expect_eq(one->end, (uintptr_t)memory + SIZE);
	cr_expect_eq(one->flags & 0x400000f, 0x400000b, "written, shared, not dumped");
	free(vmas);
	cr_expect_eq(cryo_bpf_vmas_read(program, 4194304, &vmas, &count), -ESRCH, "of nobody");
	close(program);
	munmap(memory, SIZE);
}
