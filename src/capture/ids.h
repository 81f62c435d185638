// SPDX-License-Identifier: MIT
/*
 * Ids as the process itself knows them: in its own pid and user namespaces.
 */
#pragma once

#include "model/process.h"
#include "proc/status.h"

/* The id of the innermost namespace: the process's own. 0 if the kernel printed none. */
pid_t cryo_ids_own(const struct cryo_ns_ids *ids);

/**
 * cryo_ids_of_parent - pr_ppid: the parent's thread that forked the process.
 * @procfs: where to look
 * @status: of the process
 *
 * Field 4 of stat gives only the thread group; PPID/task/T/children tells which thread it was
 * (CONFIG_PROC_CHILDREN; without it the thread group's id is taken). The id is that of the
 * process's own pid namespace; 0 if the parent is outside of it.
 */
pid_t cryo_ids_of_parent(int procfs, const struct cryo_status *status);

/**
 * struct cryo_own_ids - what is the same for all processes.
 * @uid, @gid: stand for an id that has no place where it is wanted (user_namespaces(7))
 * @device, @inode: our own user namespace; 0 if it cannot be told
 */
struct cryo_own_ids {
	uid_t uid;
	gid_t gid;
	dev_t device;
	ino_t inode;
};

void cryo_ids_read_own(struct cryo_own_ids *ret_ids);

/* Real uid and gid in the process's user namespace, and the overflow ids. 0 or -errno. */
int cryo_ids_fill_credentials(int live_dir, const struct cryo_status *status,
	const struct cryo_own_ids *own, struct cryo_process *process);
