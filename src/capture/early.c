// SPDX-License-Identifier: MIT
/*
 * It pays where a thread cannot be stopped, since then BPF will be needed, and where there are so
 * many mappings or threads that the 20 ms of getting BPF ready, while nobody stands still, are less
 * than what they save in the stop: 4 microseconds for each mapping, 20 for each thread.
 */
#include "capture/early.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "capture/early_flags.h"
#include "capture/guard.h"
#include "capture/inspect.h"
#include "capture/mapped_file.h"
#include "proc/maps.h"
#include "proc/procfs.h"

enum {
	MANY_THREADS = 200,
	MANY_BYTES = 64 * 1024, /* of maps: some 800 mappings */
	TOO_MANY_BYTES =
		512 * 1024, /* 6,000: smaps takes longer than to have a BPF program loaded */
	PIECE = 8 * 1024,
	OWN_EXTENTS = 256,
};

/* What is passed over, used or not, so that small mappings are asked about together. */
#define BRIDGE (1ULL << 20)

/* The text of maps, or the beginning of a long one. */
static void read_maps(const struct cryo_inspector *inspector, struct cryo_buffer *text)
{
	_cleanup_close_ int maps = openat(inspector->live_dir, "maps", O_RDONLY | O_CLOEXEC);
	ssize_t n = maps < 0 ? 0 : 1;

	while (n > 0 && text->size < TOO_MANY_BYTES && cryo_buffer_reserve(text, PIECE) == 0) {
		n = read(maps, text->data + text->size, PIECE);
		text->size += n > 0 ? (size_t)n : 0;
	}
}

/* What a text that is whole has of files. */
static void look_at_files(struct cryo_inspector *inspector, const struct cryo_buffer *text)
{
	struct cryo_vma *vmas = NULL;
	size_t count = 0;
	int r = cryo_maps_parse((const char *)text->data, text->size, &vmas, &count);

	if (r == 0)
		r = cryo_mapped_file_inspect(inspector, vmas, count);
	if (r == 0)
		cryo_mapped_file_keep_private(inspector, vmas, &count);
	inspector->early.files = vmas;
	inspector->early.n_files = count;
	if (r < 0)
		cryo_early_forget_files(&inspector->early);
}

static bool read_generation(
	const struct cryo_inspector *inspector, struct cryo_bpf_generation *ret_generation)
{
	return cryo_bpf_read_generation(&inspector->early.bpf, inspector->identity->pid,
		       inspector->live, ret_generation) == 0;
}

static void forget(struct cryo_early *early)
{
	cryo_bpf_words_close(&early->words);
	cryo_vmas_free(steal_ptr(early->vmas), early->n_vmas);
	early->n_vmas = 0;
}

/* Private memory without a page of its own, as far as is known. */
static bool is_unused(const struct cryo_vma *vma)
{
	static const uint32_t others =
		CRYO_VM_SHARED | CRYO_VM_HUGETLB | CRYO_VM_IO | CRYO_VM_PFNMAP | CRYO_VM_MIXEDMAP;

	return !vma->anonymous && !vma->swap && vma->kind != CRYO_VMA_SPECIAL &&
	       !(vma->flags & others);
}

/* Where the mappings from `from` on end that may be asked about as one. */
static size_t stretch_end(const struct cryo_early *early, size_t from)
{
	size_t end = from + 1;

	while (end < early->n_vmas && early->vmas[end].start - early->vmas[end - 1].end <= BRIDGE &&
		(is_unused(&early->vmas[end]) ||
			early->vmas[end].end - early->vmas[end].start <= BRIDGE))
		end++;
	return end;
}

/* Note that mappings have a page, up to the last one that the extent touches, which is returned. */
static struct cryo_vma *mark_used(struct cryo_vma *vma, const struct cryo_vma *end,
	const struct cryo_extent *own, uint64_t page_size)
{
	while (vma < end && vma->end <= own->start)
		vma++;
	for (; vma < end && vma->start < own->end; vma++) {
		if (is_unused(vma))
			vma->anonymous = page_size;
		if (vma->end >= own->end)
			break;
	}
	return vma;
}

/* Pages that have come into a stretch of mappings. Of one that has any no more are looked for. 0 or
 * -errno. */
static int look_for_pages(
	const struct cryo_memory *memory, struct cryo_vma *vma, struct cryo_vma *end)
{
	struct cryo_extent own[OWN_EXTENTS];
	uint64_t at = vma->start;
	size_t count;
	int r = 0;

	while (vma < end && r == 0) {
		struct cryo_vma *marked = vma;

		r = cryo_memory_find_own(
			memory, at, end[-1].end, own, ARRAY_SIZE(own), &count, &at);
		for (size_t i = 0; i < count && r == 0; i++)
			marked = mark_used(marked, end, &own[i], memory->page_size);
		while (r == 0 && vma < end && (vma->end <= at || !is_unused(vma)))
			vma++;
		if (vma < end && at < vma->start)
			at = vma->start;
	}
	return r;
}

static bool ask_page_tables(const struct cryo_inspector *inspector)
{
	const struct cryo_early *early = &inspector->early;
	size_t i = 0;

	while (i < early->n_vmas) {
		size_t end;

		if (!is_unused(&early->vmas[i])) {
			i++;
			continue;
		}
		end = stretch_end(early, i);
		if (look_for_pages(&inspector->memory, early->vmas + i, early->vmas + end) < 0)
			return false;
		i = end;
	}
	return true;
}

static bool ask_words(struct cryo_early *early)
{
	if (cryo_bpf_words_read(&early->words) < 0)
		return false;
	for (size_t i = 0; i < early->n_vmas; i++)
		if (early->words.words[i].value)
			early->vmas[i].anonymous = early->vmas[i].end - early->vmas[i].start;
	return true;
}

static bool find_new_pages(struct cryo_inspector *inspector)
{
	struct cryo_early *early = &inspector->early;

	return early->words.count ? ask_words(early) : ask_page_tables(inspector);
}

/* A mapping that has had pages need not have any now. */
static bool ask_for_present(struct cryo_inspector *inspector)
{
	for (size_t i = 0; i < inspector->early.n_vmas; i++)
		inspector->early.vmas[i].anonymous = 0;
	return ask_page_tables(inspector);
}

/* Whether smaps could be done without. @words: as cryo_early_flags_read(). */
static bool read_without_smaps(struct cryo_inspector *inspector, struct cryo_bpf_words *words)
{
	struct cryo_early *early = &inspector->early;

	early->without_sizes = early->flags >= 0 && !inspector->needs_sizes &&
			       inspector->memory.scan_wanted &&
			       cryo_early_flags_read(inspector, early->flags, &early->vmas,
				       &early->n_vmas, early->very_many ? words : NULL) &&
			       (early->very_many || ask_for_present(inspector));
	return early->without_sizes;
}

static int read_smaps(struct cryo_inspector *inspector)
{
	struct cryo_early *early = &inspector->early;
	_cleanup_close_ int smaps = openat(inspector->live_dir, "smaps", O_RDONLY | O_CLOEXEC);

	forget(early);
	return smaps < 0 ? -errno : cryo_maps_read(smaps, &early->vmas, &early->n_vmas);
}

static void read_mappings(struct cryo_inspector *inspector)
{
	struct cryo_early *early = &inspector->early;

	if (inspector->memory.scan_wanted && read_generation(inspector, &early->generation) &&
		!read_without_smaps(inspector, &inspector->early.words) &&
		read_smaps(inspector) != 0)
		forget(early);
}

static void read_first(struct cryo_inspector *inspector)
{
	_cleanup_buffer_ struct cryo_buffer maps = {0};
	bool large;

	read_maps(inspector, &maps);
	inspector->early.very_many = maps.size >= TOO_MANY_BYTES;
	large = inspector->n_threads >= MANY_THREADS || maps.size >= MANY_BYTES;
	if (!large)
		look_at_files(inspector, &maps);
	if (!large && !inspector->unstoppable)
		return;
	if (cryo_bpf_open(&inspector->early.bpf) < 0 || !large)
		return;
	if (inspector->early.very_many && !inspector->needs_sizes)
		inspector->early.flags = cryo_early_flags_open();
	read_mappings(inspector);
}

static void read_again(struct cryo_inspector *inspector)
{
	struct cryo_early *early = &inspector->early;
	_cleanup_buffer_ struct cryo_buffer maps = {0};

	cryo_early_forget_files(early);
	read_maps(inspector, &maps);
	if (maps.size < MANY_BYTES)
		look_at_files(inspector, &maps);
	forget(early);
	if (early->flags < 0)
		early->flags = cryo_early_flags_open();
	if (early->flags >= 0 && maps.size < MANY_BYTES)
		return;
	if (early->bpf.program >= 0 || cryo_bpf_open(&early->bpf) == 0)
		read_mappings(inspector);
}

/* Whoever reads has what he reads to himself until it is known that nobody has taken his place. */
static void read_for(struct cryo_inspector *inspector, void (*read_it)(struct cryo_inspector *))
{
	struct cryo_inspector own = *inspector;
	struct cryo_guard *guard = inspector->guard;

	if (inspector->early_error)
		return;
	cryo_guard_at(guard, CRYO_PLACE_EARLY);
	read_it(&own);
	cryo_guard_at(guard, CRYO_PLACE_SAFE);
	inspector->early = own.early;
}

void cryo_early_read(struct cryo_inspector *inspector)
{
	read_for(inspector, read_first);
}

void cryo_early_read_again(struct cryo_inspector *inspector)
{
	read_for(inspector, read_again);
}

/* ---- in the stop ---- */

static bool is_same(const struct cryo_bpf_generation *left, const struct cryo_bpf_generation *right)
{
	return left->mm == right->mm && left->executed == right->executed &&
	       left->sequence == right->sequence;
}

static bool has_name(const struct cryo_inspector *inspector, const struct cryo_vma *vma)
{
	_cleanup_buffer_ struct cryo_buffer link = {0};
	char name[64];

	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, vma->start, vma->end);
	return cryo_procfs_readlink(inspector->live_dir, name, &link) == 0 &&
	       strcmp((const char *)link.data, vma->name) == 0;
}

/* Names that maps shows otherwise than the link are asked of the link in any case. */
static bool have_same_names(const struct cryo_inspector *inspector)
{
	const struct cryo_vma *known = NULL;

	for (size_t i = 0; i < inspector->early.n_vmas; i++) {
		const struct cryo_vma *vma = &inspector->early.vmas[i];

		if (vma->kind != CRYO_VMA_FILE || !vma->name || vma->name[0] == '[' ||
			cryo_vma_name_is_ambiguous(vma))
			continue;
		if (known && known->inode == vma->inode && known->device == vma->device &&
			strcmp(known->name, vma->name) == 0)
			continue;
		if (!has_name(inspector, vma))
			return false;
		known = vma;
	}
	return true;
}

static bool is_current(const struct cryo_inspector *inspector)
{
	struct cryo_bpf_generation now;

	return inspector->early.vmas && read_generation(inspector, &now) &&
	       is_same(&now, &inspector->early.generation);
}

/* The words are where they were if no mapping has changed when they have been read. */
static bool is_still_so(struct cryo_inspector *inspector)
{
	return find_new_pages(inspector) && is_current(inspector) && have_same_names(inspector);
}

/* The same without what was read before. */
static bool read_anew(struct cryo_inspector *inspector)
{
	forget(&inspector->early);
	return read_without_smaps(inspector, NULL);
}

bool cryo_early_take(
	struct cryo_inspector *inspector, struct cryo_vma **ret_vmas, size_t *ret_count)
{
	struct cryo_early *early = &inspector->early;

	if (!is_still_so(inspector) && !read_anew(inspector))
		return false;
	*ret_vmas = steal_ptr(early->vmas);
	*ret_count = early->n_vmas;
	early->n_vmas = 0;
	return true;
}

void cryo_early_forget_files(struct cryo_early *early)
{
	cryo_vmas_free(steal_ptr(early->files), early->n_files);
	early->n_files = 0;
}

void cryo_early_leave(struct cryo_early *early)
{
	struct cryo_bpf bpf = early->bpf;

	*early = (struct cryo_early)CRYO_EARLY_NONE;
	early->bpf = bpf;
}

void cryo_early_clear(struct cryo_early *early)
{
	cryo_bpf_close(&early->bpf);
	cryo_bpf_words_close(&early->words);
	cryo_cleanup_close(&early->flags);
	cryo_early_forget_files(early);
	cryo_vmas_free(early->vmas, early->n_vmas);
	*early = (struct cryo_early)CRYO_EARLY_NONE;
}
