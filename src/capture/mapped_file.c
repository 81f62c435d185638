// SPDX-License-Identifier: MIT
/*
 * /proc/PID/map_files/START-END is a link to the very file, whatever its name is now: deleted,
 * renamed, in another mount namespace, or a memfd. It needs CAP_CHECKPOINT_RESTORE or
 * CAP_SYS_ADMIN; without these the name is opened below the process's root, and taken only if it
 * has the device and inode of the mapping.
 *
 * Nothing here asks a FUSE or network server: which file system it is comes from mountinfo, and
 * AT_STATX_DONT_SYNC answers from what the kernel has.
 */
#include "capture/mapped_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/io.h"
#include "proc/maps.h"
#include "proc/procfs.h"

enum {
	LINK_NAME = 64,
	STATX_MASK = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO
};

static const char deleted[] = " (deleted)";

static void link_name(const struct cryo_vma *vma, char name[LINK_NAME])
{
	snprintf(name, LINK_NAME, "map_files/%" PRIx64 "-%" PRIx64, vma->start, vma->end);
}

/* Open what the process calls by this name; no device is opened, no FIFO waited for. */
static int open_by_name(const struct cryo_inspector *inspector, const struct cryo_vma *vma)
{
	_cleanup_close_ int root = openat(inspector->live_dir, "root", O_PATH | O_CLOEXEC);
	_cleanup_close_ int path = -1;
	char self[48];
	struct stat found;
	int fd;

	if (root < 0)
		return -errno;
	path = openat(root, vma->name + 1, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	if (path < 0 || fstat(path, &found) < 0)
		return -errno;
	if (!S_ISREG(found.st_mode) || found.st_ino != vma->inode || found.st_dev != vma->device)
		return -ESTALE;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

int cryo_inspector_open_file(const struct cryo_inspector *inspector, const struct cryo_vma *vma)
{
	char name[LINK_NAME];
	int fd;

	if (vma->kind != CRYO_VMA_FILE)
		return -ENOENT;
	if (vma->remote)
		return -EREMOTE;
	link_name(vma, name);
	fd = openat(inspector->live_dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	return errno == EPERM && vma->name && vma->name[0] == '/' ? open_by_name(inspector, vma)
								  : -errno;
}

/*
 * A mount that was detached is in no mountinfo. Its device may still be known to sysfs: FUSE and
 * NFS register one for write-back that has no block device behind it (fs/fuse/inode.c,
 * fuse_bdi_init(); mm/backing-dev.c), which memory file systems and overlayfs do not.
 */
bool cryo_inspector_is_remote(const struct cryo_inspector *inspector, dev_t device)
{
	const struct cryo_mount *mount =
		cryo_mounts_by_device(inspector->mounts, inspector->n_mounts, device);
	char name[64];

	if (mount)
		return cryo_fs_type_is_remote(mount->fs_type);
	if (major(device) != 0)
		return false;
	snprintf(name, sizeof(name), "/sys/class/bdi/0:%u", minor(device));
	if (faccessat(AT_FDCWD, name, F_OK, 0) == 0)
		return true;
	snprintf(name, sizeof(name), "/sys/class/bdi/0:%u-fuse", minor(device));
	return faccessat(AT_FDCWD, name, F_OK, 0) == 0;
}

static bool ends_in_deleted(const char *name)
{
	size_t length = strlen(name), suffix = sizeof(deleted) - 1;

	return length >= suffix && strcmp(name + length - suffix, deleted) == 0;
}

static void fill_stat(const struct cryo_inspector *inspector, struct cryo_vma *vma)
{
	_cleanup_close_ int fd = -1;
	char name[LINK_NAME];
	struct statx found;

	link_name(vma, name);
	if (statx(inspector->live_dir, name, AT_STATX_DONT_SYNC, STATX_MASK, &found) < 0) {
		fd = vma->remote || !vma->name || vma->name[0] != '/'
			     ? -1
			     : open_by_name(inspector, vma);
		if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MASK, &found) < 0) {
			vma->n_links = vma->name && ends_in_deleted(vma->name) ? 0 : ~(nlink_t)0;
			return;
		}
	}
	vma->mode = found.stx_mode;
	vma->n_links = found.stx_nlink;
}

/* The first bytes of the mapping as the kernel would see them, without touching a page for it. */
static bool has_elf_magic(const struct cryo_inspector *inspector, const struct cryo_vma *vma)
{
	_cleanup_close_ int fd = -1;
	struct cryo_extent extent;
	uint64_t next;
	char magic[SELFMAG] = {0};
	size_t count = 0;

	if (cryo_memory_scan(&inspector->memory, vma->start,
		    vma->start + inspector->memory.page_size, &extent, 1, &count, &next) < 0)
		return false;
	if (count)
		cryo_memory_read(&inspector->memory, vma->start, magic, sizeof(magic), true);
	else if ((fd = cryo_inspector_open_file(inspector, vma)) >= 0)
		cryo_io_pread(fd, magic, sizeof(magic), 0);
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
	char name[LINK_NAME];

	link_name(vma, name);
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

/* The dump rules ask for the inode only of shared mappings and of those that begin a file. */
static bool needs_stat(const struct cryo_vma *vma)
{
	return vma->flags & (CRYO_VM_SHARED | CRYO_VM_MAYSHARE) ||
	       (vma->offset == 0 && vma->flags & CRYO_VM_READ);
}

int cryo_mapped_file_inspect(
	const struct cryo_inspector *inspector, struct cryo_vma *vmas, size_t count)
{
	const struct cryo_vma *known = NULL;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct cryo_vma *vma = &vmas[i];

		if (vma->kind != CRYO_VMA_FILE)
			continue;
		vma->remote = known && known->device == vma->device
				      ? known->remote
				      : cryo_inspector_is_remote(inspector, vma->device);
		if (needs_stat(vma) && same_file(known, vma)) {
			vma->mode = known->mode;
			vma->n_links = known->n_links;
		} else if (needs_stat(vma)) {
			fill_stat(inspector, vma);
			known = vma;
		}
		if (vma->offset == 0 && vma->flags & CRYO_VM_READ && !(vma->mode & 0111))
			vma->elf_magic = has_elf_magic(inspector, vma);
		r = fill_name(inspector, vma);
	}
	return r;
}
