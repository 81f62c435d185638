// SPDX-License-Identifier: MIT
/*
 * The kernel writes a core in the context of the dying process, so its ids are those that getpid()
 * and getuid() would have given there (task_pid_vnr(), from_kuid_munged()).
 */
#include "capture/ids.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "proc/procfs.h"

pid_t cryo_ids_own(const struct cryo_ns_ids *ids)
{
	return ids->count ? ids->ids[ids->count - 1] : 0;
}

/* Whether a children file names the pid. */
static bool names_child(int task_dir, const char *name, pid_t pid)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	const char *cursor, *end;
	uint64_t number;

	if (cryo_procfs_read(task_dir, name, 0, &text) < 0)
		return false;
	cursor = (const char *)text.data;
	end = cursor + text.size;
	while (cursor < end && cryo_number_scan(&cursor, end, 10, &number))
		if (number == (uint64_t)pid)
			return true;
	return false;
}

/* The thread of a parent that has the child; the parent itself if none says so. */
static pid_t forking_thread(int parent_dir, pid_t parent, pid_t child)
{
	_cleanup_free_ pid_t *tids = NULL;
	size_t count;
	char name[48];

	if (cryo_procfs_list_threads(parent_dir, &tids, &count) < 0 || count < 2)
		return parent;
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "task/%d/children", tids[i]);
		if (names_child(parent_dir, name, child))
			return tids[i];
	}
	return parent;
}

pid_t cryo_ids_of_parent(int procfs, const struct cryo_status *status)
{
	_cleanup_close_ int parent_dir = -1, thread_dir = -1;
	struct cryo_status parent;
	pid_t thread;

	if (status->ppid == 0)
		return 0;
	parent_dir = cryo_procfs_open_process(procfs, status->ppid);
	if (parent_dir < 0)
		return 0;
	thread = forking_thread(parent_dir, status->ppid, status->pid);
	thread_dir = cryo_procfs_open_task(procfs, status->ppid, thread);
	if (thread_dir < 0 || cryo_status_read(thread_dir, &parent) < 0)
		return 0;
	if (status->ns_pid.count == 0)
		return parent.pid;
	if (parent.ns_pid.count < status->ns_pid.count)
		return 0;
	return parent.ns_pid.ids[status->ns_pid.count - 1];
}

/* Our id as the other namespace has it: lines "inside outside count" (user_namespaces(7)). */
static uint32_t map_id(const struct cryo_buffer *map, uint32_t outside, uint32_t otherwise)
{
	const char *cursor = (const char *)map->data, *end = cursor + map->size;

	while (cursor < end) {
		uint64_t line[3];

		for (int i = 0; i < 3; i++)
			if (!cryo_number_scan(&cursor, end, 10, &line[i]))
				return otherwise;
		if (outside >= line[1] && outside - line[1] < line[2])
			return (uint32_t)(line[0] + outside - line[1]);
		while (cursor < end && *cursor == '\n')
			cursor++;
	}
	return otherwise;
}

static bool is_in_namespace(int live_dir, const struct cryo_own_ids *own)
{
	struct stat found;

	return own->inode && fstatat(live_dir, "ns/user", &found, 0) == 0 &&
	       found.st_ino == own->inode && found.st_dev == own->device;
}

void cryo_ids_read_own(struct cryo_own_ids *ret_ids)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct stat found = {0};

	ret_ids->uid = (uid_t)cryo_procfs_read_number(procfs, "sys/kernel/overflowuid", 65534);
	ret_ids->gid = (gid_t)cryo_procfs_read_number(procfs, "sys/kernel/overflowgid", 65534);
	if (fstatat(procfs, "self/ns/user", &found, 0) < 0)
		found.st_ino = 0;
	ret_ids->device = found.st_dev;
	ret_ids->inode = found.st_ino;
}

int cryo_ids_fill_credentials(int live_dir, const struct cryo_status *status,
	const struct cryo_own_ids *own, struct cryo_process *process)
{
	_cleanup_buffer_ struct cryo_buffer uid_map = {0}, gid_map = {0};
	int r;

	process->overflow_uid = own->uid;
	process->overflow_gid = own->gid;
	process->uid = status->uid[0];
	process->gid = status->gid[0];
	if (is_in_namespace(live_dir, own))
		return 0;
	r = cryo_procfs_read(live_dir, "uid_map", 0, &uid_map);
	if (r >= 0)
		r = cryo_procfs_read(live_dir, "gid_map", 0, &gid_map);
	if (r < 0)
		return r;
	process->uid = map_id(&uid_map, process->uid, process->overflow_uid);
	process->gid = map_id(&gid_map, process->gid, process->overflow_gid);
	return 0;
}
