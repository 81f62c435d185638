// SPDX-License-Identifier: MIT
/* Mappings of this kernel, of 32 and 64 bits, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "fixture.h"
#include "proc/maps.h"
#include "proc/procfs.h"

struct vmas {
	struct cryo_vma *array;
	size_t count;
};

static void vmas_free(struct vmas *vmas)
{
	cryo_vmas_free(vmas->array, vmas->count);
}

#define _cleanup_vmas_ __attribute__((cleanup(vmas_free)))

static int parse_file(const char *name, struct vmas *ret_vmas)
{
	_cleanup_fixture_ struct fixture text = fixture_load(name);

	return cryo_maps_parse(text.text, text.size, &ret_vmas->array, &ret_vmas->count);
}

static const struct cryo_vma *find(const struct vmas *vmas, const char *name)
{
	for (size_t i = 0; i < vmas->count; i++)
		if (vmas->array[i].name && strcmp(vmas->array[i].name, name) == 0)
			return &vmas->array[i];
	cr_assert_fail("no mapping %s", name);
	return NULL;
}

Test(maps, of_a_64_bit_process)
{
	_cleanup_vmas_ struct vmas vmas = {0};
	const struct cryo_vma *vma;

	cr_assert_eq(parse_file("10497/maps", &vmas), 0);
	cr_assert_eq(vmas.count, 34);
	vma = &vmas.array[1];
	cr_assert_eq(vma->start, 0x561776fb3000);
	cr_assert_eq(vma->end, 0x561776fb4000);
	cr_assert_eq(vma->offset, 0x1000);
	cr_assert_eq(vma->flags, CRYO_VM_READ | CRYO_VM_EXEC);
	cr_assert_eq(vma->device, makedev(0, 0x1b));
	cr_assert_eq(vma->inode, 11);
	cr_assert_eq(vma->kind, CRYO_VMA_FILE);
	cr_assert_str_eq(vma->name, "/usr/bin/odd");
	cr_assert_eq(vma->n_links, ~(nlink_t)0);
	vma = &vmas.array[7];
	cr_assert_eq(vma->kind, CRYO_VMA_ANONYMOUS);
	cr_assert_null(vma->name);
	vma = find(&vmas, "anon_inode:[io_uring]");
	cr_assert_eq(vma->kind, CRYO_VMA_FILE);
	cr_assert_eq(vma->offset, 0x10000000);
	cr_assert_eq(vma->flags, CRYO_VM_READ | CRYO_VM_WRITE | CRYO_VM_MAYSHARE);
	cr_assert_eq(find(&vmas, "/memfd:a b (deleted)")->kind, CRYO_VMA_FILE);
	cr_assert_eq(find(&vmas, "[vdso]")->kind, CRYO_VMA_SPECIAL);
	cr_assert_eq(find(&vmas, "[stack]")->kind, CRYO_VMA_ANONYMOUS);
	cr_assert_eq(find(&vmas, "[vsyscall]")->start, 0xffffffffff600000);
	cr_assert_eq(find(&vmas, "[vsyscall]")->flags, CRYO_VM_EXEC);
}

Test(maps, escaped_names_are_ambiguous)
{
	_cleanup_vmas_ struct vmas vmas = {0};

	cr_assert_eq(parse_file("10497/maps", &vmas), 0);
	cr_assert(cryo_vma_name_is_ambiguous(find(&vmas, "/tmp/odd/new\\012line (deleted)")));
	cr_assert_not(cryo_vma_name_is_ambiguous(find(&vmas, "/usr/bin/odd")));
	cr_assert_not(cryo_vma_name_is_ambiguous(&vmas.array[7]));
}

Test(maps, smaps_has_the_same_mappings_and_says_more)
{
	_cleanup_vmas_ struct vmas maps = {0}, smaps = {0};

	cr_assert_eq(parse_file("10497/maps", &maps), 0);
	cr_assert_eq(parse_file("10497/smaps", &smaps), 0);
	cr_assert_eq(maps.count, smaps.count);
	for (size_t i = 0; i < maps.count; i++) {
		cr_assert_eq(maps.array[i].start, smaps.array[i].start);
		cr_assert_eq(maps.array[i].kind, smaps.array[i].kind);
		cr_assert_eq(maps.array[i].flags & 7, smaps.array[i].flags & 7);
	}
	cr_assert_eq(find(&smaps, "[vvar]")->flags,
		CRYO_VM_READ | CRYO_VM_PFNMAP | CRYO_VM_IO | CRYO_VM_DONTDUMP);
	cr_assert_eq(find(&smaps, "anon_inode:[io_uring]")->flags,
		CRYO_VM_READ | CRYO_VM_WRITE | CRYO_VM_SHARED | CRYO_VM_MAYSHARE |
			CRYO_VM_MIXEDMAP);
	cr_assert_eq(smaps.array[18].flags & CRYO_VM_SHARED, 0, "a read-only file mapped shared");
	cr_assert(smaps.array[18].flags & CRYO_VM_MAYSHARE);
	cr_assert_gt(find(&smaps, "[stack]")->rss, 0);
	cr_assert_eq(find(&smaps, "[stack]")->rss % 4096, 0);
	cr_assert_gt(find(&smaps, "[stack]")->anonymous, 0);
}

Test(maps, of_a_32_bit_process)
{
	_cleanup_vmas_ struct vmas maps = {0}, smaps = {0};

	cr_assert_eq(parse_file("10504/maps", &maps), 0);
	cr_assert_eq(parse_file("10504/smaps", &smaps), 0);
	cr_assert_eq(maps.count, smaps.count);
	cr_assert_eq(maps.array[maps.count - 1].end, 0xfff01000);
	cr_assert_str_eq(maps.array[maps.count - 1].name, "[stack]");
}

Test(maps, kinds_follow_from_names)
{
	static const struct {
		const char *name;
		enum cryo_vma_kind kind;
	} wanted[] = {
		{"[anon:my heap]", CRYO_VMA_ANONYMOUS},
		{"[anon_shmem:named]", CRYO_VMA_FILE},
		{"[stack:42]", CRYO_VMA_ANONYMOUS},
		{"[uprobes]", CRYO_VMA_SPECIAL},
		{"anon_inode:[io_uring]", CRYO_VMA_FILE},
		{"socket:[123]", CRYO_VMA_FILE},
		{"/a  b\\012c (deleted)", CRYO_VMA_FILE},
		{"/[heap]", CRYO_VMA_FILE},
		{NULL, CRYO_VMA_ANONYMOUS},
		{"[vsyscall]", CRYO_VMA_SPECIAL},
	};
	_cleanup_vmas_ struct vmas vmas = {0};

	cr_assert_eq(parse_file("hostile/maps-names", &vmas), 0);
	cr_assert_eq(vmas.count, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < vmas.count; i++) {
		cr_assert_eq(vmas.array[i].kind, wanted[i].kind, "%zu", i);
		if (wanted[i].name)
			cr_assert_str_eq(vmas.array[i].name, wanted[i].name);
		else
			cr_assert_null(vmas.array[i].name);
	}
	cr_assert_eq(vmas.array[6].device, makedev(0xfff, 0xfffff));
	cr_assert_eq(vmas.array[6].inode, UINT64_MAX);
}

Test(maps, unknown_fields_are_skipped)
{
	_cleanup_vmas_ struct vmas vmas = {0};

	cr_assert_eq(parse_file("hostile/smaps-unknown", &vmas), 0);
	cr_assert_eq(vmas.count, 1);
	cr_assert_eq(vmas.array[0].rss, 4096);
	cr_assert_eq(vmas.array[0].anonymous, 0);
	cr_assert_eq(vmas.array[0].swap, 16384);
	cr_assert_eq(
		vmas.array[0].flags, CRYO_VM_READ | CRYO_VM_MAYSHARE | CRYO_VM_UFFD | CRYO_VM_MTE);
}

Test(maps, malformed_files_are_refused)
{
	static const char *const names[] = {"maps-overlap", "maps-backwards", "maps-empty-range",
		"maps-truncated", "maps-overflow", "maps-nul", "smaps-orphan", "smaps-overflow"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct cryo_vma *untouched = (void *)0x10;
		struct vmas vmas = {untouched, 4711};
		char path[64];

		snprintf(path, sizeof(path), "hostile/%s", names[i]);
		cr_assert_eq(parse_file(path, &vmas), -EBADMSG, "%s", names[i]);
		cr_assert_eq(vmas.array, untouched);
		cr_assert_eq(vmas.count, 4711);
	}
}

Test(maps, malformed_lines_are_refused)
{
	static const char *const lines[] = {"\n", " 1000-2000 rw-p 0 0:0 0\nx", "zzz\n",
		"1000 2000 rw-p 00000000 00:00 0\n", "1000-2000 rwp 00000000 00:00 0\n",
		"1000-2000 rwxz 00000000 00:00 0\n", "1000-2000 rw-p 00000000 0000 0\n",
		"1000-2000 rw-p 00000000 00:00 \n", "1000-2000 rw-p 00000000 00:00 0x\n",
		"1000-2000 rw-p 00000000 00:00 18446744073709551616\n",
		"1000-2000 rw-p 00000000 100000000:00 1\n",
		"1000-2000 rw-p 00000000 00:00 0\nRss: kB\n",
		"1000-2000 rw-p 00000000 00:00 0\nSwap: -1 kB\n"};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_fixture_ struct fixture text = fixture_of(lines[i], strlen(lines[i]));
		_cleanup_vmas_ struct vmas vmas = {0};

		cr_assert_eq(cryo_maps_parse(text.text, text.size, &vmas.array, &vmas.count),
			-EBADMSG, "%zu", i);
	}
}

Test(maps, of_a_process_without_memory_is_empty)
{
	_cleanup_vmas_ struct vmas vmas = {NULL, 4711};

	cr_assert_eq(cryo_maps_parse(NULL, 0, &vmas.array, &vmas.count), 0);
	cr_assert_eq(vmas.count, 0);
}

Test(maps, every_cut_is_refused_or_parsed_within_its_bytes)
{
	_cleanup_fixture_ struct fixture whole = fixture_load("10497/smaps");

	for (size_t size = 0; size < whole.size; size += 7) {
		_cleanup_fixture_ struct fixture cut = fixture_of(whole.text, size);
		_cleanup_vmas_ struct vmas vmas = {0};
		int r = cryo_maps_parse(cut.text, cut.size, &vmas.array, &vmas.count);

		cr_assert(r == 0 || r == -EBADMSG);
	}
}

static void parse_own(const char *name, struct vmas *ret_vmas)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	_cleanup_close_ int procfs = cryo_procfs_open("/proc"), dir = -1;

	dir = cryo_procfs_open_process(procfs, getpid());
	cr_assert_eq(cryo_procfs_read(dir, name, 0, &text), 0);
	cr_assert_eq(
		cryo_maps_parse((char *)text.data, text.size, &ret_vmas->array, &ret_vmas->count),
		0);
}

Test(maps, of_ourselves)
{
	static const char *const names[] = {"maps", "smaps"};
	int on_stack = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_vmas_ struct vmas vmas = {0};
		const struct cryo_vma *stack;

		parse_own(names[i], &vmas);
		stack = find(&vmas, "[stack]");
		cr_assert_leq(stack->start, (uintptr_t)&on_stack);
		cr_assert_gt(stack->end, (uintptr_t)&on_stack);
	}
}

Test(maps, reading_in_blocks_is_parsing)
{
	struct cryo_buffer text = {0};
	struct cryo_vma *read_vmas, *parsed;
	size_t n_read, n_parsed;
	int fd = memfd_create("maps", 0);

	for (unsigned int i = 0; i < 20000; i++)
		cr_assert_eq(
			cryo_buffer_printf(&text, "%x000-%x000 rw-p 00000000 00:00 0  [anon:%u]\n",
				2 * i + 16, 2 * i + 17, i),
			0);
	cr_assert_eq(write(fd, text.data, text.size), (ssize_t)text.size);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	cr_assert_eq(cryo_maps_read(fd, &read_vmas, &n_read), 0);
	cr_assert_eq(cryo_maps_parse((char *)text.data, text.size, &parsed, &n_parsed), 0);
	cr_assert_eq(n_read, 20000);
	cr_assert_eq(n_parsed, n_read);
	for (size_t i = 0; i < n_read; i++) {
		cr_assert_eq(read_vmas[i].start, parsed[i].start);
		cr_assert_str_eq(read_vmas[i].name, parsed[i].name);
	}
	cryo_vmas_free(read_vmas, n_read);
	cryo_vmas_free(parsed, n_parsed);
	cryo_buffer_clear(&text);
	close(fd);
}

/* What smaps tells of a mapping that is left out is not taken for that of the one before. */
/* A path below directories with long names. */
Test(maps, a_line_may_be_longer_than_a_block)
{
	static const char line[] = "1000-2000 r--p 00000000 00:1b 11 /";
	static char name[300000];
	_cleanup_close_ int fd = memfd_create("maps", 0);
	_cleanup_vmas_ struct vmas vmas = {0};

	memset(name, 'x', sizeof(name) - 1);
	cr_assert_gt(dprintf(fd, "%s%s\n%s\n", line, name, "2000-3000 rw-p 00000000 00:00 0 "), 0);
	lseek(fd, 0, SEEK_SET);
	cr_assert_eq(cryo_maps_read(fd, &vmas.array, &vmas.count), 0);
	cr_assert_eq(vmas.count, 2);
	cr_assert_eq(strlen(vmas.array[0].name), sizeof(name));
	cr_assert_eq(vmas.array[1].start, 0x2000);
}

Test(maps, fields_of_what_is_left_out)
{
	static const char text[] = "10000-20000 rw-p 00000000 00:00 0 \n"
				   "Rss: 64 kB\nAnonymous: 64 kB\nVmFlags: rd wr mr\n"
				   "18000-20000 rw-p 00000000 00:00 0 \n"
				   "Rss: 0 kB\nAnonymous: 0 kB\nVmFlags: rd dd\n"
				   "20000-30000 rw-p 00000000 00:00 0 \n"
				   "Rss: 4 kB\nAnonymous: 4 kB\nVmFlags: rd wr\n";
	_cleanup_vmas_ struct vmas vmas = {0};
	_cleanup_close_ int fd = memfd_create("smaps", 0);

	cr_assert_eq(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	cr_assert_eq(cryo_maps_read(fd, &vmas.array, &vmas.count), 1);
	cr_assert_eq(vmas.count, 2);
	cr_assert_eq(vmas.array[0].rss, 65536);
	cr_assert_eq(vmas.array[0].anonymous, 65536);
	cr_assert_eq(vmas.array[0].flags, CRYO_VM_READ | CRYO_VM_WRITE);
	cr_assert_eq(vmas.array[1].rss, 4096);
}
