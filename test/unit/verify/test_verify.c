// SPDX-License-Identifier: MIT
/*
 * Planned cores of synthetic processes, and what is found when one thing in them is made wrong.
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../elf/synthetic.h"
#include "capture/plan.h"
#include "elf/encode.h"
#include "verify/verify.h"

enum {
	PAGE = 4096,
	MEMORY = 0x20000, /* a mapping of the synthetic process */
};

/* A core in memory. */
struct sample {
	const struct cryo_arch *arch;
	struct cryo_buffer bytes;
	size_t data_end;
};

static uint32_t float_size(const struct cryo_arch *arch)
{
	return arch->machine == EM_386 ? 108 : arch->machine == EM_AARCH64 ? 528 : 512;
}

/*
 * pc and sp of the synthetic threads are patterns: point them into a mapping. Their floating point
 * registers are short: lengthen them.
 */
static void place_threads(struct cryo_process *process)
{
	static const uint8_t zeros[528];
	const struct cryo_arch *arch = process->arch;

	for (size_t i = 0; i < process->n_threads; i++) {
		uint8_t *general = (uint8_t *)process->threads[i].regsets[0].data;
		uint16_t word = (uint16_t)arch->gpr_word;

		cryo_encode(arch->elf_data, general, (struct cryo_field){(uint16_t)arch->pc, word},
			MEMORY);
		cryo_encode(arch->elf_data, general, (struct cryo_field){(uint16_t)arch->sp, word},
			MEMORY + 16);
		process->threads[i].regsets[1].size = float_size(arch);
		process->threads[i].regsets[1].data = zeros;
	}
}

/* AT_PAGESZ, AT_ENTRY inside the first mapping, AT_NULL. */
static void place_auxv(struct cryo_process *process)
{
	static const uint64_t values[] = {AT_PAGESZ, PAGE, AT_ENTRY, 0x10010, AT_NULL, 0};
	uint16_t word = (uint16_t)cryo_arch_word(process->arch);
	size_t count = sizeof(values) / sizeof(values[0]);

	free(process->auxv);
	process->auxv_size = count * word;
	process->auxv = calloc(count, word);
	for (size_t i = 0; i < count; i++)
		cryo_encode(process->arch->elf_data, process->auxv + i * word,
			(struct cryo_field){0, word}, values[i]);
}

static struct sample make_sample(size_t machine)
{
	static const struct cryo_policy policy = {.use_filter = true};
	_cleanup_process_ struct cryo_process process = synthetic_process(synthetic_arch(machine));
	_cleanup_plan_ struct cryo_plan plan = {0};
	struct sample sample = {.arch = process.arch};

	place_threads(&process);
	place_auxv(&process);
	cr_assert_eq(cryo_plan_build(&process, &policy, &plan), 0);
	cr_assert_eq(cryo_buffer_add(&sample.bytes, plan.head.data, plan.head.size), 0);
	cr_assert_not_null(cryo_buffer_add_zero(&sample.bytes, plan.data_end - plan.head.size));
	sample.data_end = plan.data_end;
	return sample;
}

static void verify(const struct sample *sample, size_t size, struct cryo_verdict *verdict)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	_cleanup_close_ int fd = memfd_create("core", MFD_CLOEXEC);

	*verdict = (struct cryo_verdict){0};
	cr_assert_eq(write(fd, sample->bytes.data, size), (ssize_t)size);
	cr_assert_eq(cryo_core_open_fd(fd, &core), 0);
	cr_assert_eq(cryo_verify_core(&core, verdict), 0);
}

static bool has(const struct cryo_verdict *verdict, const char *code)
{
	for (size_t i = 0; i < verdict->n_kept; i++)
		if (strcmp(verdict->findings[i].code, code) == 0)
			return true;
	return false;
}

static void expect(const struct sample *sample, size_t size, const char *code)
{
	struct cryo_verdict verdict;

	verify(sample, size, &verdict);
	if (code)
		cr_assert(has(&verdict, code), "%s: no finding '%s'", sample->arch->name, code);
	else
		cr_assert_eq(verdict.n_findings, 0, "%s: %s", sample->arch->name,
			verdict.n_kept ? verdict.findings[0].text : "");
	cryo_verdict_clear(&verdict);
}

/* One bit of the sample is flipped, a finding of the code expected, and the bit put back. */
static void expect_flip(struct sample *sample, size_t at, uint8_t mask, const char *code)
{
	sample->bytes.data[at] ^= mask;
	expect(sample, sample->bytes.size, code);
	sample->bytes.data[at] ^= mask;
}

Test(verify, planned_cores_are_clean)
{
	for (size_t i = 0; i < 4; i++) {
		struct sample sample = make_sample(i);

		expect(&sample, sample.bytes.size, NULL);
		cryo_buffer_clear(&sample.bytes);
	}
}

Test(verify, every_truncation_is_found)
{
	struct sample sample = make_sample(0);

	for (size_t size = sizeof(Elf64_Ehdr); size < sample.bytes.size; size += 61) {
		struct cryo_verdict verdict;

		verify(&sample, size, &verdict);
		cr_assert_gt(verdict.n_findings, 0, "cut at %zu", size);
		cryo_verdict_clear(&verdict);
	}
	expect(&sample, sample.bytes.size - 1, "truncated");
	cryo_buffer_clear(&sample.bytes);
}

Test(verify, header_fields)
{
	struct sample sample = make_sample(0);

	cr_assert_eq(sample.arch->elf_class, ELFCLASS64);
	expect_flip(&sample, EI_VERSION, 2, "header");
	expect_flip(&sample, EI_PAD + 2, 1, "header");
	expect_flip(&sample, offsetof(Elf64_Ehdr, e_entry), 1, "header");
	expect_flip(&sample, offsetof(Elf64_Ehdr, e_flags), 4, "header");
	expect_flip(&sample, offsetof(Elf64_Ehdr, e_shnum), 1, "sections");
	expect_flip(&sample, offsetof(Elf64_Ehdr, e_shoff) + 6, 1, "sections");
	expect_flip(&sample, offsetof(Elf64_Ehdr, e_machine) + 1, 0x40, "architecture");
	cryo_buffer_clear(&sample.bytes);
}

Test(verify, segments)
{
	struct sample sample = make_sample(0);
	size_t first = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr), second = first + sizeof(Elf64_Phdr);

	expect_flip(&sample, first + offsetof(Elf64_Phdr, p_type), 2, "segment");
	expect_flip(&sample, first + offsetof(Elf64_Phdr, p_flags), 8, "segment");
	expect_flip(&sample, first + offsetof(Elf64_Phdr, p_memsz), 1, "segment");
	expect_flip(&sample, second + offsetof(Elf64_Phdr, p_align) + 1, 0x20, "segment");
	expect_flip(&sample, second + offsetof(Elf64_Phdr, p_offset) + 5, 1, "truncated");
	expect_flip(&sample, sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_type), 8, "frame");
	cryo_buffer_clear(&sample.bytes);
}

/* Offset of the desc of a note. */
static size_t find_note(const struct sample *sample, uint32_t type, size_t number)
{
	const Elf64_Phdr *notes = (const Elf64_Phdr *)(sample->bytes.data + sizeof(Elf64_Ehdr));
	size_t at = notes->p_offset, end = at + notes->p_filesz;

	while (at < end) {
		const Elf64_Nhdr *note = (const Elf64_Nhdr *)(sample->bytes.data + at);
		size_t desc = at + sizeof(*note) + (note->n_namesz + 3) / 4 * 4;

		if (note->n_type == type && number-- == 0)
			return desc;
		at = desc + (note->n_descsz + 3) / 4 * 4;
	}
	cr_assert_fail("no such note");
	return 0;
}

Test(verify, notes)
{
	struct sample sample = make_sample(0);
	size_t second = find_note(&sample, NT_PRSTATUS, 1), owner = 8;

	/* The type of a note lies behind its two sizes, in front of the owner. */
	expect_flip(&sample, find_note(&sample, NT_PRPSINFO, 0) - owner - 4, 0x40, "notes");
	expect_flip(&sample, find_note(&sample, NT_PRFPREG, 1) - owner - 4, 0x40, "notes");
	expect_flip(&sample, find_note(&sample, NT_AUXV, 0) - owner - 4, 0x40, "notes");
	expect_flip(&sample, find_note(&sample, NT_SIGINFO, 0) - owner - 8, 4, "note-size");
	expect_flip(&sample, second - owner - 8, 0x80, "notes");
	expect_flip(&sample, second - owner, 1, "notes");
	cryo_buffer_clear(&sample.bytes);
}

Test(verify, threads)
{
	struct sample sample = make_sample(0);
	size_t first = find_note(&sample, NT_PRSTATUS, 0),
	       second = find_note(&sample, NT_PRSTATUS, 1);
	enum {
		TID = 32,
		SID = 44,
		REGISTERS = 112
	};

	expect_flip(&sample, second + SID, 1, "threads");
	expect_flip(&sample, second + TID + 3, 0x80, "threads");
	expect_flip(&sample, first + REGISTERS + sample.arch->pc + 5, 1, "registers");
	expect_flip(&sample, second + REGISTERS + sample.arch->sp + 4, 1, "registers");
	memcpy(sample.bytes.data + second + TID, sample.bytes.data + first + TID, 4);
	expect(&sample, sample.bytes.size, "threads");
	cryo_buffer_clear(&sample.bytes);
}

Test(verify, files)
{
	struct sample sample = make_sample(0);
	size_t files = find_note(&sample, NT_FILE, 0);

	expect_flip(&sample, files + 8, 1, "files");         /* unit of offsets */
	expect_flip(&sample, files + 3, 1, "notes");         /* how many */
	expect_flip(&sample, files + 16 + 2, 0x80, "notes"); /* start beyond end */
	expect_flip(&sample, files + 24, 1, "files");        /* end inside a page */
	cryo_buffer_clear(&sample.bytes);
}

Test(verify, auxv)
{
	struct sample sample = make_sample(0);
	size_t auxv = find_note(&sample, NT_AUXV, 0);

	expect_flip(&sample, auxv + 8, 1, "auxv");      /* AT_PAGESZ */
	expect_flip(&sample, auxv + 24 + 5, 1, "auxv"); /* AT_ENTRY */
	expect_flip(&sample, auxv + 32, 1, "auxv");     /* no AT_NULL */
	cryo_buffer_clear(&sample.bytes);
}

Test(verify, tail)
{
	static const char own[] = "\x09\0\0\0\x0c\0\0\0\x01\0\0\0CRYOCORE\0\0\0\0threads=2\n\0";
	struct sample sample = make_sample(0);

	cr_assert_eq(cryo_buffer_add(&sample.bytes, own, 12 + 12 + 12), 0);
	expect(&sample, sample.bytes.size, NULL);
	expect(&sample, sample.bytes.size - 1, "tail");
	expect_flip(&sample, sample.data_end + 24 + 8, 1, "threads");
	expect_flip(&sample, sample.data_end + 12, 1, "tail");
	cryo_buffer_clear(&sample.bytes);
}

Test(verify, findings_are_bounded)
{
	struct cryo_verdict verdict = {0};

	for (int i = 0; i < 2 * CRYO_FINDINGS_KEPT; i++)
		cryo_verdict_add(&verdict, "test", "number %d \033", i);
	cr_assert_eq(verdict.n_findings, 2 * CRYO_FINDINGS_KEPT);
	cr_assert_eq(verdict.n_kept, CRYO_FINDINGS_KEPT);
	cr_assert_str_eq(verdict.findings[7].text, "number 7 \\x1b");
	cryo_verdict_clear(&verdict);
	cr_assert_eq(verdict.n_kept, 0);
}
