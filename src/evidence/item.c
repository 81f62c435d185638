// SPDX-License-Identifier: MIT
/*
 * First what no lock of the target can hold up, then what waits for its mmap_lock (smaps, environ,
 * cmdline): so a target that hangs there costs nothing else.
 */
#include "evidence/item.h"

#include "base/array.h"

enum {
	SMALL = 1 << 20,
	LARGE = 1 << 30
};

static int make_stacks(const struct cryo_collector *collector, struct cryo_deposit *deposit)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = collector->stacks->make(collector->stacks, &text);

	return r < 0 ? r : cryo_deposit_write(deposit, text.data, text.size);
}

#define RAW(item, file, bytes) .name = item, .source = file, .limit = bytes

const struct cryo_item cryo_items[] = {
	{RAW("stat", "stat", SMALL), .of_process = true, .of_kernel_thread = true},
	{RAW("status", "status", SMALL), .of_process = true, .of_kernel_thread = true},
	{.name = "threads",
		.make = cryo_item_threads,
		.limit = LARGE,
		.of_process = true,
		.of_kernel_thread = true},
	{RAW("cgroup", "cgroup", SMALL), .of_process = true, .of_kernel_thread = true},
	{RAW("io", "io", SMALL), .of_process = true},
	{RAW("limits", "limits", SMALL), .of_process = true},
	{RAW("loginuid", "loginuid", SMALL), .of_process = true},
	{RAW("oom_score_adj", "oom_score_adj", SMALL), .of_process = true},
	{RAW("uid_map", "uid_map", SMALL), .of_process = true},
	{RAW("gid_map", "gid_map", SMALL), .of_process = true},
	{RAW("security", "attr/current", SMALL), .of_process = true},
	{RAW("timers", "timers", LARGE), .of_process = true},
	{.name = "ns", .make = cryo_item_namespaces, .limit = SMALL},
	{RAW("personality", "personality", SMALL)},
	{RAW("coredump_filter", "coredump_filter", SMALL)},
	{.name = "dirs_and_descriptors", .make = cryo_item_descriptors, .limit = LARGE},
	{.name = "fdinfo", .make = cryo_item_fdinfo, .limit = LARGE},
	{RAW("mountinfo", "mountinfo", LARGE)},
	{RAW("auxv", "auxv", SMALL)},
	{RAW("maps", "maps", LARGE)},
	{RAW("smaps", "smaps", LARGE)},
	{RAW("cmdline", "cmdline", LARGE)},
	{RAW("environ", "environ", LARGE)},
	{.name = "stacks", .make = make_stacks, .limit = LARGE, .stage = CRYO_ITEM_STACKS},
};

const size_t cryo_items_count = ARRAY_SIZE(cryo_items);
