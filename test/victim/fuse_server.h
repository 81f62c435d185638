// SPDX-License-Identifier: MIT
/*
 * A file system of one file that stops answering: the whole of a FUSE server, over raw /dev/fuse,
 * in a mount namespace of the victim's own. Its facts: server=PID, whose death wakes everybody.
 */
#pragma once

#include <sys/types.h>

/**
 * struct fuse_mount - a file system that is up.
 * @file: the one file in it; its content is that of @source of fuse_start()
 */
struct fuse_mount {
	pid_t server;
	char directory[32];
	char file[64];
};

/* Mount it; cannot() if this machine has no FUSE. */
void fuse_start(const char *source, struct fuse_mount *ret_mount);

/* The same, but what is read is given only when the server is told to (SIGUSR2); who reads waits in
 * state D for a page, as for a disk. */
void fuse_start_slow(const char *source, struct fuse_mount *ret_mount);

/* From now on no request is answered. The server ends with the process that started it. */
void fuse_silence(pid_t server);
