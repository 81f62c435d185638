// SPDX-License-Identifier: MIT
/*
 * read(2) and write(2) that do what was asked: whole, through EINTR and short counts.
 */
#pragma once

#include <sys/types.h>

#include "base/buffer.h"

/**
 * cryo_io_read_all - append a file from its current offset to its end.
 * @limit: most bytes to take
 *
 * Returns 0, 1 if the limit cut it (the buffer holds @limit bytes), or -errno of read(2); what was
 * read before an error is in the buffer.
 */
int cryo_io_read_all(int fd, size_t limit, struct cryo_buffer *buffer);

/*
 * Read up to `size` bytes; fewer only at the end of the file or before an error. Bytes read, or
 * -errno if the first byte could not be had; -EINVAL for a negative offset.
 */
ssize_t cryo_io_read(int fd, void *data, size_t size);
ssize_t cryo_io_pread(int fd, void *data, size_t size, off_t offset);

/* Write all bytes, also to who does not wait (O_NONBLOCK). 0, or -errno of write(2); -ENOSPC if the
 * kernel says 0; -EINVAL for a negative offset. */
int cryo_io_write(int fd, const void *data, size_t size);
int cryo_io_pwrite(int fd, const void *data, size_t size, off_t offset);

/**
 * cryo_io_flush - hear now what close(2) would say of a file that was written.
 *
 * A file server (NFS, FUSE) may tell only then that it has no room, and whoever closes a file in
 * the end has nobody to tell it to. Nothing is made durable by it. 0 or -errno.
 */
int cryo_io_flush(int fd);

enum {
	CRYO_IO_ROOM_MAX = 32
};

/* Make a directory that is ours alone (0700), whatever the umask is. 0, -EEXIST or -errno. */
int cryo_io_make_directory(int at, const char *path);

/**
 * cryo_io_check_room - whether @count more descriptors can be had, at most CRYO_IO_ROOM_MAX.
 *
 * For who could take a descriptor that is not to be had for a process that is not there. 0 or
 * -errno of open(2): -EMFILE, -ENFILE.
 */
int cryo_io_check_room(unsigned int count);

/* Close descriptors from @first to @last (INT_MAX: all that there are); for a new child. */
void cryo_io_close_range(int first, int last);

/**
 * cryo_io_rename_new - give a file a name that nothing has yet; nothing is ever replaced.
 * @directory: of both names
 *
 * Where a file system has neither RENAME_NOREPLACE nor hard links (some that FUSE serves), that
 * nothing is replaced is only checked before. Returns 0, -EEXIST or -errno.
 */
int cryo_io_rename_new(int directory, const char *from, const char *to);

/**
 * cryo_io_find_data - the next stretch of data in a file with holes (lseek(2), SEEK_DATA).
 * @at: where to begin
 * @ret_data: where data begins at or behind @at; the end of the file if only a hole follows
 * @ret_hole: where the hole behind it begins; the same as @ret_data if there is no data
 *
 * For a file that does not know holes all is data, without an end. The file's offset is changed.
 */
void cryo_io_find_data(int fd, off_t at, off_t *ret_data, off_t *ret_hole);
