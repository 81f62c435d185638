// SPDX-License-Identifier: MIT
/*
 * The unwinder looks at the thread that runs it: the frames below it stay what they are.
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arch.h"
#include "self.h"
#include "stacks/symbols_cache.h"

enum {
	DEPTH = 20,
	MOST = 200
};

#if defined(__x86_64__)

static void unwind_self(size_t max_frames, uint64_t max_ns, struct cryo_file_finder *finder,
	const ucontext_t *context, struct cryo_stacks *ret_stacks)
{
	uint8_t registers[SELF_GPR_SIZE];
	struct cryo_view memory = self_view();
	struct cryo_stacks_thread thread = {1, registers};
	struct cryo_stacks_limits limits = {max_frames, max_ns};
	struct cryo_stacks_target target = {
		.arch = cryo_arch_by_elf(EM_X86_64, ELFCLASS64),
		.memory = &memory,
		.finder = finder,
		.threads = &thread,
		.n_threads = 1,
	};

	self_registers(context, registers);
	target.mappings = self_mappings(&target.n_mappings);
	cr_assert_eq(cryo_stacks_make(&target, &limits, ret_stacks), 0);
	cr_assert_eq(ret_stacks->n_stacks, 1);
	/* Names of modules are not looked at behind this. */
	self_mappings_free(target.mappings, target.n_mappings);
}

__attribute__((noinline)) static int descend(int depth, void (*look)(void))
{
	volatile int local = depth;

	if (depth == 0)
		look();
	else
		descend(depth - 1, look);
	return local;
}

static void look_whole(void)
{
	void *expected[MOST];
	struct cryo_stacks stacks;
	ucontext_t context;
	int count = backtrace(expected, MOST);

	getcontext(&context);
	unwind_self(MOST, UINT64_C(10000000000), NULL, &context, &stacks);
	cr_assert_eq(stacks.stacks[0].end, CRYO_STACK_ROOT);
	cr_assert_eq(stacks.stacks[0].n_frames, (size_t)count);
	for (int i = 1; i < count; i++) {
		cr_assert_eq(stacks.stacks[0].frames[i].pc, (uintptr_t)expected[i]);
		cr_assert_not(stacks.stacks[0].frames[i].heuristic);
		cr_assert(stacks.stacks[0].frames[i].call);
	}
	cryo_stacks_clear(&stacks);
}

Test(stacks, agree_with_backtrace)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("backtrace() is AddressSanitizer's here, with a frame of its own");
#endif
	descend(DEPTH, look_whole);
}

static void look_short(void)
{
	struct cryo_stacks stacks;
	ucontext_t context;

	getcontext(&context);
	unwind_self(7, UINT64_C(10000000000), NULL, &context, &stacks);
	cr_assert_eq(stacks.stacks[0].end, CRYO_STACK_LIMIT);
	cr_assert_eq(stacks.stacks[0].n_frames, 7);
	cryo_stacks_clear(&stacks);
	unwind_self(MOST, 0, NULL, &context, &stacks);
	cr_assert_eq(stacks.stacks[0].end, CRYO_STACK_LIMIT);
	cr_assert_eq(stacks.stacks[0].n_frames, 1);
	cryo_stacks_clear(&stacks);
}

Test(stacks, keep_their_bounds)
{
	descend(DEPTH, look_short);
}

Test(stacks, end_where_memory_ends)
{
	struct cryo_stacks stacks;
	ucontext_t context;

	getcontext(&context);
	context.uc_mcontext.gregs[REG_RSP] = 0x1000;
	context.uc_mcontext.gregs[REG_RBP] = 0x1000;
	unwind_self(MOST, UINT64_C(10000000000), NULL, &context, &stacks);
	cr_assert_eq(stacks.stacks[0].end, CRYO_STACK_BAD_MEMORY);
	cryo_stacks_clear(&stacks);
}

Test(stacks, end_where_no_entry_is)
{
	struct cryo_stacks stacks;
	ucontext_t context;

	getcontext(&context);
	context.uc_mcontext.gregs[REG_RIP] = 0x1000;
	context.uc_mcontext.gregs[REG_RBP] = 0;
	unwind_self(MOST, UINT64_C(10000000000), NULL, &context, &stacks);
	cr_assert_eq(stacks.stacks[0].n_frames, 1);
	cr_assert_eq(stacks.stacks[0].end, CRYO_STACK_NO_INFO);
	cryo_stacks_clear(&stacks);
}

Test(stacks, follow_frame_pointers_as_a_guess)
{
	uint64_t chain[] = {0, 0x2000}; /* a frame pointer of 0, and a return address */
	struct cryo_stacks stacks;
	ucontext_t context;

	getcontext(&context);
	context.uc_mcontext.gregs[REG_RIP] = 0x1000;
	context.uc_mcontext.gregs[REG_RBP] = (greg_t)(uintptr_t)chain;
	context.uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)chain;
	unwind_self(MOST, UINT64_C(10000000000), NULL, &context, &stacks);
	cr_assert_eq(stacks.stacks[0].n_frames, 2);
	cr_assert_not(stacks.stacks[0].frames[0].heuristic);
	cr_assert(stacks.stacks[0].frames[1].heuristic);
	cr_assert_eq(stacks.stacks[0].frames[1].pc, 0x2000);
	cryo_stacks_clear(&stacks);
}

#endif

Test(stacks, engines)
{
	cr_assert_not_null(cryo_unwind_find(EM_386, ELFCLASS32, 0));
	cr_assert_null(cryo_unwind_find(EM_386, ELFCLASS32, 1));
	cr_assert_null(cryo_unwind_find(EM_386, ELFCLASS64, 0));
	cr_assert_null(cryo_unwind_find(EM_S390, ELFCLASS64, 0));
}

Test(stacks, modules_and_symbols)
{
	struct cryo_view memory = self_view();
	struct cryo_file_finder finder = self_finder();
	struct cryo_modules modules;
	struct cryo_module *own, *libc;
	size_t n_mappings;
	struct cryo_stack_mapping *mappings = self_mappings(&n_mappings);
	uint64_t offset, here = (uintptr_t)descend, there = (uintptr_t)strtol;
	const char *name = NULL;

	cr_assert_eq(cryo_modules_find(mappings, n_mappings, &memory, &finder, &modules), 0);
	own = cryo_modules_at(&modules, here);
	libc = cryo_modules_at(&modules, there);
	cr_assert(own && libc && own != libc);
	cr_assert_eq(own->bias + own->image.link_base, own->start);
	cr_assert_gt(own->build_id.size, 0);
	cr_assert_geq(cryo_module_fd(&modules, own), 0);
	cr_assert_eq(cryo_symbol_find(&modules, own, here + 1, &name, &offset), 0);
	cr_assert_str_eq(name, "descend");
	cr_assert_eq(offset, 1);
	cr_assert_eq(cryo_symbol_find(&modules, libc, there, &name, &offset), 0);
	cr_assert_eq(offset, 0);
	cr_assert_null(cryo_modules_at(&modules, 0x1000));
	cr_assert_null(cryo_modules_at(&modules, (uintptr_t)&offset));
	cr_assert_eq(cryo_symbol_find(&modules, own, own->start, &name, &offset), -ENOENT);
	cryo_modules_clear(&modules);
	self_mappings_free(mappings, n_mappings);
}

/* The symbols that one process finds are those of the next, and of a file that was changed not. */
Test(stacks, symbols_are_kept_from_one_process_to_the_next)
{
	struct cryo_view memory = self_view();
	struct cryo_file_finder finder = self_finder();
	struct cryo_symbols_cache *cache = cryo_symbols_cache_new();
	const struct cryo_symbols *first = NULL;
	size_t n_mappings;
	struct cryo_stack_mapping *mappings = self_mappings(&n_mappings);
	int fd;

	for (int i = 0; i < 2; i++) {
		uint64_t offset, here = (uintptr_t)descend;
		struct cryo_modules modules;
		struct cryo_module *own;
		const char *name = NULL;

		cr_assert_eq(
			cryo_modules_find(mappings, n_mappings, &memory, &finder, &modules), 0);
		modules.cache = cache;
		own = cryo_modules_at(&modules, here);
		cr_assert_eq(cryo_symbol_find(&modules, own, here + 1, &name, &offset), 0);
		cr_assert_str_eq(name, "descend");
		cr_assert(i == 0 || own->symbols == first);
		first = own->symbols;
		fd = dup(cryo_module_fd(&modules, own));
		cryo_modules_clear(&modules);
	}
	cr_assert_eq(cryo_symbols_cache_find(cache, fd), first);
	close(fd);
	fd = memfd_create("another", MFD_CLOEXEC);
	cr_assert_null(cryo_symbols_cache_find(cache, fd));
	cr_assert(cryo_symbols_cache_add(cache, fd, NULL, 1 << 20));
	cr_assert_not(cryo_symbols_cache_add(cache, fd, NULL, 64 << 20), "that is too much");
	close(fd);
	cryo_symbols_cache_free(cache);
	self_mappings_free(mappings, n_mappings);
}
