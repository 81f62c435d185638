// SPDX-License-Identifier: MIT
/*
 * Nothing here asks a FUSE or network server: which file system it is comes from mountinfo, and
 * AT_STATX_DONT_SYNC answers from what the kernel has.
 */
#include "capture/mapped_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "proc/map_file.h"
#include "proc/maps.h"
#include "proc/procfs.h"

enum {
	STATX_MASK = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO
};

static const char deleted[] = " (deleted)";

int cryo_inspector_open_file(const struct cryo_inspector *inspector, const struct cryo_vma *vma)
{
	if (vma->kind != CRYO_VMA_FILE)
		return -ENOENT;
	if (inspector->files_error == -EDEADLK)
		return -EDEADLK;
	return vma->remote ? -EREMOTE : cryo_map_file_open(inspector->live_dir, vma);
}

bool cryo_inspector_is_remote(const struct cryo_inspector *inspector, dev_t device)
{
	return cryo_mounts_are_remote(inspector->mounts, inspector->n_mounts, device);
}

static bool ends_in_deleted(const char *name)
{
	size_t length = strlen(name), suffix = sizeof(deleted) - 1;

	return length >= suffix && strcmp(name + length - suffix, deleted) == 0;
}

static void fill_stat(const struct cryo_inspector *inspector, struct cryo_vma *vma)
{
	_cleanup_close_ int fd = -1;
	char name[CRYO_MAP_FILE_NAME];
	struct statx found;

	cryo_map_file_name(vma, name);
	if (statx(inspector->live_dir, name, AT_STATX_DONT_SYNC, STATX_MASK, &found) < 0) {
		fd = vma->remote || !vma->name || vma->name[0] != '/'
			     ? -1
			     : cryo_map_file_open_by_name(inspector->live_dir, vma);
		if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MASK, &found) < 0) {
			vma->n_links = vma->name && ends_in_deleted(vma->name) ? 0 : ~(nlink_t)0;
			return;
		}
	}
	vma->mode = found.stx_mode;
	vma->n_links = found.stx_nlink;
}

/*
 * The first bytes of the mapping as the kernel would see them, without touching a page for it. What
 * cannot be read now may be ELF, so that its first page is asked for once more, and then is in the
 * core or a gap; only of a file with a server that is not asked nothing is expected.
 */
static bool has_elf_magic(const struct cryo_inspector *inspector, const struct cryo_vma *vma)
{
	_cleanup_close_ int fd = -1;
	struct cryo_extent extent;
	uint64_t next;
	char magic[SELFMAG] = {0};
	size_t count = 0;
	ssize_t got;

	if (cryo_memory_scan(&inspector->memory, vma->start,
		    vma->start + inspector->memory.page_size, &extent, 1, &count, &next) < 0)
		return true;
	if (count)
		got = cryo_memory_read(&inspector->memory, vma->start, magic, sizeof(magic), true);
	else if ((fd = cryo_inspector_open_file(inspector, vma)) >= 0)
		got = cryo_io_pread(fd, magic, sizeof(magic), 0);
	else
		got = vma->remote ? 0 : fd;
	if (got < 0)
		return !count || !cryo_memory_is_guard(&inspector->memory, vma->start);
	return memcmp(magic, ELFMAG, SELFMAG) == 0;
}

/* The names for which maps is not exact: ask the link. */
static bool needs_link(const struct cryo_vma *vma)
{
	return !vma->name || vma->name[0] == '[' || cryo_vma_name_is_ambiguous(vma);
}

static int fill_name(const struct cryo_inspector *inspector, struct cryo_vma *vma)
{
	_cleanup_buffer_ struct cryo_buffer link = {0};
	size_t root = strlen(inspector->root);
	char name[CRYO_MAP_FILE_NAME];

	cryo_map_file_name(vma, name);
	if (needs_link(vma) && cryo_procfs_readlink(inspector->live_dir, name, &link) == 0) {
		free(vma->name);
		vma->name = strdup((const char *)link.data);
		if (!vma->name)
			return -ENOMEM;
	}
	if (root && vma->name && strncmp(vma->name, inspector->root, root) == 0 &&
		vma->name[root] == '/')
		memmove(vma->name, vma->name + root, strlen(vma->name + root) + 1);
	return 0;
}

static bool same_file(const struct cryo_vma *left, const struct cryo_vma *right)
{
	return left && left->inode == right->inode && left->device == right->device &&
	       left->kind == right->kind && left->inode;
}

static bool may_be_elf(const struct cryo_vma *vma)
{
	return vma->offset == 0 && vma->flags & CRYO_VM_READ;
}

/* The dump rules ask for the inode only of shared mappings and of those that begin a file. */
static bool needs_stat(const struct cryo_vma *vma)
{
	return vma->flags & (CRYO_VM_SHARED | CRYO_VM_MAYSHARE) || may_be_elf(vma);
}

static bool is_noted(const struct cryo_vma *vma)
{
	return vma->kind == CRYO_VMA_FILE && may_be_elf(vma) &&
	       !(vma->flags & (CRYO_VM_SHARED | CRYO_VM_MAYSHARE));
}

void cryo_mapped_file_keep_private(
	const struct cryo_inspector *inspector, struct cryo_vma *vmas, size_t *count)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		if (is_noted(&vmas[i]) && !cryo_memory_is_own(&inspector->memory, vmas[i].start))
			vmas[kept++] = vmas[i];
		else
			free(vmas[i].name);
	}
	*count = kept;
}

/* What was noted before the stop of the file that a mapping begins, and is still so. */
static const struct cryo_vma *find_noted(
	const struct cryo_inspector *inspector, const struct cryo_vma *vma)
{
	const struct cryo_early *early = &inspector->early;

	if (!is_noted(vma) || vma->anonymous || vma->swap)
		return NULL;
	for (size_t i = 0; i < early->n_files; i++)
		if (same_file(&early->files[i], vma))
			return &early->files[i];
	return NULL;
}

void cryo_mapped_file_mark_remote(
	const struct cryo_inspector *inspector, struct cryo_vma *vmas, size_t count)
{
	const struct cryo_vma *known = NULL;

	for (size_t i = 0; i < count; i++) {
		if (vmas[i].kind != CRYO_VMA_FILE)
			continue;
		vmas[i].remote = known && known->device == vmas[i].device
					 ? known->remote
					 : cryo_inspector_is_remote(inspector, vmas[i].device);
		known = &vmas[i];
	}
}

static void inspect_one(
	const struct cryo_inspector *inspector, struct cryo_vma *vma, const struct cryo_vma **known)
{
	const struct cryo_vma *noted = find_noted(inspector, vma);

	if (noted || (needs_stat(vma) && same_file(*known, vma))) {
		vma->mode = noted ? noted->mode : (*known)->mode;
		vma->n_links = noted ? noted->n_links : (*known)->n_links;
	} else if (needs_stat(vma)) {
		fill_stat(inspector, vma);
		*known = vma;
	}
	if (noted)
		vma->elf_magic = noted->elf_magic;
	else if (may_be_elf(vma) && !(vma->mode & 0111))
		vma->elf_magic = has_elf_magic(inspector, vma);
}

int cryo_mapped_file_inspect(
	const struct cryo_inspector *inspector, struct cryo_vma *vmas, size_t count)
{
	const struct cryo_vma *known = NULL;
	int r = 0;

	cryo_mapped_file_mark_remote(inspector, vmas, count);
	for (size_t i = 0; i < count && r == 0; i++) {
		if (vmas[i].kind != CRYO_VMA_FILE)
			continue;
		inspect_one(inspector, &vmas[i], &known);
		r = fill_name(inspector, &vmas[i]);
	}
	return r;
}
