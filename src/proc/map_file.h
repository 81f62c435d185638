// SPDX-License-Identifier: MIT
/*
 * The files behind mappings.
 *
 * /proc/PID/map_files/START-END is a link to the very file, whatever its name is now: deleted,
 * renamed, in another mount namespace, or a memfd. It needs CAP_CHECKPOINT_RESTORE or
 * CAP_SYS_ADMIN; without these the name is opened below the process's root, and taken only if it
 * has the device and inode of the mapping.
 *
 * Opening asks the file system: the caller has to know that it is not one whose server may not
 * answer (cryo_mounts_are_remote()).
 */
#pragma once

#include "model/process.h"

enum {
	CRYO_MAP_FILE_NAME = 64
};

/* "map_files/START-END", of a mapping with a file. */
void cryo_map_file_name(const struct cryo_vma *vma, char ret_name[CRYO_MAP_FILE_NAME]);

/**
 * cryo_map_file_open - open the file of a mapping for reading.
 * @process: /proc/PID, by the number of a thread that lives
 *
 * Returns a descriptor, or -errno: -ENOENT (there is no such mapping any more), -ESTALE (without
 * privilege: another file has its name), -EAGAIN (somebody has a lease on it: proc/lease.h).
 */
int cryo_map_file_open(int process, const struct cryo_vma *vma);

/* The same without map_files: no device is opened, no FIFO waited for. */
int cryo_map_file_open_by_name(int process, const struct cryo_vma *vma);
