// SPDX-License-Identifier: MIT
/* The copy of memory, from this very process into a memfd. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/copy.h"
#include "capture/hold.h"
#include "capture/write.h"

enum {
	PAGE = 4096,
	HEAD = 2 * PAGE
};

/* A process of one mapping whose bytes are ours. */
struct setting {
	uint8_t *memory;
	size_t size;
	struct cryo_vma vma;
	struct cryo_segment segment;
	struct cryo_plan plan;
	struct cryo_inspector inspector;
	struct cryo_shared shared;
	struct cryo_output output;
};

static void begin(struct setting *setting, size_t size)
{
	*setting = (struct setting){.size = size, .output = CRYO_OUTPUT_NONE};
	setting->memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(setting->memory, MAP_FAILED);
	madvise(setting->memory, size, MADV_NOHUGEPAGE);
	setting->vma = (struct cryo_vma){.start = (uintptr_t)setting->memory,
		.end = (uintptr_t)setting->memory + size,
		.flags = CRYO_VM_READ | CRYO_VM_WRITE};
	setting->segment = (struct cryo_segment){.vma = &setting->vma, .file_size = size};
	setting->plan = (struct cryo_plan){.segments = &setting->segment, .n_segments = 1};
	setting->inspector = CRYO_INSPECTOR_NONE;
	setting->inspector.live_dir = open("/proc/self", O_RDONLY | O_DIRECTORY);
	setting->inspector.expected = size;
	setting->inspector.deadline = setting->inspector.write_until = UINT64_MAX;
	setting->inspector.guard = cryo_guard_new();
	cr_assert(setting->inspector.guard);
	cr_assert_eq(
		cryo_memory_open(setting->inspector.live_dir, getpid(), &setting->inspector.memory),
		0);
	setting->output.fd = memfd_create("core", 0);
	cr_assert_geq(setting->output.fd, 0);
}

static void end(struct setting *setting)
{
	close(setting->output.fd);
	free(setting->inspector.guard);
	cryo_memory_close(&setting->inspector.memory);
	close(setting->inspector.live_dir);
	munmap(setting->memory, setting->size);
}

/* What cryo_plan_finish() does to a plan that has been placed. */
static void finish(struct setting *setting)
{
	cr_assert(cryo_buffer_add_zero(&setting->plan.head, HEAD));
	setting->segment.offset += HEAD;
}

static void copy(struct setting *setting, int expected, struct cryo_written *written)
{
	struct cryo_arena arena = {0};
	struct cryo_copy *copy;

	cr_assert_eq(
		cryo_copy_begin(&setting->inspector, &setting->shared, written, &arena, &copy), 0);
	cr_assert_eq(cryo_copy_hold(copy, &setting->plan), expected);
	finish(setting);
	if (expected)
		cr_assert_eq(cryo_copy_rest(copy, &setting->output), 0);
	cr_assert_eq(cryo_copy_flush(copy, &setting->output), 0);
	cryo_copy_end(copy);
	cryo_arena_clear(&arena);
	cryo_buffer_clear(&setting->plan.head);
}

static void check(const struct setting *setting)
{
	uint8_t *core;

	cr_assert_eq(ftruncate(setting->output.fd, (off_t)setting->size + HEAD), 0);
	core = mmap(NULL, setting->size + HEAD, PROT_READ, MAP_SHARED, setting->output.fd, 0);
	cr_assert_neq(core, MAP_FAILED);
	cr_assert(memcmp(core + HEAD, setting->memory, setting->size) == 0);
	munmap(core, setting->size + HEAD);
}

Test(write, what_is_small_is_held)
{
	_cleanup_written_ struct cryo_written written = {0};
	struct setting setting;

	begin(&setting, 512 * PAGE);
	for (size_t page = 0; page < 512; page++)
		if (page % 3 == 0)
			memset(setting.memory + page * PAGE, page % 9 ? (int)page : 0, PAGE);
	copy(&setting, 0, &written);
	check(&setting);
	cr_assert_eq(written.data_bytes, 114 * PAGE, "neither holes nor zeros are written");
	cr_assert_eq(written.n_gaps, 0);
	cr_assert_eq(setting.shared.bytes_done, 171 * PAGE);
	end(&setting);
}

Test(write, what_is_large_is_held_in_part)
{
	static const size_t pages = CRYO_HOLD_BYTES / PAGE * 2 + 77;
	_cleanup_written_ struct cryo_written written = {0};
	struct setting setting;

	begin(&setting, pages * PAGE);
	for (size_t page = 0; page < pages; page++)
		memset(setting.memory + page * PAGE, (int)(page % 251 + 1), PAGE);
	copy(&setting, 1, &written);
	check(&setting);
	cr_assert_eq(written.data_bytes, pages * PAGE);
	end(&setting);
}

Test(write, what_comes_too_late_is_a_gap)
{
	_cleanup_written_ struct cryo_written written = {0};
	struct setting setting;

	begin(&setting, 512 * PAGE);
	memset(setting.memory, 1, 512 * PAGE);
	setting.inspector.write_until = 1;
	copy(&setting, 0, &written);
	cr_assert(written.is_late);
	cr_assert_eq(written.data_bytes, 0);
	cr_assert_eq(written.n_gaps, 1);
	cr_assert_eq(written.gaps[0].start, (uintptr_t)setting.memory);
	cr_assert_eq(written.gap_bytes, 512 * PAGE);
	cr_assert_eq(written.gaps[0].error, -ETIME);
	end(&setting);
}

/* The copy that a fork has made is read in this way. */
Test(write, what_of_a_whole_plan_comes_too_late_is_a_gap)
{
	_cleanup_written_ struct cryo_written written = {0};
	struct cryo_arena arena = {0};
	struct setting setting;
	struct cryo_copy *copy;

	begin(&setting, 512 * PAGE);
	memset(setting.memory, 1, 512 * PAGE);
	setting.inspector.write_until = 1;
	cr_assert_eq(
		cryo_copy_begin(&setting.inspector, &setting.shared, &written, &arena, &copy), 0);
	finish(&setting);
	cr_assert_eq(cryo_copy_plan(copy, &setting.plan, &setting.output, &written), 0);
	cryo_copy_end(copy);
	cr_assert(written.is_late);
	cr_assert_eq(written.data_bytes, 0);
	cr_assert_eq(written.gap_bytes, 512 * PAGE);
	cryo_arena_clear(&arena);
	cryo_buffer_clear(&setting.plan.head);
	end(&setting);
}

Test(write, memory_out_of_reach_is_a_gap)
{
	_cleanup_written_ struct cryo_written written = {0};
	struct setting setting;

	begin(&setting, 512 * PAGE);
	memset(setting.memory, 1, 512 * PAGE);
	setting.inspector.memory_error = -ETIMEDOUT;
	copy(&setting, 0, &written);
	cr_assert(!written.is_late);
	cr_assert_eq(written.data_bytes, 0);
	cr_assert_eq(written.gap_bytes, 512 * PAGE);
	cr_assert_eq(written.gaps[0].error, -ETIMEDOUT);
	end(&setting);
}

Test(write, held_runs_that_touch_are_one)
{
	struct cryo_arena arena = {0};
	struct cryo_hold hold;
	static struct cryo_batch batch;
	struct cryo_vma vma = {.start = 0x1000000, .end = 0x2000000};
	struct cryo_segment segment = {.vma = &vma, .file_size = 0x1000000};
	static const uint64_t starts[] = {0x1000000, 0x1001000, 0x1003000};

	cr_assert_eq(cryo_hold_begin(&arena, &hold), 0);
	for (size_t i = 0; i < 3; i++) {
		batch.windows[i].segment = &segment;
		batch.windows[i].start = starts[i];
		batch.windows[i].end = starts[i] + PAGE;
		cr_assert(cryo_batch_join(&batch));
	}
	cr_assert_eq(batch.size, 3 * PAGE, "a hole takes no room");
	cr_assert_eq(cryo_hold_add(&hold, &batch), hold.arena);
	cr_assert_eq(hold.n_runs, 2);
	cr_assert_eq(hold.runs[0].size, 2 * PAGE);
	cr_assert_eq(hold.runs[1].offset, 0x3000);
	cr_assert_eq(hold.runs[1].data, hold.arena + 2 * PAGE);
	cryo_hold_end(&hold);
	cryo_arena_clear(&arena);
}

/* A batch as large as that of which nothing is read, and what it finds in its place. */
static void hold_one(struct cryo_arena *arena, size_t size, uint8_t old, uint8_t new)
{
	static struct cryo_batch batch;
	struct cryo_hold hold;
	size_t n_old = 0;

	cr_assert_eq(cryo_hold_begin(arena, &hold), 0);
	cryo_hold_populate(&hold, size);
	cr_assert_null(arena->pages, "nobody else takes it meanwhile");
	batch.size = size;
	cr_assert_eq(cryo_hold_add(&hold, &batch), hold.arena);
	for (size_t i = 0; i < size; i++)
		n_old += hold.arena[i] == old;
	cr_assert_eq(n_old, size);
	memset(hold.arena, new, size);
	cryo_hold_end(&hold);
	cr_assert_not_null(arena->pages);
}

Test(write, nothing_of_one_target_is_held_with_the_next)
{
	struct cryo_arena arena = {0};
	static const size_t sizes[] = {PAGE, 16 << 20, PAGE, (2 << 20) + PAGE, 3 << 20};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		hold_one(&arena, sizes[i], 0, (uint8_t)(0xa0 + i));
	cryo_arena_clear(&arena);
}

/* Three windows that are one run; whoever read the middle one gets stuck. */
Test(write, what_somebody_got_stuck_at_is_not_written)
{
	static const size_t sizes[] = {2 * PAGE, 3 * PAGE, PAGE};
	_cleanup_written_ struct cryo_written written = {0};
	struct cryo_arena arena = {0};
	struct setting setting;
	struct cryo_copy *copy;
	struct cryo_batch *batch;
	uint64_t at;

	begin(&setting, 6 * PAGE);
	cr_assert_eq(
		cryo_copy_begin(&setting.inspector, &setting.shared, &written, &arena, &copy), 0);
	copy->plan = &setting.plan;
	batch = copy->workers[0]->batch;
	at = setting.vma.start;
	for (size_t i = 0; i < 3; i++) {
		uint8_t *image;

		batch->count = batch->size = 0;
		batch->windows[0].segment = &setting.segment;
		batch->windows[0].start = at;
		batch->windows[0].end = at += sizes[i];
		cr_assert(cryo_batch_join(batch));
		image = cryo_hold_add(&copy->hold, batch);
		memset(image, (int)i + 1, sizes[i]);
		if (i == 1)
			*copy->workers[0] = (struct cryo_worker){
				.copy = copy, .file = -1, .batch = batch, .held = image};
		if (i == 1)
			cryo_batches_take_over(copy, copy->workers[0]);
	}
	cr_assert_eq(copy->error, 0);
	cr_assert_eq(copy->n_again, 1);
	cr_assert_eq(copy->again[0].end - copy->again[0].start, 3 * PAGE);
	copy->is_finished = true;
	cr_assert_eq(cryo_copy_flush(copy, &setting.output), 0);
	cr_assert_eq(written.data_bytes, 3 * PAGE);
	for (size_t page = 0; page < 6; page++) {
		uint8_t byte = 0;

		cr_assert_geq(pread(setting.output.fd, &byte, 1, (off_t)(page * PAGE)), 0);
		cr_assert_eq(byte, page < 2 ? 1 : page < 5 ? 0 : 3);
	}
	cryo_copy_end(copy);
	cryo_arena_clear(&arena);
	end(&setting);
}

Test(write, a_batch_is_dropped_from_the_midst_of_a_run)
{
	static struct cryo_batch batches[3];
	struct cryo_vma vma = {.start = 0x1000000, .end = 0x2000000};
	struct cryo_segment segment = {.vma = &vma, .file_size = 0x1000000};
	struct cryo_arena arena = {0};
	struct cryo_hold hold;
	uint8_t *images[3];

	cr_assert_eq(cryo_hold_begin(&arena, &hold), 0);
	for (size_t i = 0; i < 3; i++) {
		batches[i].windows[0].segment = &segment;
		batches[i].windows[0].start = vma.start + i * PAGE;
		batches[i].windows[0].end = vma.start + (i + 1) * PAGE;
		cr_assert(cryo_batch_join(&batches[i]));
		images[i] = cryo_hold_add(&hold, &batches[i]);
	}
	cr_assert_eq(hold.n_runs, 1);
	cr_assert_eq(cryo_hold_drop(&hold, &batches[1], images[1]), 0);
	cr_assert_eq(hold.n_runs, 2);
	cr_assert_eq(hold.runs[0].size, PAGE);
	cr_assert_eq(hold.runs[1].size, PAGE);
	cr_assert_eq(hold.runs[1].data, images[2]);
	cr_assert_eq(hold.runs[1].offset, 2 * PAGE);
	cr_assert_eq(cryo_hold_drop(&hold, &batches[2], images[2]), 0);
	cr_assert_eq(hold.runs[1].size, 0);
	cryo_hold_end(&hold);
	cryo_arena_clear(&arena);
}
