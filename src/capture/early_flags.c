// SPDX-License-Identifier: MIT
/*
 * The numbers are those of include/linux/mm.h on machines of 64 bits; the lower half of them has
 * not changed since Linux 5.7. A mapping with a flag above, whose meaning did change, is for smaps.
 */
#include "capture/early_flags.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "capture/inspect.h"
#include "proc/maps.h"

static const struct {
	uint64_t kernel;
	uint32_t ours;
} names[] = {
	{0x1, CRYO_VM_READ},
	{0x2, CRYO_VM_WRITE},
	{0x4, CRYO_VM_EXEC},
	{0x8, CRYO_VM_SHARED},
	{0x80, CRYO_VM_MAYSHARE},
	{0x100, CRYO_VM_GROWSDOWN},
	{0x200, CRYO_VM_UFFD},
	{0x400, CRYO_VM_PFNMAP},
	{0x1000, CRYO_VM_UFFD},
	{0x2000, CRYO_VM_LOCKED},
	{0x4000, CRYO_VM_IO},
	{0x8000, CRYO_VM_SEQ_READ},
	{0x10000, CRYO_VM_RAND_READ},
	{0x20000, CRYO_VM_DONTCOPY},
	{0x100000, CRYO_VM_ACCOUNT},
	{0x200000, CRYO_VM_NORESERVE},
	{0x400000, CRYO_VM_HUGETLB},
	{0x2000000, CRYO_VM_WIPEONFORK},
	{0x4000000, CRYO_VM_DONTDUMP},
	{0x10000000, CRYO_VM_MIXEDMAP},
	{0x20000000, CRYO_VM_HUGEPAGE},
	{0x40000000, CRYO_VM_NOHUGEPAGE},
	{0x80000000, CRYO_VM_MERGEABLE},
};

/* Above: four bits of a protection key, VM_DROPPABLE (Linux 6.11) and VM_SEALED. */
#define KNOWN (0xfffffffffULL | 1ULL << 40 | 1ULL << 42)

static uint32_t translate(uint64_t flags)
{
	uint32_t ours = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].kernel)
			ours |= names[i].ours;
	return ours;
}

/* The one page that is in no list of the kernel. */
static bool is_gate(const struct cryo_vma *vma)
{
	return vma->name && strcmp(vma->name, "[vsyscall]") == 0;
}

bool cryo_early_flags_set(
	struct cryo_vma *vmas, size_t count, const struct cryo_bpf_vma *flags, size_t n_flags)
{
	size_t next = 0;

	for (size_t i = 0; i < count; i++) {
		struct cryo_vma *vma = &vmas[i];

		if (is_gate(vma))
			continue;
		if (next == n_flags || flags[next].start != vma->start ||
			flags[next].end != vma->end || flags[next].flags & ~KNOWN)
			return false;
		vma->flags = translate(flags[next].flags);
		vma->anonymous = flags[next++].owner ? vma->end - vma->start : 0;
	}
	return next == n_flags;
}

/* Where the first page of each would show. */
static void find_words(const struct cryo_vma *vmas, size_t count, const struct cryo_bpf_vma *flags,
	struct cryo_bpf_words *ret_words)
{
	if (cryo_bpf_words_open(count, ret_words) < 0)
		return;
	for (size_t i = 0, next = 0; i < count; i++) {
		if (is_gate(&vmas[i]))
			continue;
		if (!flags[next].owner)
			ret_words->words[i].at = flags[next].owner_at;
		next++;
	}
}

/* The flags, by a BPF program. */
struct listing {
	int program, error;
	pid_t tid;
	struct cryo_bpf_vma *flags;
	size_t count;
};

static void *list_flags(void *argument)
{
	struct listing *listing = argument;

	listing->error = cryo_bpf_vmas_read(
		listing->program, listing->tid, &listing->flags, &listing->count);
	return NULL;
}

static int read_maps(const struct cryo_inspector *inspector, struct cryo_vma **vmas, size_t *count)
{
	_cleanup_close_ int maps = openat(inspector->live_dir, "maps", O_RDONLY | O_CLOEXEC);

	return maps < 0 ? -errno : cryo_maps_read(maps, vmas, count);
}

/* Both lists; of very many mappings each takes 20 ms, and they are made at the same time. Whether
 * they are to be had. */
static bool read_both(const struct cryo_inspector *inspector, struct listing *listing,
	struct cryo_vma **vmas, size_t *count)
{
	pthread_t other;
	bool has_other = inspector->early.very_many &&
			 pthread_create(&other, NULL, list_flags, listing) == 0;
	int r = read_maps(inspector, vmas, count);

	if (has_other)
		pthread_join(other, NULL);
	else if (r == 0)
		list_flags(listing);
	return r == 0 && listing->error == 0;
}

bool cryo_early_flags_read(const struct cryo_inspector *inspector, int program,
	struct cryo_vma **ret_vmas, size_t *ret_count, struct cryo_bpf_words *ret_words)
{
	struct listing listing = {.program = program, .tid = inspector->live};
	struct cryo_vma *vmas = NULL;
	size_t count = 0;
	bool done = read_both(inspector, &listing, &vmas, &count) &&
		    cryo_early_flags_set(vmas, count, listing.flags, listing.count);

	if (done) {
		if (ret_words)
			find_words(vmas, count, listing.flags, ret_words);
		*ret_vmas = vmas;
		*ret_count = count;
	} else {
		cryo_vmas_free(vmas, count);
	}
	free(listing.flags);
	return done;
}

/* Whether our own mappings, as far as they have not changed between the two lists, have the flags
 * that smaps tells. */
static bool is_right(int program)
{
	_cleanup_close_ int smaps = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ struct cryo_bpf_vma *flags = NULL;
	struct cryo_vma *vmas = NULL;
	size_t count = 0, n_flags, matches = 0, j = 0;
	bool right = smaps >= 0 && cryo_maps_read(smaps, &vmas, &count) >= 0 &&
		     cryo_bpf_vmas_read(program, gettid(), &flags, &n_flags) == 0;

	for (size_t i = 0; right && i < count; i++) {
		while (j < n_flags && flags[j].start < vmas[i].start)
			j++;
		if (j == n_flags || flags[j].start != vmas[i].start || flags[j].end != vmas[i].end)
			continue;
		right = translate(flags[j].flags) == (vmas[i].flags & ~(uint32_t)CRYO_VM_MTE);
		matches++;
	}
	cryo_vmas_free(vmas, count);
	return right && matches;
}

int cryo_early_flags_open(void)
{
	int program = cryo_bpf_vmas_open();

	if (program >= 0 && !is_right(program)) {
		close(program);
		program = -EOPNOTSUPP;
	}
	return program;
}
