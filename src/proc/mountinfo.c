// SPDX-License-Identifier: MIT
/*
 * Fields are divided by exactly one blank, and a field may be empty (a source of "" is legal), so
 * blanks are never skipped in runs. Blanks, tabs, newlines and backslashes in names are octal
 * escapes (mangle(), fs/proc_namespace.c), which makes the unescaping exact.
 */
#include "proc/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "proc/text.h"

struct list {
	struct cryo_mount *mounts;
	size_t count;
};

static void mount_clear(struct cryo_mount *mount)
{
	free(mount->root);
	free(mount->mount_point);
	free(mount->fs_type);
	free(mount->source);
	free(mount->options);
	*mount = (struct cryo_mount){0};
}

void cryo_mounts_free(struct cryo_mount *mounts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mount_clear(&mounts[i]);
	free(mounts);
}

static void list_clear(struct list *list)
{
	cryo_mounts_free(list->mounts, list->count);
}

/* The byte of an escape "\ooo" at @at; 0 if there is none. */
static char octal_escape(const char *at, const char *end)
{
	unsigned int byte = 0;

	if (end - at < 4 || at[0] != '\\')
		return 0;
	for (int i = 1; i < 4; i++) {
		if (at[i] < '0' || at[i] > '7')
			return 0;
		byte = byte << 3 | (unsigned int)(at[i] - '0');
	}
	return byte <= UCHAR_MAX ? (char)byte : 0;
}

/* Take a field and unescape it. 0, -EBADMSG or -ENOMEM. */
static int take_string(struct cryo_text *line, char **ret_string)
{
	struct cryo_text field;
	char *string, *to;

	if (!cryo_text_until(line, ' ', &field) || memchr(field.at, 0, cryo_text_size(&field)))
		return -EBADMSG;
	string = to = malloc(cryo_text_size(&field) + 1);
	if (!string)
		return -ENOMEM;
	while (field.at < field.end) {
		char byte = octal_escape(field.at, field.end);

		*to++ = byte ? byte : *field.at;
		field.at += byte ? 4 : 1;
	}
	*to = 0;
	*ret_string = string;
	return 0;
}

/* "ID PARENT MAJOR:MINOR " */
static bool take_numbers(struct cryo_text *line, struct cryo_mount *mount)
{
	uint64_t id, parent, major, minor;

	if (!cryo_text_number(line, 10, &id) || !cryo_text_byte(line, ' ') ||
		!cryo_text_number(line, 10, &parent) || !cryo_text_byte(line, ' ') ||
		!cryo_text_number(line, 10, &major) || !cryo_text_byte(line, ':') ||
		!cryo_text_number(line, 10, &minor) || !cryo_text_byte(line, ' '))
		return false;
	if (id > INT_MAX || parent > INT_MAX || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	mount->id = (int)id;
	mount->parent = (int)parent;
	mount->device = makedev((unsigned int)major, (unsigned int)minor);
	return true;
}

/* Options and any number of optional fields, up to and including the "-". */
static bool skip_options(struct cryo_text *line)
{
	struct cryo_text field;

	while (cryo_text_until(line, ' ', &field))
		if (cryo_text_size(&field) == 1 && *field.at == '-')
			return true;
	return false;
}

static int parse_mount(struct cryo_text *line, struct cryo_mount *mount)
{
	int r;

	if (!take_numbers(line, mount))
		return -EBADMSG;
	r = take_string(line, &mount->root);
	if (r == 0)
		r = take_string(line, &mount->mount_point);
	if (r == 0 && !skip_options(line))
		r = -EBADMSG;
	if (r == 0)
		r = take_string(line, &mount->fs_type);
	if (r == 0)
		r = take_string(line, &mount->source);
	if (r == 0)
		r = take_string(line, &mount->options);
	return r;
}

int cryo_mountinfo_parse(
	const char *text, size_t size, struct cryo_mount **ret_mounts, size_t *ret_count)
{
	_cleanup_(list_clear) struct list list = {0};
	struct cryo_text at = cryo_text_of(text, size), line;

	while (cryo_text_line(&at, &line)) {
		struct cryo_mount *mount = cryo_array_add(list.mounts, list.count);
		int r;

		if (!mount)
			return -ENOMEM;
		*mount = (struct cryo_mount){0};
		r = parse_mount(&line, mount);
		if (r < 0)
			return r;
	}
	*ret_count = list.count;
	list.count = 0;
	*ret_mounts = steal_ptr(list.mounts);
	return 0;
}

const struct cryo_mount *cryo_mounts_by_device(
	const struct cryo_mount *mounts, size_t count, dev_t device)
{
	while (count-- > 0)
		if (mounts[count].device == device)
			return &mounts[count];
	return NULL;
}

bool cryo_fs_type_is_remote(const char *fs_type)
{
	static const char *const types[] = {"9p", "afs", "autofs", "beegfs", "ceph", "cifs", "coda",
		"fuse", "fuseblk", "gfs2", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs",
		"prl_fs", "pvfs2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(fs_type, types[i]) == 0)
			return true;
	return strncmp(fs_type, "fuse.", 5) == 0;
}

/*
 * A mount that was detached is in no mountinfo. Its device may still be known to sysfs: FUSE and
 * NFS register one for write-back that has no block device behind it (fs/fuse/inode.c,
 * fuse_bdi_init(); mm/backing-dev.c), which memory file systems and overlayfs do not.
 */
bool cryo_mounts_are_remote(const struct cryo_mount *mounts, size_t count, dev_t device)
{
	const struct cryo_mount *mount = cryo_mounts_by_device(mounts, count, device);
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
