// SPDX-License-Identifier: MIT
/*
 * /proc/PID/mountinfo (proc_pid_mountinfo(5); fs/proc_namespace.c show_mountinfo()).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cryo_mount {
	int id, parent;
	dev_t device;
	char *root;        /* unescaped; owned */
	char *mount_point; /* unescaped; owned */
	char *fs_type;     /* owned */
	char *source;      /* unescaped; owned */
	char *options;     /* of the file system, unescaped; owned */
};

/* Parse all lines. 0, -EBADMSG or -ENOMEM; @ret_mounts is freed by cryo_mounts_free(). */
int cryo_mountinfo_parse(
	const char *text, size_t size, struct cryo_mount **ret_mounts, size_t *ret_count);
void cryo_mounts_free(struct cryo_mount *mounts, size_t count);

/* The last mount with this device number, or NULL. */
const struct cryo_mount *cryo_mounts_by_device(
	const struct cryo_mount *mounts, size_t count, dev_t device);

/* A read from this type of file system may wait for a server for ever (fuse, nfs, cifs, 9p, ...).
 */
bool cryo_fs_type_is_remote(const char *fs_type);

/**
 * cryo_mounts_are_remote - whether a file on a device may have a server that does not answer.
 * @device: as maps and stat(2) show it
 *
 * A device that is in no mount (a detached one) is asked for in sysfs.
 */
bool cryo_mounts_are_remote(const struct cryo_mount *mounts, size_t count, dev_t device);
