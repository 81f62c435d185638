// SPDX-License-Identifier: MIT
#include "proc/fanotify.h"

#include <stdio.h>
#include <string.h>

#include "proc/procfs.h"
#include "proc/text.h"

enum {
	LOOKED_AT = 1024
};

/* FAN_OPEN_PERM, FAN_ACCESS_PERM, FAN_OPEN_EXEC_PERM, FAN_PRE_ACCESS */
#define DECISIONS 0x170000

/* "fanotify mnt_id:1b mflags:0 mask:10000 ignored_mask:0" (fs/notify/fdinfo.c) */
static bool has_decision(struct cryo_text line)
{
	struct cryo_text word;
	uint64_t mask;

	if (!cryo_text_key(&line, "fanotify ", 9))
		return false;
	while (cryo_text_until(&line, ' ', &word))
		if (cryo_text_key(&word, "mask:", 5) && cryo_text_number(&word, 16, &mask))
			return mask & DECISIONS;
	return false;
}

bool cryo_fanotify_parse(const char *text, size_t size)
{
	struct cryo_text rest = cryo_text_of(text, size), line;

	while (cryo_text_line(&rest, &line))
		if (has_decision(line))
			return true;
	return false;
}

bool cryo_fanotify_is_asked(int process, int fd, const char *link)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	char name[32];

	if (strcmp(link, "anon_inode:[fanotify]") != 0)
		return false;
	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	return cryo_procfs_read(process, name, 0, &text) == 0 &&
	       cryo_fanotify_parse((const char *)text.data, text.size);
}

static bool is_group(int process, pid_t fd)
{
	_cleanup_buffer_ struct cryo_buffer link = {0};
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", fd);
	return cryo_procfs_readlink(process, name, &link) >= 0 &&
	       cryo_fanotify_is_asked(process, fd, (const char *)link.data);
}

bool cryo_fanotify_decides(int process)
{
	_cleanup_free_ pid_t *fds = NULL;
	size_t count;

	if (cryo_procfs_list(process, "fd", &fds, &count) < 0)
		return false;
	for (size_t i = 0; i < count && i < LOOKED_AT; i++)
		if (is_group(process, fds[i]))
			return true;
	return false;
}
