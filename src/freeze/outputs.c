// SPDX-License-Identifier: MIT
/*
 * Theory: a file system may need a process to answer a write: a FUSE server always (the number of
 * its connection is the device number of the file system, fs/fuse/inode.c
 * fuse_fill_super_common()), a network file system or a block device over the network when it
 * reconnects, maps an identity or loses a path. The first is found by descriptor, which cannot be
 * forged; the helpers only by name, so they are spared only when a file system of ours is of their
 * kind.
 */
#include "freeze/outputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "proc/mountinfo.h"
#include "proc/procfs.h"

static const struct {
	const char *fs_type;
	unsigned int backing;
} remote_types[] = {
	{"nfs", CRYO_BACKING_NFS},
	{"nfs4", CRYO_BACKING_NFS},
	{"cifs", CRYO_BACKING_CIFS},
	{"smb3", CRYO_BACKING_CIFS},
};

static const struct {
	unsigned int backings;
	const char *comm; /* at most 15 bytes, as the kernel cuts it */
} helpers[] = {
	{CRYO_BACKING_NFS, "rpc.gssd"},
	{CRYO_BACKING_NFS, "rpc.statd"},
	{CRYO_BACKING_NFS, "rpc.idmapd"},
	{CRYO_BACKING_NFS, "rpcbind"},
	{CRYO_BACKING_NFS, "blkmapd"},
	{CRYO_BACKING_NFS, "nfsidmap"},
	{CRYO_BACKING_NFS | CRYO_BACKING_CIFS, "gssproxy"},
	{CRYO_BACKING_NFS | CRYO_BACKING_CIFS, "request-key"},
	{CRYO_BACKING_CIFS, "cifs.upcall"},
	{CRYO_BACKING_CIFS, "cifs.idmap"},
	{CRYO_BACKING_CIFS, "winbindd"},
	{CRYO_BACKING_ISCSI, "iscsid"},
	{CRYO_BACKING_ISCSI, "iscsiuio"},
	{CRYO_BACKING_ISCSI | CRYO_BACKING_MULTIPATH, "multipathd"},
	{CRYO_BACKING_NBD, "nbd-client"},
	{CRYO_BACKING_OTHER, "glusterfs"},
	{CRYO_BACKING_OTHER, "request-key"},
};

bool cryo_outputs_is_helper(unsigned int backings, const char *comm)
{
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
		if (helpers[i].backings & backings && strcmp(helpers[i].comm, comm) == 0)
			return true;
	return false;
}

void cryo_outputs_clear(struct cryo_outputs *outputs)
{
	cryo_needs_clear(&outputs->needs);
}

/* Whether a process may serve a file system, FUSE or one of the network. With major number 0,
 * memory file systems and overlayfs have nothing there (mm/backing-dev.c). */
static bool is_served(dev_t device)
{
	static const char *const kinds[] = {"-fuse", "-fuseblk", ""};
	bool found = false;
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !found; i++) {
		snprintf(name, sizeof(name), "/sys/class/bdi/%u:%u%s", major(device), minor(device),
			kinds[i]);
		found = (kinds[i][0] || major(device) == 0) && access(name, F_OK) == 0;
	}
	return found;
}

static int device_at(const char *path, dev_t *ret_device)
{
	struct statx info;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_EMPTY_PATH, STATX_TYPE, &info) < 0)
		return -errno;
	*ret_device = makedev(info.stx_dev_major, info.stx_dev_minor);
	return 0;
}

/*
 * The device number of the deepest part of a path that can be seen; whoever serves the rest serves
 * that too, unless a link leads elsewhere. Nothing is looked up below what a process serves: it may
 * never answer. 0 or -errno.
 */
static int device_of(const char *path, dev_t *ret_device)
{
	_cleanup_free_ char *copy = strdup(path);
	size_t length = path[0] == '/';
	int r = copy ? device_at(path[0] == '/' ? "/" : "", ret_device) : -ENOMEM;

	while (r == 0 && path[length] && !is_served(*ret_device)) {
		length += strspn(path + length, "/");
		length += strcspn(path + length, "/");
		copy[length] = '\0';
		if (device_at(copy, ret_device) < 0)
			break;
		copy[length] = path[length];
	}
	return r;
}

bool cryo_outputs_may_be_served(const char *path)
{
	dev_t device;

	return device_of(path, &device) == 0 && is_served(device);
}

static bool file_contains(const char *path, const char *text)
{
	_cleanup_buffer_ struct cryo_buffer contents = {0};

	return cryo_procfs_read(AT_FDCWD, path, 4096, &contents) == 0 && contents.size &&
	       strstr((char *)contents.data, text);
}

/* iSCSI disks lie below ".../sessionN/..." of sysfs; a device mapper table says its kind in uuid.
 */
static unsigned int backing_of_directory(const char *directory)
{
	_cleanup_free_ char *real = realpath(directory, NULL);
	_cleanup_free_ char *uuid = NULL;
	unsigned int backing = 0;

	if (!real || asprintf(&uuid, "%s/dm/uuid", real) < 0)
		return 0;
	if (strstr(real, "/session"))
		backing |= CRYO_BACKING_ISCSI;
	if (strstr(real, "/block/nbd"))
		backing |= CRYO_BACKING_NBD;
	if (file_contains(uuid, "mpath-"))
		backing |= CRYO_BACKING_MULTIPATH;
	return backing;
}

enum {
	MAX_LAYERS = 8
};

/* A block device and the devices below it (LVM, multipath, RAID). */
static unsigned int backing_of_block(const char *directory, unsigned int layers)
{
	unsigned int backing = backing_of_directory(directory);
	_cleanup_free_ char *slaves = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;

	if (layers == 0 || asprintf(&slaves, "%s/slaves", directory) < 0)
		return backing;
	dir = opendir(slaves);
	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *below = NULL;

		if (entry->d_name[0] != '.' && asprintf(&below, "%s/%s", slaves, entry->d_name) > 0)
			backing |= backing_of_block(below, layers - 1);
	}
	return backing;
}

static unsigned int backing_of_type(const char *fs_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(remote_types); i++)
		if (strcmp(remote_types[i].fs_type, fs_type) == 0)
			return remote_types[i].backing;
	return cryo_fs_type_is_remote(fs_type) ? CRYO_BACKING_OTHER : 0;
}

static int add_mount(
	const struct cryo_mount *mount, dev_t device, int tag, struct cryo_outputs *outputs)
{
	char sysfs[64];

	if (mount && strncmp(mount->fs_type, "fuse", strlen("fuse")) == 0)
		/* fdinfo prints the kernel's dev_t: 20 bits of minor (include/linux/kdev_t.h). */
		return cryo_needs_add(&outputs->needs,
			&(struct cryo_need){.kind = CRYO_HOLD_FUSE,
				.key = (uint64_t)major(device) << 20 | minor(device),
				.tag = tag});
	if (mount)
		outputs->backings |= backing_of_type(mount->fs_type);
	snprintf(sysfs, sizeof(sysfs), "/sys/dev/block/%u:%u", major(device), minor(device));
	if (major(device) != 0)
		outputs->backings |= backing_of_block(sysfs, MAX_LAYERS);
	return 0;
}

int cryo_outputs_add(int procfs, const char *path, int tag, struct cryo_outputs *outputs)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_mount *mounts;
	size_t count;
	dev_t device;
	int r = device_of(path, &device);

	if (r == 0)
		r = cryo_procfs_read(procfs, "self/mountinfo", 0, &text);
	if (r == 0)
		r = cryo_mountinfo_parse((char *)text.data, text.size, &mounts, &count);
	if (r < 0)
		return r;
	r = add_mount(cryo_mounts_by_device(mounts, count, device), device, tag, outputs);
	cryo_mounts_free(mounts, count);
	return r;
}
