// SPDX-License-Identifier: MIT
/*
 * The parent's side: it starts children, takes what they tell, and makes the links, which are all
 * below our own directory and cannot hang.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/io.h"
#include "evidence/bundle_state.h"
#include "evidence/root_path.h"
#include "evidence/watchdog.h"

static const char *const texts[] = {
	[CRYO_BUNDLE_UNWANTED] = "not asked for",
	[CRYO_BUNDLE_NOT_ELF] = "no ELF file",
	[CRYO_BUNDLE_KERNEL] = "made by the kernel",
	[CRYO_BUNDLE_SHARED_MEMORY] = "shared memory: it is in the core",
	[CRYO_BUNDLE_NO_FILE] = "no regular file",
	[CRYO_BUNDLE_REMOTE] = "on a file system whose server may not answer",
	[CRYO_BUNDLE_TOO_LARGE] = "too large",
	[CRYO_BUNDLE_GONE] = "no longer mapped when it was to be copied",
	[CRYO_BUNDLE_FAILED] = "it could not be copied",
};

static const char *const modes[] = {
	[CRYO_BUNDLE_NONE] = "none",
	[CRYO_BUNDLE_ELF] = "elf",
	[CRYO_BUNDLE_ALL] = "all",
};

const char *cryo_bundle_reason_text(enum cryo_bundle_reason reason)
{
	return texts[reason];
}

bool cryo_bundle_is_missing(enum cryo_bundle_reason reason)
{
	return reason >= CRYO_BUNDLE_GONE;
}

int cryo_bundle_mode_parse(const char *text, enum cryo_bundle_mode *ret_mode)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(text, modes[i]) == 0) {
			*ret_mode = (enum cryo_bundle_mode)i;
			return 0;
		}
	return -EINVAL;
}

void cryo_bundled_clear(struct cryo_bundled *bundled, size_t count)
{
	for (size_t i = 0; bundled && i < count; i++) {
		for (size_t k = 0; k < bundled[i].n_roots; k++)
			free(bundled[i].roots[k]);
		free(bundled[i].roots);
	}
	free(bundled);
}

void cryo_bundle_path(const uint8_t digest[CRYO_DIGEST_SIZE], char ret_path[CRYO_BUNDLE_PATH_SIZE])
{
	strcpy(ret_path, "files/");
	cryo_hash_hex(digest, ret_path + strlen(ret_path));
}

/* ---- files by id ---- */

static size_t slot_of(const struct cryo_bundle *bundle, const struct cryo_file_id *id)
{
	uint64_t key = (id->inode ^ id->device << 20 ^ id->changed_ns) * 0x9e3779b97f4a7c15ULL;
	size_t slot = (size_t)(key >> 32) & (bundle->n_slots - 1);

	while (bundle->slots[slot] &&
		memcmp(&bundle->files[bundle->slots[slot] - 1].id, id, sizeof(*id)) != 0)
		slot = (slot + 1) & (bundle->n_slots - 1);
	return slot;
}

size_t cryo_bundle_find(const struct cryo_bundle *bundle, const struct cryo_file_id *id)
{
	uint32_t found = bundle->n_slots ? bundle->slots[slot_of(bundle, id)] : 0;

	return found ? found - 1 : SIZE_MAX;
}

/* At most half of the slots are taken. */
static int grow_slots(struct cryo_bundle *bundle)
{
	size_t wanted = bundle->n_slots ? 2 * bundle->n_slots : 256;
	uint32_t *slots;

	if (2 * bundle->n_files < bundle->n_slots)
		return 0;
	slots = calloc(wanted, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(bundle->slots);
	bundle->slots = slots;
	bundle->n_slots = wanted;
	for (size_t i = 0; i < bundle->n_files; i++)
		slots[slot_of(bundle, &bundle->files[i].id)] = (uint32_t)i + 1;
	return 0;
}

int cryo_bundle_add(struct cryo_bundle *bundle, const struct cryo_bundle_file *file)
{
	struct cryo_bundle_file *added;
	int r = grow_slots(bundle);

	added = r < 0 ? NULL : cryo_array_add(bundle->files, bundle->n_files);
	if (!added)
		return -ENOMEM;
	*added = *file;
	bundle->slots[slot_of(bundle, &file->id)] = (uint32_t)bundle->n_files;
	return 0;
}

/* ---- what the child tells ---- */

static int add_root(struct cryo_bundled *bundled, const char *name)
{
	_cleanup_buffer_ struct cryo_buffer path = {0};
	int r = cryo_root_path(name, &path);
	char **added;

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		bundled->root_error = r == -EINVAL ? bundled->root_error : r;
		return 0;
	}
	for (size_t i = 0; i < bundled->n_roots; i++)
		if (strcmp(bundled->roots[i], (const char *)path.data) == 0)
			return 0;
	added = cryo_array_add(bundled->roots, bundled->n_roots);
	if (!added)
		return -ENOMEM;
	*added = (char *)steal_ptr(path.data);
	return 0;
}

/* A deleted file has the name that the kernel shows now, and the one that it had. */
static int add_own_roots(struct cryo_bundled *bundled, const char *name, bool deleted)
{
	static const char suffix[] = " (deleted)";
	size_t length = strlen(name), tail = sizeof(suffix) - 1;
	int r = add_root(bundled, name);

	if (r == 0 && deleted && length > tail && strcmp(name + length - tail, suffix) == 0) {
		_cleanup_free_ char *before = strndup(name, length - tail);

		r = before ? add_root(bundled, before) : -ENOMEM;
	}
	return r;
}

static int take_mapped(struct cryo_bundle *bundle, const struct cryo_bundle_record *record,
	const struct cryo_bundled *told)
{
	struct cryo_bundle_subject *subject = &bundle->subjects[record->subject];
	struct cryo_bundled *bundled = &subject->bundled[record->mapped];
	const struct cryo_bundle_file *file =
		told->file < bundle->n_files ? &bundle->files[told->file] : NULL;

	*bundled = *told;
	if (!file || bundled->reason != CRYO_BUNDLE_STORED)
		return 0;
	memcpy(bundled->digest, file->sum.sha256, sizeof(bundled->digest));
	return add_own_roots(bundled, subject->mapped->array[record->mapped].name, file->deleted);
}

static int take(
	struct cryo_bundle *bundle, const struct cryo_bundle_record *record, const void *body)
{
	struct cryo_bundle_subject *subject = &bundle->subjects[record->subject];

	if (record->kind == CRYO_BUNDLE_RECORD_FILE)
		return cryo_bundle_add(bundle, body);
	if (record->kind == CRYO_BUNDLE_RECORD_MAPPED)
		return take_mapped(bundle, record, body);
	return add_root(&subject->bundled[record->mapped], body);
}

/* The child may have been killed amid a record: the rest of it is not there. */
static int take_all(struct cryo_bundle *bundle)
{
	_cleanup_buffer_ struct cryo_buffer bytes = {0};
	struct cryo_bundle_record record;
	size_t at = 0;
	int r = lseek(bundle->records, 0, SEEK_SET) < 0 ? -errno : 0;

	if (r == 0)
		r = cryo_io_read_all(bundle->records, SIZE_MAX / 8, &bytes);
	while (r == 0 && bytes.size - at >= sizeof(record)) {
		_cleanup_free_ void *body = NULL;

		memcpy(&record, bytes.data + at, sizeof(record));
		at += sizeof(record);
		if (record.size > bytes.size - at)
			break;
		body = calloc(1, record.size + 1);
		if (!body)
			return -ENOMEM;
		memcpy(body, bytes.data + at, record.size);
		at += record.size;
		r = take(bundle, &record, body);
	}
	return r;
}

/* ---- steps ---- */

static uint64_t progress_of(void *user)
{
	const struct cryo_bundle *bundle = user;

	return bundle->shared->beats;
}

/* A child that ended before its time: say so where it stood, and go on behind that. */
static void pass_over(struct cryo_bundle *bundle, int error)
{
	struct cryo_bundle_shared *shared = bundle->shared;
	struct cryo_bundle_subject *subject = &bundle->subjects[shared->subject];

	if (shared->subject >= bundle->n_subjects)
		return;
	if (shared->step < subject->mapped->count) {
		subject->bundled[shared->step].error = error;
		shared->step++;
	} else {
		shared->step = 0;
		shared->subject++;
	}
}

static int run_child(struct cryo_bundle *bundle)
{
	struct cryo_watchdog watchdog = {
		progress_of, bundle, bundle->options.stall_ms, bundle->options.cancel};
	const int kept[] = {bundle->records, bundle->directory, bundle->options.procfs,
		cryo_sink_directory_fd(bundle->options.sink)};
	pid_t child = cryo_watchdog_fork(kept, ARRAY_SIZE(kept));
	int status, r;

	if (child == 0)
		_exit(cryo_bundle_walk(bundle) < 0);
	if (child < 0)
		return (int)child;
	r = cryo_watchdog_wait(&watchdog, child, &status);
	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
		r = -EIO;
	return r;
}

/* Whether there is something to be done still that the child has not begun. */
static bool stands(const struct cryo_bundle *bundle, uint64_t subject, uint64_t step)
{
	return subject < bundle->n_subjects && bundle->shared->subject == subject &&
	       bundle->shared->step == step;
}

/* How it ended is not told where our caller waits for our children, or ignores their end. */
int cryo_bundle_step(struct cryo_bundle *bundle)
{
	uint64_t subject = bundle->shared->subject, step = bundle->shared->step;
	int ended, r;

	if (ftruncate(bundle->records, 0) < 0 || lseek(bundle->records, 0, SEEK_SET) < 0)
		return -errno;
	ended = run_child(bundle);
	if (ended == 0 && stands(bundle, subject, step))
		ended = -EIO;
	r = take_all(bundle);
	if (r == 0 && (ended == -ETIMEDOUT || ended == -EIO))
		pass_over(bundle, ended);
	else if (r == 0)
		r = ended;
	if (r < 0) /* what is left is not done */
		bundle->shared->subject = bundle->n_subjects;
	return r < 0 ? r : bundle->shared->subject < bundle->n_subjects;
}

/* ---- links ---- */

int cryo_bundle_link(struct cryo_bundle *bundle,
	int (*add)(void *user, const char *path, const struct cryo_bundle_file *file), void *user)
{
	int r = 0;

	for (; r == 0 && bundle->n_linked < bundle->n_files; bundle->n_linked++) {
		struct cryo_bundle_file *file = &bundle->files[bundle->n_linked];
		char path[CRYO_BUNDLE_PATH_SIZE];

		if (file->reason != CRYO_BUNDLE_STORED || file->again)
			continue;
		cryo_bundle_path(file->sum.sha256, path);
		if (file->copy[0])
			r = cryo_sink_link(bundle->options.links, file->copy, path);
		if (r == 0)
			r = add(user, path, file);
	}
	return r;
}

static void link_one(struct cryo_sink *links, pid_t pid, struct cryo_bundled *bundled)
{
	char from[CRYO_BUNDLE_PATH_SIZE];
	size_t kept = 0;

	cryo_bundle_path(bundled->digest, from);
	for (size_t i = 0; i < bundled->n_roots; i++) {
		_cleanup_buffer_ struct cryo_buffer to = {0};
		int r = cryo_buffer_printf(&to, "proc/%d/root/%s", pid, bundled->roots[i]);

		if (r == 0)
			r = cryo_sink_link(links, from, (const char *)to.data);
		if (r < 0) {
			bundled->root_error = r;
			free(bundled->roots[i]);
		} else {
			bundled->roots[kept++] = bundled->roots[i];
		}
	}
	bundled->n_roots = kept;
}

void cryo_bundle_link_roots(
	struct cryo_sink *links, pid_t pid, struct cryo_bundled *bundled, size_t count)
{
	for (size_t i = 0; bundled && i < count; i++)
		link_one(links, pid, &bundled[i]);
}

size_t cryo_bundle_done(const struct cryo_bundle *bundle)
{
	return bundle->shared->subject;
}

/* ---- the beginning and the end ---- */

struct cryo_bundled *cryo_bundled_untried(enum cryo_bundle_mode mode, size_t count, int error)
{
	struct cryo_bundled *bundled = calloc(count + 1, sizeof(*bundled));
	bool wanted = mode != CRYO_BUNDLE_NONE;

	for (size_t i = 0; bundled && i < count; i++)
		bundled[i] = (struct cryo_bundled){
			.reason = wanted ? CRYO_BUNDLE_FAILED : CRYO_BUNDLE_UNWANTED,
			.error = wanted ? error : 0,
			.file = SIZE_MAX};
	return bundled;
}

/* Until something else is known, nothing has been done. */
static int prepare(const struct cryo_bundle *bundle, struct cryo_bundle_subject *subject)
{
	subject->bundled =
		cryo_bundled_untried(bundle->options.mode, subject->mapped->count, -ECANCELED);
	return subject->bundled ? 0 : -ENOMEM;
}

static int set_up(struct cryo_bundle *bundle)
{
	void *shared = mmap(NULL, sizeof(*bundle->shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int r;

	if (shared == MAP_FAILED)
		return -errno;
	bundle->shared = shared;
	bundle->records = memfd_create("bundle", MFD_CLOEXEC);
	if (bundle->records < 0)
		return -errno;
	if (bundle->options.mode != CRYO_BUNDLE_NONE)
		bundle->directory = cryo_sink_directory_enter(bundle->options.sink, "files");
	r = bundle->directory < -1 ? bundle->directory : 0;
	for (size_t i = 0; r == 0 && i < bundle->n_subjects; i++)
		r = prepare(bundle, &bundle->subjects[i]);
	return r;
}

int cryo_bundle_new(const struct cryo_bundle_options *options, struct cryo_bundle_subject *subjects,
	size_t n_subjects, struct cryo_bundle **ret_bundle)
{
	struct cryo_bundle *bundle = calloc(1, sizeof(*bundle));
	int r;

	if (!bundle)
		return -ENOMEM;
	bundle->options = *options;
	bundle->subjects = subjects;
	bundle->n_subjects = n_subjects;
	bundle->directory = bundle->records = -1;
	r = set_up(bundle);
	if (r < 0)
		cryo_bundle_free(bundle);
	else
		*ret_bundle = bundle;
	return r;
}

void cryo_bundle_free(struct cryo_bundle *bundle)
{
	if (!bundle)
		return;
	if (bundle->shared)
		munmap(bundle->shared, sizeof(*bundle->shared));
	cryo_cleanup_close(&bundle->directory);
	cryo_cleanup_close(&bundle->records);
	free(bundle->files);
	free(bundle->slots);
	free(bundle);
}
