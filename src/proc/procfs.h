// SPDX-License-Identifier: MIT
/*
 * The only opener of /proc.
 *
 * A procfs is a directory descriptor: of /proc, of a private procfs mount that nothing can be
 * mounted over, or of a fixture. A task directory (PID, or PID/task/TID) is a descriptor below it;
 * a descriptor of a task directory stays bound to that task: once it is gone every use of it is
 * -ESRCH, even when the number is in use again.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buffer.h"

/**
 * cryo_procfs_open - a procfs by path.
 * @root: directory that looks like /proc
 *
 * Returns a descriptor or -errno of open(2).
 */
int cryo_procfs_open(const char *root);

/* An instance of a file system of the kernel's ("proc", "cgroup2") that is in no mount table: a
 * descriptor of O_PATH, or -errno as cryo_procfs_open_private(). */
int cryo_fs_open_private(const char *type);

/**
 * cryo_procfs_open_private - a procfs of our own pid namespace that is in no mount table.
 *
 * fsopen(2), fsconfig(2), fsmount(2): it shows what is hidden by mounts over /proc/PID and by a
 * hidepid option of /proc. Returns a descriptor or -errno (-EPERM without CAP_SYS_ADMIN, -ENOSYS
 * before Linux 5.2); the caller then takes cryo_procfs_open("/proc"). The descriptor is one of
 * O_PATH: a start for openat(2), not for getdents(2).
 */
int cryo_procfs_open_private(void);

/* A private procfs where it can be had, else /proc. A descriptor or -errno. */
int cryo_procfs_open_best(void);

/* The directory of a process. A descriptor, or -errno (-ENOENT: no such process). */
int cryo_procfs_open_process(int procfs, pid_t pid);

/* Whether an error says nothing of the process that was looked at: we have no descriptor or memory
 * left. */
bool cryo_procfs_is_short(int error);

/* The directory PID/task/TID. A descriptor, or -errno. */
int cryo_procfs_open_task(int procfs, pid_t pid, pid_t tid);

/* The same below the directory of the process. */
int cryo_procfs_open_thread(int process, pid_t tid);

/**
 * cryo_procfs_read - a file below a directory of procfs, whole.
 * @dir: descriptor
 * @name: path below it; its last component is not followed if it is a link (-ELOOP)
 * @limit: most bytes taken; 0 stands for 1 GiB
 * @buffer: emptied first
 *
 * Returns 0, 1 if the limit cut the file, or -errno of open(2) or read(2).
 */
int cryo_procfs_read(int dir, const char *name, size_t limit, struct cryo_buffer *buffer);

/**
 * cryo_procfs_read_record - a file that the kernel makes by one call (single_open(): stat, status,
 * wchan), read by one read(2), without a second one to see the end.
 *
 * As cryo_procfs_read(), without a limit: such a file has none but the number of its groups.
 */
int cryo_procfs_read_record(int dir, const char *name, struct cryo_buffer *buffer);

/* The text of a link, unescaped, whole (PATH_MAX does not bound it). 0 or -errno. */
int cryo_procfs_readlink(int dir, const char *name, struct cryo_buffer *buffer);

/**
 * cryo_procfs_list - the numbers in a directory (/proc, PID/task, PID/fd), by raw getdents64(2).
 * @dir, @name: the directory is @name below @dir ("." for itself)
 * @ret_numbers: sorted, malloc'ed, the caller's
 *
 * Entries that are not decimal numbers are left out. Returns 0 or -errno.
 */
int cryo_procfs_list(int dir, const char *name, pid_t **ret_numbers, size_t *ret_count);

/**
 * cryo_procfs_list_threads - the threads of a process, as cryo_procfs_list().
 * @process: its directory
 *
 * A thread that executes a program takes the leader's number (de_thread() in fs/exec.c): the kernel
 * may list that number twice, or no thread at all, in that moment. Each is told once here, and none
 * are if it lists none again and again. Returns 0 or -errno.
 */
int cryo_procfs_list_threads(int process, pid_t **ret_tids, size_t *ret_count);

/**
 * cryo_procfs_list_processes - all processes of our pid namespace.
 * @procfs: a private one, or /proc
 *
 * A new private procfs would make an inode for each of them, and throw it away when it is closed: a
 * tenth of the capture of a small process. So the ordinary /proc is asked, if it is one of our
 * namespace; a mount over one of its directories does not change the list. As cryo_procfs_list().
 */
int cryo_procfs_list_processes(int procfs, pid_t **ret_pids, size_t *ret_count);

/* The decimal number with which a file begins; `otherwise` if it cannot be read, or is none. */
uint64_t cryo_procfs_read_number(int dir, const char *name, uint64_t otherwise);

/* The pid that was given out last in our pid namespace (the last field of loadavg); or -errno. */
pid_t cryo_procfs_last_pid(int procfs);

/* include/linux/threads.h: no pid is as large as PID_MAX_LIMIT; where they begin again
 * (RESERVED_PIDS). */
enum {
	CRYO_PID_MAX_LIMIT = 1 << 22,
	CRYO_PIDS_RESERVED = 300
};

/* The pids of our namespace are smaller than this (sys/kernel/pid_max); `unknown` if it cannot be
 * read. */
pid_t cryo_procfs_pid_max(int procfs, pid_t unknown);

/*
 * Whether the task of a directory has an address space. One that has exited, or was killed, has
 * none from the moment on at which its pages begin to go (exit_mm()). It takes no lock of that
 * memory.
 */
bool cryo_procfs_has_memory(int dir);
