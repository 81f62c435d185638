// SPDX-License-Identifier: MIT
/*
 * vma_dump_size() is a list of questions, and the first that fits decides. Here the list is a table
 * of the same order; a rule tells whether it fits, what it is called, and which bits of the filter
 * let the mapping in.
 *
 * One question can be asked from outside only by BPF, of a process with very many mappings: whether
 * a private mapping has an anon_vma. Pages of its own, in memory or in swap, prove it; without any
 * there is nothing of its own to lose, except that the kernel would store a private file mapping
 * whole.
 */
#include "capture/policy.h"

#include <errno.h>
#include <string.h>

#include "arch/arch.h"
#include "base/array.h"
#include "elf/encode.h"

enum {
	SMALL = 1 << 20, /* bytes in use: a stack that is not deep, or no great loss */
};

#define FILTER_BITS 0x1ffu
#define LINKS_UNKNOWN (~(nlink_t)0)

static bool has_file(const struct cryo_vma *vma)
{
	return vma->kind == CRYO_VMA_FILE;
}

static bool is_shared(const struct cryo_vma *vma)
{
	return vma->flags & CRYO_VM_SHARED;
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/*
 * No link leads to the file. Where the count could not be read the name tells: the kernel marks
 * unlinked files, and the rings of aio too, though they have one link.
 */
static bool is_unlinked(const struct cryo_vma *vma)
{
	if (vma->n_links != LINKS_UNKNOWN)
		return vma->n_links == 0;
	if (!vma->name)
		return false;
	return vma->name[0] == '[' ||
	       (ends_with(vma->name, " (deleted)") && strcmp(vma->name, "/[aio] (deleted)") != 0);
}

static bool is_special(const struct cryo_vma *vma)
{
	return vma->kind == CRYO_VMA_SPECIAL;
}

static bool is_dontdump(const struct cryo_vma *vma)
{
	return vma->flags & CRYO_VM_DONTDUMP;
}

static bool is_dax(const struct cryo_vma *vma)
{
	return vma->dax;
}

static bool is_hugetlb(const struct cryo_vma *vma)
{
	return vma->flags & CRYO_VM_HUGETLB;
}

static bool is_io(const struct cryo_vma *vma)
{
	return vma->flags & CRYO_VM_IO;
}

static bool is_shared_anon(const struct cryo_vma *vma)
{
	return is_shared(vma) && is_unlinked(vma);
}

static bool has_own_pages(const struct cryo_vma *vma)
{
	return vma->anonymous || vma->swap;
}

static bool is_unused(const struct cryo_vma *vma)
{
	return !has_file(vma) && !has_own_pages(vma);
}

static bool is_elf_head(const struct cryo_vma *vma)
{
	return has_file(vma) && vma->offset == 0 && vma->flags & CRYO_VM_READ &&
	       (vma->mode & 0111 || vma->elf_magic);
}

static bool always(const struct cryo_vma *vma)
{
	(void)vma;
	return true;
}

enum {
	NEVER = 0,
	ALWAYS = 1 << 30, /* set in every filter */
};

/*
 * A rule that does not let its mapping in ends the search, unless it may fall through to the next
 * that fits: the kernel tests "anon_vma and its bit" and "file and its bit" together.
 */
static const struct rule {
	bool (*fits)(const struct cryo_vma *vma);
	enum cryo_dump_reason reason;
	uint32_t private_bit, shared_bit;
	bool one_page;
	bool falls_through;
} rules[] = {
	{is_special, CRYO_DUMP_SPECIAL, ALWAYS, ALWAYS, false, false},
	{is_dontdump, CRYO_DUMP_DONTDUMP, NEVER, NEVER, false, false},
	{is_dax, CRYO_DUMP_DAX, CRYO_CONTENT_DAX_PRIVATE, CRYO_CONTENT_DAX_SHARED, false, false},
	{is_hugetlb, CRYO_DUMP_HUGETLB, CRYO_CONTENT_HUGETLB_PRIVATE, CRYO_CONTENT_HUGETLB_SHARED,
		false, false},
	{is_io, CRYO_DUMP_IO, NEVER, NEVER, false, false},
	{is_shared_anon, CRYO_DUMP_SHARED_ANON, NEVER, CRYO_CONTENT_ANON_SHARED, false, false},
	{is_shared, CRYO_DUMP_SHARED_FILE, NEVER, CRYO_CONTENT_FILE_SHARED, false, false},
	{has_own_pages, CRYO_DUMP_ANONYMOUS, CRYO_CONTENT_ANON_PRIVATE, NEVER, false, true},
	{is_unused, CRYO_DUMP_UNUSED, NEVER, NEVER, false, false},
	{is_unlinked, CRYO_DUMP_DELETED, CRYO_CONTENT_DELETED, NEVER, false, true},
	{has_file, CRYO_DUMP_FILE, CRYO_CONTENT_FILE_PRIVATE, NEVER, false, true},
	{is_elf_head, CRYO_DUMP_ELF_HEADER, CRYO_CONTENT_ELF_HEADERS, NEVER, true, true},
	{always, CRYO_DUMP_NOT_CHOSEN, NEVER, NEVER, false, false},
};

static bool lets_in(const struct rule *rule, const struct cryo_vma *vma, uint32_t filter)
{
	return filter & (is_shared(vma) ? rule->shared_bit : rule->private_bit);
}

/* The rule that decides. With CRYO_CONTENT_DONTDUMP the rule of that name is passed over. */
static const struct rule *find_rule(const struct cryo_vma *vma, uint32_t filter)
{
	const struct rule *rule = rules;

	while (!rule->fits(vma) || (rule->falls_through && !lets_in(rule, vma, filter)) ||
		(rule->reason == CRYO_DUMP_DONTDUMP && filter & CRYO_CONTENT_DONTDUMP))
		rule++;
	return rule;
}

static uint64_t size_by_rules(const struct cryo_process *process, const struct cryo_vma *vma,
	uint32_t filter, enum cryo_dump_reason *ret_reason)
{
	const struct rule *rule = find_rule(vma, filter);
	bool in = lets_in(rule, vma, filter);
	bool choice = rule->private_bit || rule->shared_bit;

	*ret_reason = in || !choice ? rule->reason : CRYO_DUMP_NOT_CHOSEN;
	if (!in)
		return 0;
	return rule->one_page ? process->page_size : vma->end - vma->start;
}

static uint64_t size_of_every(const struct cryo_process *process, const struct cryo_vma *vma,
	enum cryo_dump_reason *ret_reason)
{
	bool device = vma->flags & (CRYO_VM_IO | CRYO_VM_PFNMAP);

	if (is_special(vma) || (!device && !(vma->flags & CRYO_VM_READ)))
		return size_by_rules(process, vma, ALWAYS | CRYO_CONTENT_ALL, ret_reason);
	*ret_reason = device ? CRYO_DUMP_IO : CRYO_DUMP_EVERY;
	return device ? 0 : vma->end - vma->start;
}

static bool has_stack_pointer(const struct cryo_process *process, const struct cryo_vma *vma)
{
	const struct cryo_arch *arch = process->arch;
	struct cryo_field field = {(uint16_t)arch->sp, (uint16_t)arch->gpr_word};

	for (size_t i = 0; i < process->n_threads; i++) {
		const struct cryo_regset *general = process->threads[i].regsets;
		uint64_t sp;

		if (!general || general->size != arch->gpr_size)
			continue;
		sp = cryo_decode(arch->elf_data, general->data, field);
		if (sp >= vma->start && sp < vma->end)
			return true;
	}
	return false;
}

/* A signal handler may run on a stack of its own: then no sp is in the one that it interrupted. */
static bool may_be_stack(const struct cryo_process *process, const struct cryo_vma *vma)
{
	if (is_shared(vma) || !has_own_pages(vma) || is_dontdump(vma))
		return false;
	return vma->anonymous + vma->swap <= SMALL || has_stack_pointer(process, vma);
}

uint64_t cryo_policy_dump_size(const struct cryo_policy *policy, const struct cryo_process *process,
	const struct cryo_vma *vma, enum cryo_dump_reason *ret_reason)
{
	uint32_t filter = policy->use_filter ? process->coredump_filter & FILTER_BITS : 0;

	if (policy->every)
		return size_of_every(process, vma, ret_reason);
	if (policy->stacks && may_be_stack(process, vma)) {
		*ret_reason = CRYO_DUMP_STACK;
		return vma->end - vma->start;
	}
	filter = (filter | policy->set) & ~policy->clear;
	return size_by_rules(process, vma, filter | ALWAYS, ret_reason);
}

const char *cryo_dump_reason_text(enum cryo_dump_reason reason)
{
	static const char *const texts[] = {
		[CRYO_DUMP_SPECIAL] = "kernel page, always dumped",
		[CRYO_DUMP_EVERY] = "all mappings asked for",
		[CRYO_DUMP_DONTDUMP] = "left out: MADV_DONTDUMP",
		[CRYO_DUMP_DAX] = "DAX mapping",
		[CRYO_DUMP_HUGETLB] = "huge pages",
		[CRYO_DUMP_IO] = "left out: device memory",
		[CRYO_DUMP_SHARED_ANON] = "shared memory",
		[CRYO_DUMP_SHARED_FILE] = "shared file mapping",
		[CRYO_DUMP_ANONYMOUS] = "anonymous memory",
		[CRYO_DUMP_UNUSED] = "left out: never used",
		[CRYO_DUMP_DELETED] = "private mapping of a deleted file",
		[CRYO_DUMP_FILE] = "private file mapping",
		[CRYO_DUMP_ELF_HEADER] = "first page of an executable file",
		[CRYO_DUMP_STACK] = "stack of a thread",
		[CRYO_DUMP_NOT_CHOSEN] = "left out: not chosen",
	};

	return reason < ARRAY_SIZE(texts) ? texts[reason] : "unknown";
}
