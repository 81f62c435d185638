// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/plan.h"
#include "elf/core.h"
#include "synthetic.h"

enum {
	PAGE = 4096
};

/* A small core of two threads as a file in memory; its data is the number of the segment. */
static int build_core(size_t arch_index, size_t *ret_head, size_t *ret_size)
{
	static const struct cryo_policy policy = {.use_filter = true};
	_cleanup_process_ struct cryo_process process =
		synthetic_process(synthetic_arch(arch_index));
	_cleanup_plan_ struct cryo_plan plan = {0};
	int fd = memfd_create("core", MFD_CLOEXEC);

	cr_assert_eq(cryo_plan_build(&process, &policy, &plan), 0);
	cr_assert_eq(pwrite(fd, plan.head.data, plan.head.size, 0), (ssize_t)plan.head.size);
	for (size_t i = 0; i < plan.n_segments; i++) {
		_cleanup_free_ char *data = malloc(plan.segments[i].file_size);

		memset(data, 'a' + (int)i, plan.segments[i].file_size);
		cr_assert_eq(pwrite(fd, data, plan.segments[i].file_size,
				     (off_t)plan.segments[i].offset),
			(ssize_t)plan.segments[i].file_size);
	}
	*ret_head = plan.head.size;
	*ret_size = plan.data_end;
	return fd;
}

static int count_note(const struct cryo_core_note *note, void *data)
{
	cr_assert_not_null(note->desc);
	(*(size_t *)data)++;
	return 0;
}

/* Use everything that an opened core offers; nothing of it may reach outside of the process. */
static int use(int fd, uint32_t *ret_damage, int *ret_notes)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	size_t notes = 0;
	char data[2 * PAGE];
	int r = cryo_core_open_fd(fd, &core);

	if (r < 0)
		return r;
	*ret_damage = core.damage;
	*ret_notes = cryo_core_for_each_note(&core, count_note, &notes);
	for (size_t i = 0; i < core.n_phdrs; i++)
		cr_assert_leq(cryo_core_read(&core, core.phdrs[i].vaddr, data, sizeof(data)),
			(ssize_t)sizeof(data));
	return 0;
}

Test(core, whole_core_of_every_architecture)
{
	for (size_t i = 0; i < 4; i++) {
		_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
		size_t head, size, notes = 0;
		_cleanup_close_ int fd = build_core(i, &head, &size);

		cr_assert_eq(cryo_core_open_fd(fd, &core), 0);
		cr_assert_eq(core.damage, 0, "damage %#x", core.damage);
		cr_assert_eq(core.arch, synthetic_arch(i));
		cr_assert_eq(core.n_phdrs, 4);
		cr_assert_eq(core.size, size);
		cr_assert_eq(core.phdrs[2].vaddr, 0x20000);
		cr_assert_eq(cryo_core_for_each_note(&core, count_note, &notes), 0);
		cr_assert_eq(notes, 8);
	}
}

Test(core, memory)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	size_t head, size;
	_cleanup_close_ int fd = build_core(0, &head, &size);
	char data[3 * PAGE];

	cr_assert_eq(cryo_core_open_fd(fd, &core), 0);
	cr_assert_eq(cryo_core_read(&core, 0x10000, data, sizeof(data)), 2 * PAGE);
	cr_assert_eq(data[0], 'a');
	cr_assert_eq(cryo_core_read(&core, 0x20ffe, data, 10), 2);
	cr_assert_eq(data[1], 'b');
	cr_assert_eq(cryo_core_read(&core, 0x21000, data, 1), 0);
	cr_assert_eq(cryo_core_read(&core, 0xffff, data, 1), 0);
	cr_assert_eq(cryo_core_read(&core, UINT64_MAX, data, 100), 0);
	cr_assert_eq(cryo_core_find_load(&core, 0xff000fff)->vaddr, 0xff000000);
	cr_assert_null(cryo_core_find_load(&core, 0xff001000));
}

Test(core, read_crosses_mappings_that_adjoin)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	size_t head, size;
	_cleanup_close_ int fd = build_core(0, &head, &size);
	uint64_t vaddr = 0x12000;
	char data[3 * PAGE];

	pwrite(fd, &vaddr, 8, 64 + 2 * 56 + 16);
	cr_assert_eq(cryo_core_open_fd(fd, &core), 0);
	cr_assert_eq(cryo_core_read(&core, 0x10000, data, sizeof(data)), 3 * PAGE);
	cr_assert_eq(data[2 * PAGE - 1], 'a');
	cr_assert_eq(data[2 * PAGE], 'b');
}

Test(core, truncated_at_every_byte)
{
	for (size_t arch = 0; arch < 2; arch++) {
		size_t head, size;
		_cleanup_close_ int fd = build_core(arch, &head, &size);
		size_t ehdr = arch == 0 ? 64 : 52;

		for (size_t length = size - 1; length < size; length--) {
			uint32_t damage = 0;
			int notes = 0, r;

			cr_assert_eq(ftruncate(fd, (off_t)length), 0);
			r = use(fd, &damage, &notes);
			if (length < ehdr) {
				cr_assert_eq(r, -ENOEXEC, "%zu bytes: %d", length, r);
				continue;
			}
			cr_assert_eq(r, 0);
			cr_assert_neq(damage, 0, "%zu bytes are taken for a whole core", length);
		}
	}
}

Test(core, every_flipped_bit_of_headers_and_notes)
{
	size_t head, size;
	_cleanup_close_ int fd = build_core(1, &head, &size);
	uint8_t byte, flipped;

	for (size_t bit = 0; bit < head * 8; bit++) {
		uint32_t damage = 0;
		int notes = 0;

		pread(fd, &byte, 1, (off_t)(bit / 8));
		flipped = (uint8_t)(byte ^ 1 << bit % 8);
		pwrite(fd, &flipped, 1, (off_t)(bit / 8));
		use(fd, &damage, &notes);
		pwrite(fd, &byte, 1, (off_t)(bit / 8));
	}
}

/* Write over bytes of a fresh x86_64 core. What damage is found. */
static uint32_t damage_after(size_t offset, const void *bytes, size_t count)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	size_t head, size;
	_cleanup_close_ int fd = build_core(0, &head, &size);

	pwrite(fd, bytes, count, (off_t)offset);
	cr_assert_eq(cryo_core_open_fd(fd, &core), 0);
	return core.damage;
}

Test(core, each_damage_has_its_name)
{
	enum {
		LOAD = 64 + 2 * 56 /* the second PT_LOAD, of 0x20000 */
	};
	uint32_t both;
	uint64_t low = 0x9000, inside = 0x11000, huge = UINT64_MAX - 100, zero = 0, big = 1 << 20;

	cr_assert_eq(damage_after(LOAD + 16, &low, 8), CRYO_CORE_ORDER);
	cr_assert_eq(damage_after(LOAD + 16, &inside, 8), CRYO_CORE_OVERLAP);
	cr_assert_eq(damage_after(LOAD + 16, &huge, 8), CRYO_CORE_SEGMENT_SIZE | CRYO_CORE_ORDER);
	cr_assert_eq(damage_after(LOAD + 8, &zero, 8), CRYO_CORE_FILE_OVERLAP);
	cr_assert_eq(damage_after(LOAD + 8, &big, 8), CRYO_CORE_SEGMENT_CUT);
	cr_assert_eq(damage_after(LOAD + 8, &huge, 8), CRYO_CORE_SEGMENT_CUT);
	cr_assert_eq(damage_after(LOAD + 40, &zero, 8), CRYO_CORE_SEGMENT_SIZE);
	cr_assert_eq(damage_after(64, "\x06", 1), CRYO_CORE_NO_NOTES);
	cr_assert_eq(damage_after(52, "\x3f", 1), CRYO_CORE_HEADER_SIZES);
	both = damage_after(56, "\xff\xff", 2) & (CRYO_CORE_PHNUM | CRYO_CORE_PHDRS_CUT);
	cr_assert_eq(both, CRYO_CORE_PHNUM | CRYO_CORE_PHDRS_CUT);
	cr_assert(damage_after(56, "\xfe\xff", 2) & CRYO_CORE_PHDRS_CUT);
	for (uint32_t bit = 1; bit <= CRYO_CORE_HEADER_SIZES; bit <<= 1)
		cr_assert_str_neq(cryo_core_damage_text(bit), "unknown damage");
}

Test(core, bad_notes_end_the_walk)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	size_t head, size, notes = 0;
	_cleanup_close_ int fd = build_core(0, &head, &size);
	uint32_t sizes[] = {UINT32_MAX, UINT32_MAX};

	pwrite(fd, sizes, 8, 64 + 4 * 56 + 12 + 8 + 336);
	cr_assert_eq(cryo_core_open_fd(fd, &core), 0);
	cr_assert_eq(cryo_core_for_each_note(&core, count_note, &notes), -EBADMSG);
	cr_assert_eq(notes, 1);
}

static int stop_at_second(const struct cryo_core_note *note, void *data)
{
	(void)note;
	return ++*(int *)data == 2 ? 77 : 0;
}

Test(core, visitor_ends_the_walk)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	size_t head, size;
	_cleanup_close_ int fd = build_core(0, &head, &size);
	int count = 0;

	cr_assert_eq(cryo_core_open_fd(fd, &core), 0);
	cr_assert_eq(cryo_core_for_each_note(&core, stop_at_second, &count), 77);
	cr_assert_eq(count, 2);
}

Test(core, endless_zeros_are_bounded)
{
	size_t head, size, notes = 0;
	_cleanup_close_ int fd = build_core(0, &head, &size);
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	uint64_t place[] = {1ULL << 32, 0, 0, 1ULL << 40}; /* offset, vaddr, paddr, filesz */

	pwrite(fd, place, sizeof(place), 64 + 8);
	cr_assert_eq(ftruncate(fd, 1LL << 41), 0);
	cr_assert_eq(cryo_core_open_fd(fd, &core), 0);
	cr_assert_eq(cryo_core_for_each_note(&core, count_note, &notes), -E2BIG);
	cr_assert_eq(notes, 0);
}

Test(core, more_program_headers_than_are_ever_read)
{
	size_t head, size;
	_cleanup_close_ int fd = build_core(0, &head, &size);
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	uint64_t shoff = 1 << 20;
	uint32_t count = UINT32_MAX;

	pwrite(fd, "\xff\xff", 2, 56);
	pwrite(fd, &shoff, 8, 40);
	cr_assert_eq(ftruncate(fd, 1LL << 41), 0);
	pwrite(fd, &count, 4, (1 << 20) + 44);
	cr_assert_eq(cryo_core_open_fd(fd, &core), -E2BIG);
}

Test(core, what_is_no_core)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	char directory[] = "/tmp/cryo-fifo-XXXXXX", path[64];

	cr_assert_eq(cryo_core_open("/proc/self/exe", &core), -EMEDIUMTYPE);
	cr_assert_eq(cryo_core_open("/nonexistent", &core), -ENOENT);
	cr_assert_eq(cryo_core_open("/dev/null", &core), -EINVAL);
	cr_assert_eq(cryo_core_open("/etc/passwd", &core), -ENOEXEC);
	cr_assert_eq(cryo_core_open_fd(-1, &core), -EBADF);
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/fifo", directory);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(cryo_core_open(path, &core), -EINVAL, "must not wait for a writer");
	unlink(path);
	rmdir(directory);
	cr_assert_eq(core.fd, -1);
}

Test(core, unknown_machine_has_no_row_but_is_read)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	size_t head, size;
	_cleanup_close_ int fd = build_core(0, &head, &size);
	char byte;

	pwrite(fd, "\x16", 1, 18);
	cr_assert_eq(cryo_core_open_fd(fd, &core), 0);
	cr_assert_null(core.arch);
	cr_assert_eq(core.machine, EM_S390);
	cr_assert_eq(cryo_core_read(&core, 0x20000, &byte, 1), 1);
}
