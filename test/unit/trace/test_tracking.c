// SPDX-License-Identifier: MIT
/* Memory of our own is tracked; where the kernel can. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trace/page_set.h"
#include "trace/tracking.h"

#define SIZE (20ULL << 20)

struct setting {
	int userfaultfd;
	char *memory;
	struct cryo_extent range;
	struct cryo_page_set tracked;
	struct cryo_memory self;
};

/* Twenty mebibytes, all there, that begin and end between two pieces. */
static void begin(struct setting *setting)
{
	int self = -1;

	*setting = (struct setting){.self = CRYO_MEMORY_NONE};
	if (cryo_tracking_probe() < 0)
		cr_skip_test("the kernel has no asynchronous write protection, or we may not");
	setting->memory =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(setting->memory, MAP_FAILED);
	memset(setting->memory, 1, SIZE);
	setting->range = (struct cryo_extent){
		(uintptr_t)setting->memory + 4096, (uintptr_t)setting->memory + SIZE - 4096};
	cr_assert_eq(cryo_page_set_make(&setting->range, 1, 4096, &setting->tracked), 0);
	setting->userfaultfd = (int)syscall(SYS_userfaultfd, cryo_tracking_flags());
	cr_assert_eq(cryo_tracking_begin(setting->userfaultfd), 0);
	cr_assert_eq(
		cryo_tracking_add(setting->userfaultfd, setting->range.start, setting->range.end),
		0);
	self = open("/proc/self", O_RDONLY | O_DIRECTORY);
	cr_assert_eq(cryo_memory_open(self, getpid(), &setting->self), 0);
	close(self);
}

static void end(struct setting *setting)
{
	cryo_memory_close(&setting->self);
	cryo_page_set_clear(&setting->tracked);
	munmap(setting->memory, SIZE);
}

/* Pages that a scan of the tracked memory tells; or -errno. */
static int64_t count(const struct setting *setting, enum cryo_scan which)
{
	struct cryo_memory memory = setting->self;
	struct cryo_extent extents[64];
	uint64_t next, pages = 0;
	size_t n;
	int r;

	memory.which = which;
	r = cryo_memory_scan(
		&memory, setting->range.start, setting->range.end, extents, 64, &n, &next);
	for (size_t i = 0; r == 0 && i < n; i++)
		pages += (extents[i].end - extents[i].start) / 4096;
	return r < 0 ? r : (int64_t)pages;
}

/* Mappings that lie in the memory, and how many of them are tracked. */
static void look(const struct setting *setting, size_t *ret_mappings, size_t *ret_tracked)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	uint64_t start = (uintptr_t)setting->memory, from, to;
	bool inside = false;
	char line[512];

	*ret_mappings = *ret_tracked = 0;
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			inside = from < start + SIZE && to > start;
			*ret_mappings += inside;
		}
		*ret_tracked += inside && strncmp(line, "VmFlags", 7) == 0 && strstr(line, " uw");
	}
	fclose(smaps);
}

Test(tracking, tells_what_is_written)
{
	struct setting setting;
	int64_t pages = (int64_t)(SIZE / 4096 - 2);

	begin(&setting);
	cr_expect_eq(count(&setting, CRYO_SCAN_WRITTEN), pages);
	cr_expect_eq(count(&setting, CRYO_SCAN_WRITTEN), 0);
	setting.memory[4096] = setting.memory[SIZE / 2] = 2;
	cr_expect_eq(count(&setting, CRYO_SCAN_LOST), 2);
	cr_expect_eq(count(&setting, CRYO_SCAN_WRITTEN), 2);
	cr_expect_eq(count(&setting, CRYO_SCAN_LOST), 0);
	madvise(setting.memory + 8192, 8192, MADV_DONTNEED);
	cr_expect_eq(count(&setting, CRYO_SCAN_LOST), 2);
	close(setting.userfaultfd);
	end(&setting);
}

Test(tracking, end_leaves_nothing)
{
	struct setting setting;
	size_t before, mappings, tracked;

	begin(&setting);
	look(&setting, &before, &tracked);
	cr_expect_eq(tracked, 1);
	count(&setting, CRYO_SCAN_WRITTEN);
	cryo_tracking_end(setting.userfaultfd, &setting.tracked);
	look(&setting, &mappings, &tracked);
	cr_expect_eq(tracked, 0);
	cr_expect_lt(mappings, before, "what was one mapping is one again");
	cr_expect_eq(count(&setting, CRYO_SCAN_LOST), -EPERM);
	for (size_t i = 0; i < SIZE; i += 4096)
		setting.memory[i]++;
	cr_expect_eq(setting.memory[4096], 2);
	end(&setting);
}

Test(tracking, end_where_mappings_have_gone)
{
	struct setting setting;
	size_t mappings, tracked;

	begin(&setting);
	count(&setting, CRYO_SCAN_WRITTEN);
	munmap(setting.memory + (7 << 20), 4 << 20);
	cryo_tracking_end(setting.userfaultfd, &setting.tracked);
	look(&setting, &mappings, &tracked);
	cr_expect_eq(tracked, 0);
	end(&setting);
}
