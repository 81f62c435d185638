// SPDX-License-Identifier: MIT
#include "proc/map_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "proc/lease.h"

void cryo_map_file_name(const struct cryo_vma *vma, char ret_name[CRYO_MAP_FILE_NAME])
{
	snprintf(ret_name, CRYO_MAP_FILE_NAME, "map_files/%" PRIx64 "-%" PRIx64, vma->start,
		vma->end);
}

int cryo_map_file_open_by_name(int process, const struct cryo_vma *vma)
{
	_cleanup_close_ int root = openat(process, "root", O_PATH | O_CLOEXEC);
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
	if (cryo_lease_is_on(found.st_dev, found.st_ino))
		return -EAGAIN;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

int cryo_map_file_open(int process, const struct cryo_vma *vma)
{
	char name[CRYO_MAP_FILE_NAME];
	int fd;

	cryo_map_file_name(vma, name);
	fd = cryo_lease_open(process, name);
	if (fd != -EPERM || !vma->name || vma->name[0] != '/')
		return fd;
	return cryo_map_file_open_by_name(process, vma);
}
