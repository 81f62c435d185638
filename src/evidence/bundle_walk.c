// SPDX-License-Identifier: MIT
/*
 * The child's side. It opens what a process has mapped through /proc/PID/map_files, so that it is
 * the very file, whatever has its name now or has none.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "evidence/bundle_state.h"
#include "proc/identity.h"
#include "proc/map_file.h"
#include "proc/procfs.h"

/* What the child alone knows. */
struct walker {
	struct cryo_bundle *bundle;
	struct cryo_bundle_process process;
	dev_t shared_memory; /* where the kernel keeps files that have no file system */
};

void cryo_bundle_beat(void *user)
{
	const struct cryo_bundle *bundle = user;

	bundle->shared->beats++;
}

int cryo_bundle_tell(
	struct cryo_bundle *bundle, const struct cryo_bundle_record *record, const void *body)
{
	_cleanup_buffer_ struct cryo_buffer bytes = {0};
	int r = cryo_buffer_add(&bytes, record, sizeof(*record));

	if (r == 0)
		r = cryo_buffer_add(&bytes, body, record->size);
	return r < 0 ? r : cryo_io_write(bundle->records, bytes.data, bytes.size);
}

static dev_t device_of_shared_memory(void)
{
	_cleanup_close_ int fd = memfd_create("device", MFD_CLOEXEC);
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 ? status.st_dev : 0;
}

/* ---- one file ---- */

/* Anonymous memory that is shared, and System V's: it has an inode, but was never a file. */
static bool is_shared_memory(
	const struct walker *walker, const struct cryo_mapped *mapped, const struct stat *status)
{
	return status->st_dev == walker->shared_memory &&
	       (strncmp(mapped->name, "/SYSV", 5) == 0 ||
		       strncmp(mapped->name, "/dev/zero", 9) == 0);
}

static struct cryo_vma vma_of(const struct cryo_mapped *mapped)
{
	return (struct cryo_vma){.start = mapped->start,
		.end = mapped->end,
		.kind = CRYO_VMA_FILE,
		.device = mapped->device,
		.inode = mapped->inode,
		.name = mapped->name};
}

/* Whether what is mapped there is still the same: by the numbers that maps showed, which are those
 * of the file on most file systems, else by name: as a path of ours it may be a longer one. A path
 * that does not fit a page cannot be read (-ENAMETOOLONG), and so cannot be compared. */
static bool is_still_mapped(const struct walker *walker, const struct cryo_mapped *mapped,
	const struct stat *status, const char *link)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	size_t length = strlen(mapped->name);
	int r;

	if (status->st_dev == mapped->device && status->st_ino == mapped->inode)
		return true;
	r = cryo_procfs_readlink(walker->process.dir, link, &text);
	if (r < 0)
		return r == -ENAMETOOLONG;
	return text.size >= length &&
	       memcmp(text.data + text.size - length, mapped->name, length) == 0;
}

/* What the file is, without opening it. 0; 1: that cannot be known without privilege; -errno. */
static int look_at(
	const struct walker *walker, const struct cryo_mapped *mapped, struct stat *ret_status)
{
	struct cryo_vma vma = vma_of(mapped);
	char link[CRYO_MAP_FILE_NAME];

	if (walker->process.dir < 0)
		return -ESRCH;
	cryo_map_file_name(&vma, link);
	if (fstatat(walker->process.dir, link, ret_status, AT_NO_AUTOMOUNT) < 0)
		return errno == EPERM || errno == EACCES ? 1 : -errno;
	return is_still_mapped(walker, mapped, ret_status, link) ? 0 : -ENOENT;
}

static struct cryo_file_id id_of(const struct stat *status)
{
	return (struct cryo_file_id){status->st_dev, status->st_ino, (uint64_t)status->st_size,
		(uint64_t)status->st_ctim.tv_sec * CRYO_NSEC_PER_SEC +
			(uint64_t)status->st_ctim.tv_nsec};
}

static void read_image(int fd, struct cryo_bundle_file *file)
{
	struct cryo_view_file view = cryo_view_file(fd);
	struct cryo_view_head head;
	struct cryo_image image;

	cryo_view_head_init(&head, &view.view, 0);
	if (head.size < SELFMAG || memcmp(head.data, ELFMAG, SELFMAG) != 0)
		return;
	file->elf_class =
		head.size > EI_CLASS && head.data[EI_CLASS] ? head.data[EI_CLASS] : ELFCLASS64;
	if (cryo_image_read(&head.view, 0, &image) < 0)
		return;
	file->link_base = image.link_base;
	cryo_image_build_id(&image, &head.view, 0, true, &file->build_id);
}

static bool is_too_large(const struct cryo_bundle *bundle, const struct stat *status)
{
	return (uint64_t)status->st_size > bundle->options.max_file &&
	       512 * (uint64_t)status->st_blocks > bundle->options.max_file;
}

/* Whether a copy is in the sink for another reason (the program). */
static bool take_copy(struct cryo_bundle *bundle, struct cryo_bundle_file *file)
{
	const struct cryo_copy *copy = cryo_copies_find(bundle->options.copies, &file->id);

	if (!copy)
		return false;
	strcpy(file->copy, copy->path);
	file->sum = copy->sum;
	file->again = cryo_bundle_has(bundle, file->sum.sha256);
	return true;
}

static void store(struct cryo_bundle *bundle, int fd, const struct stat *status,
	struct cryo_bundle_file *file)
{
	enum cryo_bundle_mode mode = bundle->options.mode;

	if (mode == CRYO_BUNDLE_NONE)
		file->reason = CRYO_BUNDLE_UNWANTED;
	else if (mode == CRYO_BUNDLE_ELF && !file->elf_class && !file->deleted)
		file->reason = CRYO_BUNDLE_NOT_ELF;
	else if (take_copy(bundle, file))
		file->reason = CRYO_BUNDLE_STORED;
	else if (is_too_large(bundle, status))
		file->reason = CRYO_BUNDLE_TOO_LARGE;
	else
		cryo_bundle_copy(bundle, fd, file);
}

/* Open a file that is not known yet. 0: then the bundle knows it; -errno: it cannot be had. */
static int add_file(struct walker *walker, const struct cryo_mapped *mapped, size_t *ret_file)
{
	struct cryo_vma vma = vma_of(mapped);
	_cleanup_close_ int fd = cryo_map_file_open(walker->process.dir, &vma);
	struct cryo_bundle_file file = {.time = cryo_clock_ns(CLOCK_REALTIME)};
	struct cryo_bundle_record record = {.kind = CRYO_BUNDLE_RECORD_FILE, .size = sizeof(file)};
	struct stat status;
	int r;

	if (fd < 0 || fstat(fd, &status) < 0)
		return fd < 0 ? fd : -errno;
	if (!S_ISREG(status.st_mode))
		return -ENODEV;
	file.id = id_of(&status);
	file.deleted = status.st_nlink == 0;
	*ret_file = cryo_bundle_find(walker->bundle, &file.id);
	if (*ret_file != SIZE_MAX)
		return 0;
	read_image(fd, &file);
	store(walker->bundle, fd, &status, &file);
	r = cryo_bundle_tell(walker->bundle, &record, &file);
	if (r == 0)
		r = cryo_bundle_add(walker->bundle, &file);
	*ret_file = walker->bundle->n_files - 1;
	return r;
}

/* Find or make the file. 0, or -errno. */
static int find_file(
	struct walker *walker, const struct cryo_mapped *mapped, struct cryo_bundled *bundled)
{
	struct cryo_file_id id;
	struct stat status;
	int r = look_at(walker, mapped, &status);

	if (r < 0)
		return r;
	if (r == 0 && is_shared_memory(walker, mapped, &status)) {
		bundled->reason = CRYO_BUNDLE_SHARED_MEMORY;
		return 0;
	}
	if (r == 0 && !S_ISREG(status.st_mode))
		return -ENODEV;
	if (r == 0) {
		id = id_of(&status);
		bundled->file = cryo_bundle_find(walker->bundle, &id);
	}
	return bundled->file == SIZE_MAX ? add_file(walker, mapped, &bundled->file) : 0;
}

/* The build-id as it stands in memory, of what is not to be opened. */
static void read_memory(
	struct walker *walker, const struct cryo_mapped *mapped, struct cryo_build_id *ret_id)
{
	struct cryo_view *memory = walker->process.memory;
	uint64_t start = mapped->start - mapped->offset;
	struct cryo_image image;

	if (memory && cryo_image_read(memory, start, &image) == 0)
		cryo_image_build_id(&image, memory, start - image.link_base, false, ret_id);
}

static enum cryo_bundle_reason reason_of(int error)
{
	switch (error) {
	case -ENODEV:
		return CRYO_BUNDLE_NO_FILE;
	case -ESRCH:
	case -ENOENT:
		return CRYO_BUNDLE_GONE;
	default:
		return CRYO_BUNDLE_FAILED;
	}
}

static void examine(
	struct walker *walker, const struct cryo_mapped *mapped, struct cryo_bundled *ret_bundled)
{
	struct cryo_bundled bundled = {.file = SIZE_MAX};
	int r = 0;

	if (mapped->name[0] == '[')
		bundled.reason = CRYO_BUNDLE_KERNEL;
	else if (mapped->remote)
		bundled.reason = CRYO_BUNDLE_REMOTE;
	else
		r = find_file(walker, mapped, &bundled);
	if (r < 0) {
		bundled.reason = reason_of(r);
		bundled.error = bundled.reason == CRYO_BUNDLE_NO_FILE ? 0 : r;
	}
	if (bundled.file != SIZE_MAX) {
		const struct cryo_bundle_file *file = &walker->bundle->files[bundled.file];

		bundled.reason = file->reason;
		bundled.error = file->error;
		bundled.build_id = file->build_id;
	} else {
		read_memory(walker, mapped, &bundled.build_id);
	}
	*ret_bundled = bundled;
}

/* ---- one process ---- */

static void enter(struct walker *walker, const struct cryo_bundle_subject *subject)
{
	int procfs = walker->bundle->options.procfs;
	_cleanup_identity_ struct cryo_identity identity = CRYO_IDENTITY_NONE;
	struct cryo_bundle_process *process = &walker->process;
	struct cryo_stat stat;

	*process = (struct cryo_bundle_process){.dir = -1};
	identity.dir = cryo_identity_find(procfs, subject->pid, subject->start_time, &stat);
	if (identity.dir < 0)
		return;
	process->dir = cryo_identity_open_live(procfs, &identity, &process->tid);
	if (process->dir >= 0)
		cryo_bundle_memory_open(process->tid, process->dir, &process->memory);
}

static void leave(struct walker *walker)
{
	cryo_bundle_memory_close(walker->process.memory);
	cryo_cleanup_close(&walker->process.dir);
}

static int do_step(struct walker *walker, size_t index, size_t step)
{
	struct cryo_bundle_subject *subject = &walker->bundle->subjects[index];
	struct cryo_bundle_record record = {
		CRYO_BUNDLE_RECORD_MAPPED, sizeof(struct cryo_bundled), index, step};

	if (step == subject->mapped->count)
		return cryo_bundle_aliases(
			walker->bundle, &walker->process, index, subject->bundled);
	examine(walker, &subject->mapped->array[step], &subject->bundled[step]);
	return cryo_bundle_tell(walker->bundle, &record, &subject->bundled[step]);
}

static bool is_enough(const struct cryo_bundle *bundle)
{
	return bundle->options.batch && bundle->new_bytes >= bundle->options.batch;
}

/* The steps of a process from shared->step on. 0, or -errno. */
static int walk_subject(struct walker *walker, size_t index)
{
	struct cryo_bundle_shared *shared = walker->bundle->shared;
	size_t count = walker->bundle->subjects[index].mapped->count;
	int r = 0;

	if (count)
		enter(walker, &walker->bundle->subjects[index]);
	else
		shared->step = 1; /* nothing to name */
	while (r == 0 && shared->step <= count && !is_enough(walker->bundle)) {
		cryo_bundle_beat(walker->bundle);
		r = do_step(walker, index, shared->step);
		if (r == 0)
			shared->step++;
	}
	if (count)
		leave(walker);
	return r;
}

int cryo_bundle_walk(struct cryo_bundle *bundle)
{
	struct walker walker = {.bundle = bundle, .shared_memory = device_of_shared_memory()};
	struct cryo_bundle_shared *shared = bundle->shared;
	int r = 0;

	while (r == 0 && shared->subject < bundle->n_subjects && !is_enough(bundle)) {
		r = walk_subject(&walker, shared->subject);
		if (r < 0 || shared->step <= bundle->subjects[shared->subject].mapped->count)
			break;
		shared->step = 0;
		shared->subject++;
	}
	return r;
}
