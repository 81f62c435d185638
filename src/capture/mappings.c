// SPDX-License-Identifier: MIT
/*
 * Whoever gets stuck here is given up, and another begins again with what is known then: if it was
 * at the list, nothing that needs the lock is asked any more; if at the files, the list is taken
 * without asking about files; if at the arguments, there are none.
 *
 * smaps, and the links of map_files, wait for mmap_lock for ever; maps does not before it comes to
 * what is being changed, if it is asked for line by line.
 */
#include "capture/mappings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "capture/mapped_file.h"
#include "proc/maps.h"

enum {
	READ_ATTEMPTS = 4,
	TEXT_STEP = 64, /* bytes: seq_file makes only as many lines as it is asked for */
};

/* What maps cannot tell is taken to be what makes the core say more: that all is there. */
static void assume_used(struct cryo_vma *vmas, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct cryo_vma *vma = &vmas[i];

		if (vma->flags & CRYO_VM_MAYSHARE && vma->flags & CRYO_VM_WRITE)
			vma->flags |= CRYO_VM_SHARED;
		else if (vma->kind == CRYO_VMA_ANONYMOUS || vma->flags & CRYO_VM_WRITE)
			vma->anonymous = vma->end - vma->start;
	}
}

/* ---- with the lock ---- */

/* smaps, or maps where the kernel has no smaps (CONFIG_PROC_PAGE_MONITOR). */
static int read_list(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	_cleanup_close_ int list = openat(inspector->live_dir, "smaps", O_RDONLY | O_CLOEXEC);
	int r;

	process->use_unknown = list < 0 && errno == ENOENT;
	if (process->use_unknown)
		list = openat(inspector->live_dir, "maps", O_RDONLY | O_CLOEXEC);
	if (list < 0)
		return -errno;
	r = cryo_maps_read(list, &process->vmas, &process->n_vmas);
	if (process->use_unknown && r >= 0)
		assume_used(process->vmas, process->n_vmas);
	return r;
}

/* Only a process that was not stopped, or shares its memory with one, can change them meanwhile. */
static int read_steady_list(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	int r = read_list(inspector, process);

	for (int attempt = 1; r == 1 && attempt < READ_ATTEMPTS; attempt++) {
		cryo_vmas_free(steal_ptr(process->vmas), process->n_vmas);
		process->n_vmas = 0;
		r = read_list(inspector, process);
	}
	process->vmas_torn = r == 1;
	return r < 0 ? r : 0;
}

static int inspect_files(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	struct cryo_guard *guard = inspector->guard;
	int r;

	cryo_mapped_file_mark_remote(inspector, process->vmas, process->n_vmas);
	process->files_unknown = inspector->files_error;
	if (inspector->files_error)
		return 0;
	cryo_guard_at(guard, CRYO_PLACE_FILES);
	r = cryo_mapped_file_inspect(inspector, process->vmas, process->n_vmas);
	cryo_guard_at(guard, CRYO_PLACE_SAFE);
	return r;
}

/* Whether arguments lie where a server would have to be asked for them. */
static bool are_remote(const struct cryo_process *process, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < process->n_vmas; i++)
		if (process->vmas[i].remote && process->vmas[i].start < end &&
			process->vmas[i].end > start)
			return true;
	return false;
}

/*
 * psargs as fill_psinfo() makes them: at most 79 bytes, every NUL a blank; if the area cannot be
 * read whole, the bytes that could be, as they are.
 */
static void inspect_arguments(const struct cryo_inspector *inspector, uint64_t start, uint64_t end,
	struct cryo_process *process)
{
	size_t limit = sizeof(process->psargs) - 1,
	       want = end - start < limit ? end - start : limit, got = 0;
	struct cryo_guard *guard = inspector->guard;
	char text[sizeof(process->psargs)];

	cryo_guard_at(guard, CRYO_PLACE_ARGUMENTS);
	while (got < want) {
		ssize_t n = cryo_memory_read(
			&inspector->memory, start + got, text + got, want - got, true);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	cryo_guard_at(guard, CRYO_PLACE_SAFE);
	memcpy(process->psargs, text, got);
	process->psargs_failed = got < want;
	for (size_t i = 0; i < got && !process->psargs_failed; i++)
		if (!process->psargs[i])
			process->psargs[i] = ' ';
}

/* The process has them only when it is known that nobody else has taken our place. */
static int list(struct cryo_inspector *inspector, struct cryo_process *process)
{
	struct cryo_guard *guard = inspector->guard;
	struct cryo_inspector own = *inspector;
	struct cryo_process listed = *process;
	int r = 0;

	cryo_guard_at(guard, CRYO_PLACE_LIST);
	if (own.early_error || !cryo_early_take(&own, &listed.vmas, &listed.n_vmas))
		r = read_steady_list(&own, &listed);
	cryo_guard_at(guard, CRYO_PLACE_SAFE);
	inspector->early = own.early;
	*process = listed;
	return r;
}

static int inspect_locked(struct cryo_inspector *inspector, uint64_t arg_start, uint64_t arg_end,
	struct cryo_process *process)
{
	int r = list(inspector, process);

	if (r == 0)
		r = inspect_files(inspector, process);
	if (r < 0)
		return r;
	process->psargs_failed =
		inspector->arguments_error || are_remote(process, arg_start, arg_end);
	if (!process->psargs_failed)
		inspect_arguments(inspector, arg_start, arg_end, process);
	return 0;
}

/* ---- without the lock ---- */

/* Append the text of maps as it comes: whoever goes on takes what is there. */
static int read_text(struct cryo_inspector *inspector)
{
	_cleanup_close_ int maps = openat(inspector->live_dir, "maps", O_RDONLY | O_CLOEXEC);
	struct cryo_guard *guard = inspector->guard;
	char step[TEXT_STEP];
	ssize_t n = 1;
	int r = maps < 0 ? -errno : 0;

	while (r == 0 && n > 0) {
		cryo_guard_at(guard, CRYO_PLACE_TEXT);
		n = read(maps, step, sizeof(step));
		cryo_guard_at(guard, CRYO_PLACE_SAFE);
		if (n > 0)
			r = cryo_buffer_add(&inspector->maps_text, step, (size_t)n);
	}
	inspector->has_maps_text = r == 0 && n == 0;
	return r;
}

static int inspect_unlocked(struct cryo_inspector *inspector, struct cryo_process *process)
{
	const struct cryo_buffer *text = &inspector->maps_text;
	const char *start, *newline;
	int r = inspector->text_error ? 0 : read_text(inspector);

	if (r < 0)
		return r;
	start = (const char *)text->data;
	newline = text->size ? memrchr(start, '\n', text->size) : NULL;
	r = newline ? cryo_maps_parse(start, (size_t)(newline + 1 - start), &process->vmas,
			      &process->n_vmas)
		    : 0;
	process->vmas_cut = !inspector->has_maps_text || r == -EBADMSG;
	assume_used(process->vmas, process->n_vmas);
	cryo_mapped_file_mark_remote(inspector, process->vmas, process->n_vmas);
	return r == -EBADMSG ? 0 : r;
}

int cryo_mappings_inspect(struct cryo_inspector *inspector, uint64_t arg_start, uint64_t arg_end,
	struct cryo_process *process)
{
	return inspector->memory_error ? inspect_unlocked(inspector, process)
				       : inspect_locked(inspector, arg_start, arg_end, process);
}
