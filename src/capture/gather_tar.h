// SPDX-License-Identifier: MIT
/*
 * A collection as one tar stream, with nothing on a local file system.
 *
 * Collectors write files, since they may be killed at any time; here their directory is a tmpfs
 * that is mounted nowhere (fsopen(2), fsmount(2)). What a stage has left there is shipped into the
 * stream and removed. Cores do not go that way: they are streamed as they are read.
 */
#pragma once

#include "capture/gather_state.h"

/* Begin the stream, and make the directory in memory: @gather's tar, spool and directory. 0, or
 * -errno and words. */
int cryo_gather_tar_open(struct cryo_gather *gather);

/* Capture a core into the stream; options as for a core in a file. 0 or -errno of the stream. */
int cryo_gather_tar_core(struct cryo_gather *gather, struct cryo_target *target,
	struct cryocore_options *options, struct cryo_session *session);

/* Move what lies in proc/PID into the stream. 0 or -errno of the stream. */
int cryo_gather_tar_ship(struct cryo_gather *gather, pid_t pid);

/* Move the copies of mapped files into the stream. 0 or -errno of the stream. */
int cryo_gather_tar_ship_files(struct cryo_gather *gather);

/* The rest, manifest.json last, and the end of the archive. 0 or -errno of the stream. */
int cryo_gather_tar_end(struct cryo_gather *gather);

void cryo_gather_tar_close(struct cryo_gather *gather);
