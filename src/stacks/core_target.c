// SPDX-License-Identifier: MIT
/*
 * NT_FILE says what was mapped from files, PT_LOADs what else there was (the vdso is only there).
 *
 * The names are bytes from an enemy. Below `root/`, a bundle of files that was taken with the core,
 * a name cannot lead out (openat2(2) with RESOLVE_IN_ROOT); elsewhere a name is opened as it
 * stands, but only if a regular file is there, since opening a device or a FIFO already does
 * something; and nothing is believed before the build-id was compared.
 */
#include "stacks/core_target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/array.h"
#include "base/beneath.h"
#include "proc/auxv.h"
#include "proc/lease.h"
#include "stacks/packed_core.h"

#define DELETED " (deleted)"
#define PACKED ".zst"

static ssize_t core_read(struct cryo_view *view, uint64_t address, void *data, size_t size)
{
	struct cryo_core_target *target =
		(struct cryo_core_target *)((char *)view - offsetof(struct cryo_core_target, view));
	ssize_t n = cryo_core_read(&target->core, address, data, size);

	return n == 0 ? -EFAULT : n;
}

/* The way to a file: below a directory that it cannot leave, or a path as it stands. */
struct way {
	int root; /* -1: none */
	const char *path;
};

static int open_in(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (fd >= 0 || errno != ENOSYS)
		return fd < 0 ? -errno : (int)fd;
	return cryo_open_beneath(root, path + strspn(path, "/"), flags);
}

static int open_way(const struct way *way, int flags)
{
	int fd;

	if (way->root >= 0)
		return open_in(way->root, way->path, flags);
	fd = open(way->path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_regular(const struct way *way)
{
	_cleanup_close_ int handle = open_way(way, O_PATH), fd = -1;
	struct stat seen, opened;

	if (handle < 0 || fstat(handle, &seen) < 0 || !S_ISREG(seen.st_mode))
		return -ENOENT;
	if (cryo_lease_is_on(seen.st_dev, seen.st_ino))
		return -ENOENT;
	fd = open_way(way, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &opened) < 0)
		return -ENOENT;
	if (opened.st_dev != seen.st_dev || opened.st_ino != seen.st_ino)
		return -ENOENT;
	return steal_fd(&fd);
}

static int open_at_path(struct cryo_buffer *path)
{
	struct way way = {.root = -1, .path = (const char *)path->data};

	return way.path ? open_regular(&way) : -ENOENT;
}

static int directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path + 1) : 0;
}

/* PATH of the core, then ".exe". */
static int open_copy(const struct cryo_core_target *target, const struct cryo_module *module)
{
	_cleanup_buffer_ struct cryo_buffer path = {0};

	(void)module;
	cryo_buffer_printf(&path, "%s.exe", target->path);
	return open_at_path(&path);
}

/* "exe" in the directory of the core. */
static int open_evidence(const struct cryo_core_target *target, const struct cryo_module *module)
{
	_cleanup_buffer_ struct cryo_buffer path = {0};

	(void)module;
	cryo_buffer_printf(&path, "%.*sexe", directory_length(target->path), target->path);
	return open_at_path(&path);
}

static int open_bundled(const struct cryo_core_target *target, const struct cryo_module *module)
{
	_cleanup_buffer_ struct cryo_buffer path = {0};
	_cleanup_close_ int root = -1;
	struct way way;

	cryo_buffer_printf(&path, "%.*sroot", directory_length(target->path), target->path);
	if (!path.data)
		return -ENOMEM;
	root = open((const char *)path.data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -ENOENT;
	way = (struct way){.root = root, .path = module->name};
	return open_regular(&way);
}

/* What is mapped, whatever became of its name. The kernel lets only privileged ones do this. */
static int open_mapped(const struct cryo_core_target *target, const struct cryo_module *module)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, module->start,
		module->first_end);
	fd = cryo_lease_open(target->task, name);
	return fd < 0 ? -ENOENT : fd;
}

static int open_program(const struct cryo_core_target *target, const struct cryo_module *module)
{
	int fd = openat(target->task, "exe", O_RDONLY | O_CLOEXEC);

	(void)module;
	return fd < 0 ? -ENOENT : fd;
}

/* The name as the process sees it: it may live in another root. */
static int open_in_root(const struct cryo_core_target *target, const struct cryo_module *module)
{
	_cleanup_close_ int root = openat(target->task, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct way way = {.root = root, .path = module->name};

	return root < 0 ? -ENOENT : open_regular(&way);
}

static int open_by_name(const struct cryo_core_target *target, const struct cryo_module *module)
{
	_cleanup_buffer_ struct cryo_buffer path = {0};
	const char *name = module->name;
	size_t length = strlen(name), suffix = strlen(DELETED);

	(void)target;
	if (name[0] != '/')
		return -ENOENT;
	if (length > suffix && strcmp(name + length - suffix, DELETED) == 0)
		length -= suffix;
	cryo_buffer_add(&path, name, length);
	return open_at_path(&path);
}

/* Of which cores a way is one. */
enum way_use {
	OF_FILES = 1,
	OF_LIVE = 2,
	OF_BOTH = 3,
};

/* In this order. @own: what is found was taken from the process itself. */
static const struct {
	enum way_use use;
	bool program_only, own;
	int (*open)(const struct cryo_core_target *target, const struct cryo_module *module);
} ways[] = {
	{OF_FILES, true, true, open_copy},
	{OF_FILES, true, true, open_evidence},
	{OF_FILES, false, true, open_bundled},
	{OF_LIVE, false, true, open_mapped},
	{OF_LIVE, true, true, open_program},
	{OF_LIVE, false, false, open_in_root},
	{OF_BOTH, false, false, open_by_name},
};

static int open_candidate(struct cryo_file_finder *finder, const struct cryo_module *module,
	unsigned int attempt, bool *ret_own)
{
	struct cryo_core_target *target =
		(struct cryo_core_target *)((char *)finder -
					    offsetof(struct cryo_core_target, finder));
	bool program = target->entry >= module->start && target->entry < module->end;
	unsigned int use = (target->path ? OF_FILES : 0) | (target->task >= 0 ? OF_LIVE : 0);

	if (attempt >= ARRAY_SIZE(ways))
		return -ENODATA;
	if ((ways[attempt].use != OF_BOTH && !(ways[attempt].use & use)) ||
		(ways[attempt].program_only && !program))
		return -ENOENT;
	*ret_own = ways[attempt].own;
	return ways[attempt].open(target, module);
}

static int compare_mappings(const void *a, const void *b)
{
	const struct cryo_stack_mapping *left = a, *right = b;

	return (left->start > right->start) - (left->start < right->start);
}

static int add_mapping(struct cryo_stacks_target *target, const struct cryo_stack_mapping *mapping)
{
	struct cryo_stack_mapping *added = cryo_array_add(target->mappings, target->n_mappings);

	if (!added)
		return -ENOMEM;
	*added = *mapping;
	return 0;
}

static int add_files(struct cryo_core_target *target)
{
	int r = 0;

	for (size_t i = 0; i < target->process.n_files && r == 0; i++) {
		const struct cryo_core_file *file = &target->process.files[i];

		r = add_mapping(
			&target->target, &(struct cryo_stack_mapping){file->start, file->end,
						 file->offset, file->name, SIZE_MAX});
	}
	return r;
}

/* PT_LOADs that no file explains. Both lists are in the order of addresses. */
static int add_loads(struct cryo_core_target *target)
{
	size_t n_files = target->target.n_mappings, at = 0;
	int r = 0;

	for (size_t i = 0; i < target->core.n_phdrs && r == 0; i++) {
		const struct cryo_phdr *load = &target->core.phdrs[i];
		struct cryo_stack_mapping mapping = {
			load->vaddr, load->vaddr + load->memsz, 0, NULL, SIZE_MAX};

		if (load->type != PT_LOAD || mapping.end <= mapping.start)
			continue;
		while (at < n_files && target->target.mappings[at].end <= mapping.start)
			at++;
		if (at == n_files || target->target.mappings[at].start >= mapping.end)
			r = add_mapping(&target->target, &mapping);
	}
	return r;
}

static int find_mappings(struct cryo_core_target *target)
{
	struct cryo_stacks_target *found = &target->target;
	int r = add_files(target);

	if (r == 0 && found->n_mappings)
		qsort(found->mappings, found->n_mappings, sizeof(*found->mappings),
			compare_mappings);
	if (r == 0)
		r = add_loads(target);
	if (r == 0 && found->n_mappings)
		qsort(found->mappings, found->n_mappings, sizeof(*found->mappings),
			compare_mappings);
	return r;
}

static int find_threads(struct cryo_core_target *target)
{
	size_t count = target->process.n_threads;

	if (count == 0)
		return -ENODATA;
	target->threads = calloc(count, sizeof(*target->threads));
	if (!target->threads)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		target->threads[i] = (struct cryo_stacks_thread){
			target->process.threads[i].tid, target->process.threads[i].registers};
	target->target.threads = target->threads;
	target->target.n_threads = count;
	return 0;
}

/* Damaged notes end the reading, but what came before them is worth unwinding. */
static int read_core(struct cryo_core_target *target)
{
	int r = cryo_core_process_read(&target->core, &target->process);

	if (r < 0 && target->process.n_threads == 0)
		return r;
	cryo_auxv_get(target->process.auxv.data, target->process.auxv.size,
		cryo_arch_word(target->process.arch), AT_ENTRY, &target->entry);
	r = find_mappings(target);
	return r < 0 ? r : find_threads(target);
}

static void begin(struct cryo_core_target *target)
{
	*target = (struct cryo_core_target){
		.core = CRYO_CORE_NONE,
		.view = {core_read},
		.finder = {open_candidate},
		.task = -1,
	};
}

/* Finish what the opening of the core came to. */
static int finish(struct cryo_core_target *target, int r)
{
	if (r == 0)
		r = read_core(target);
	target->target.arch = target->process.arch;
	target->target.memory = &target->view;
	target->target.finder = &target->finder;
	if (r < 0)
		cryo_core_target_close(target);
	return r;
}

/* What is beside a compressed core is named after the core. */
static void strip_suffix(char *path)
{
	size_t length = strlen(path), suffix = strlen(PACKED);

	if (length > suffix && strcmp(path + length - suffix, PACKED) == 0)
		path[length - suffix] = '\0';
}

static int open_packed(const char *path, struct cryo_core_target *target)
{
	_cleanup_close_ int file = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int core = file < 0 ? -errno : cryo_packed_core_open(file);

	if (core < 0)
		return core;
	strip_suffix(target->path);
	return cryo_core_open_fd(core, &target->core);
}

int cryo_core_target_open(const char *path, struct cryo_core_target *target)
{
	int r;

	begin(target);
	target->path = strdup(path);
	if (!target->path)
		return -ENOMEM;
	r = cryo_core_open(path, &target->core);
	return finish(target, r == -ENOEXEC ? open_packed(path, target) : r);
}

int cryo_core_target_open_fd(int fd, const char *path, int task, struct cryo_core_target *target)
{
	begin(target);
	target->task = task;
	target->path = path ? strdup(path) : NULL;
	if (path && !target->path)
		return -ENOMEM;
	return finish(target, cryo_core_open_fd(fd, &target->core));
}

void cryo_core_target_close(struct cryo_core_target *target)
{
	free(target->target.mappings);
	free(target->threads);
	free(target->path);
	cryo_core_process_clear(&target->process);
	cryo_core_close(&target->core);
	*target = (struct cryo_core_target){.core = CRYO_CORE_NONE};
}
