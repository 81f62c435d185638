// SPDX-License-Identifier: MIT
/* Our own mappings, by BPF, and what becomes of them; where it may be used. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace/bpf_vmas.h"
#include "trace/bpf_words.h"

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

/* What the kernel knows of the mapping that begins there, alone between two others. */
static struct cryo_bpf_vma ask_about(int program, const void *start)
{
	struct cryo_bpf_vma *vmas = NULL, found = {0};
	const struct cryo_bpf_vma *one;
	size_t count = 0;

	cr_assert_eq(cryo_bpf_vmas_read(program, gettid(), &vmas, &count), 0);
	one = find(vmas, count, start);
	cr_assert(one);
	found = *one;
	free(vmas);
	return found;
}

Test(bpf_vmas, show_where_their_first_page_will_show)
{
	int program = cryo_bpf_vmas_open();
	struct cryo_bpf_words words;
	struct cryo_bpf_vma vma;
	char *memory = mmap(NULL, 3 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (program < 0)
		cr_skip_test("BPF is not to be had here, or the kernel has no such iterator");
	mprotect(memory + SIZE, SIZE, PROT_READ | PROT_WRITE);
	vma = ask_about(program, memory + SIZE);
	cr_assert_eq(vma.start, (uintptr_t)memory + SIZE);
	cr_expect_eq(vma.owner, 0, "nothing has been written yet");

	cr_assert_eq(cryo_bpf_words_open(3, &words), 0);
	words.words[0].at = 8;
	words.words[2].at = vma.owner_at;
	words.words[0].value = words.words[2].value = 1;
	cr_assert_eq(cryo_bpf_words_read(&words), 0);
	cr_expect_eq(words.words[0].value, 0, "nothing is there");
	cr_expect_eq(words.words[1].value, 0, "of nothing");
	cr_expect_eq(words.words[2].value, 0);

	memory[SIZE] = 1;
	cr_assert_eq(cryo_bpf_words_read(&words), 0);
	cr_expect_neq(words.words[2].value, 0);
	madvise(memory + SIZE, SIZE, MADV_DONTNEED);
	vma = ask_about(program, memory + SIZE);
	cr_expect_eq(vma.owner, words.words[2].value, "it is known from then on");
	cryo_bpf_words_close(&words);
	close(program);
	munmap(memory, 3 * SIZE);
}

Test(bpf_vmas, have_a_limit_of_words)
{
	struct cryo_bpf_words words = CRYO_BPF_WORDS_NONE;

	cr_expect_lt(cryo_bpf_words_open(0, &words), 0);
	cr_expect_lt(cryo_bpf_words_open((size_t)1 << 24, &words), 0);
	cr_expect_eq(words.map, -1);
}
