// SPDX-License-Identifier: MIT
/*
 * How much of each mapping goes into a core: fs/coredump.c vma_dump_size(), and the sets that a
 * user can ask for instead of the process's own coredump_filter.
 */
#pragma once

#include "model/process.h"

/* What is chosen, as bits: the first nine are those of /proc/PID/coredump_filter (core(5)). */
enum cryo_content {
	CRYO_CONTENT_ANON_PRIVATE = 1 << 0,
	CRYO_CONTENT_ANON_SHARED = 1 << 1,
	CRYO_CONTENT_FILE_PRIVATE = 1 << 2,
	CRYO_CONTENT_FILE_SHARED = 1 << 3,
	CRYO_CONTENT_ELF_HEADERS = 1 << 4,
	CRYO_CONTENT_HUGETLB_PRIVATE = 1 << 5,
	CRYO_CONTENT_HUGETLB_SHARED = 1 << 6,
	CRYO_CONTENT_DAX_PRIVATE = 1 << 7,
	CRYO_CONTENT_DAX_SHARED = 1 << 8,
	CRYO_CONTENT_DONTDUMP = 1 << 9, /* MADV_DONTDUMP is not obeyed */
	CRYO_CONTENT_DELETED = 1 << 10, /* private mappings of files without a name, memfds too */
	CRYO_CONTENT_ALL = (1 << 11) - 1,
	/* What is in no file that still has a name, whatever the process wishes. */
	CRYO_CONTENT_EVIDENCE =
		CRYO_CONTENT_ALL & ~(CRYO_CONTENT_FILE_PRIVATE | CRYO_CONTENT_FILE_SHARED),
};

/**
 * struct cryo_policy - what to dump.
 * @use_filter: start from the process's coredump_filter, else from 0
 * @set: bits added to that
 * @clear: bits then taken away
 * @stacks: also what stacks need: mappings of few pages, and those that a stack pointer is in
 * @every: dump every readable mapping that is not a device, whatever the other fields say. The
 *	kernel's own pages (CRYO_VMA_SPECIAL) stay as the kernel has them; mappings without
 *	VM_READ go by the rules with every bit set: a PROT_NONE reservation that was never used
 *	adds nothing
 */
struct cryo_policy {
	bool use_filter;
	uint32_t set, clear;
	bool stacks;
	bool every;
};

/**
 * cryo_policy_parse - the argument of --content.
 * @text: "kernel"; "all"; "evidence" (CRYO_CONTENT_EVIDENCE); or a list with commas of names of
 * bits (anon-private, anon-shared, file-private, file-shared, elf-headers, hugetlb-private,
 *	hugetlb-shared, dax-private, dax-shared, dontdump, deleted). A list whose first word has
 *	a sign (+x, -x) changes the process's own filter; else it replaces it. "kernel" may stand
 *	first in a list, before signed words. Signed and unsigned words are not mixed; of two
 *	words about one bit the later counts.
 *
 * Returns 0 or -EINVAL; then @ret_bad, if not NULL, points at the word in @text that is wrong.
 */
int cryo_policy_parse(const char *text, struct cryo_policy *ret_policy, const char **ret_bad);

/* Why a mapping is dumped or not: one line for --dry-run. */
enum cryo_dump_reason {
	CRYO_DUMP_SPECIAL,  /* the kernel's own pages: always */
	CRYO_DUMP_EVERY,    /* all was asked for */
	CRYO_DUMP_DONTDUMP, /* not: MADV_DONTDUMP */
	CRYO_DUMP_DAX,
	CRYO_DUMP_HUGETLB,
	CRYO_DUMP_IO, /* not: device memory */
	CRYO_DUMP_SHARED_ANON,
	CRYO_DUMP_SHARED_FILE,
	CRYO_DUMP_ANONYMOUS,
	CRYO_DUMP_UNUSED, /* not: private and never written */
	CRYO_DUMP_DELETED,
	CRYO_DUMP_FILE,
	CRYO_DUMP_ELF_HEADER, /* one page */
	CRYO_DUMP_STACK,
	CRYO_DUMP_NOT_CHOSEN, /* not: the rule of its kind is switched off */
};

const char *cryo_dump_reason_text(enum cryo_dump_reason reason);

/* Bytes of the mapping that the core holds (p_filesz), and why. */
uint64_t cryo_policy_dump_size(const struct cryo_policy *policy, const struct cryo_process *process,
	const struct cryo_vma *vma, enum cryo_dump_reason *ret_reason);
