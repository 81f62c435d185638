// SPDX-License-Identifier: MIT
/*
 * libarchive(3), loaded when an archive is first wanted.
 *
 * Debian's libarchive.so brings 24 more libraries (libxml2, ICU, libstdc++, ...), which would cost
 * every start of cryocore several milliseconds; most starts never write an archive. In a static
 * build it is linked in.
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

/* Every function of libarchive that is used: result, name, parameters. */
#define CRYO_ARCHIVE_FUNCTIONS(F)                                                                  \
	F(struct archive *, archive_write_new, (void))                                             \
	F(int, archive_write_set_format_pax, (struct archive *))                                   \
	F(int, archive_write_set_bytes_per_block, (struct archive *, int))                         \
	F(int, archive_write_set_bytes_in_last_block, (struct archive *, int))                     \
	F(int, archive_write_open,                                                                 \
		(struct archive *, void *, archive_open_callback *, archive_write_callback *,      \
			archive_close_callback *))                                                 \
	F(int, archive_write_header, (struct archive *, struct archive_entry *))                   \
	F(la_ssize_t, archive_write_data, (struct archive *, const void *, size_t))                \
	F(int, archive_write_finish_entry, (struct archive *))                                     \
	F(int, archive_write_close, (struct archive *))                                            \
	F(int, archive_write_free, (struct archive *))                                             \
	F(struct archive *, archive_read_new, (void))                                              \
	F(int, archive_read_support_format_tar, (struct archive *))                                \
	F(int, archive_read_open,                                                                  \
		(struct archive *, void *, archive_open_callback *, archive_read_callback *,       \
			archive_close_callback *))                                                 \
	F(int, archive_read_next_header, (struct archive *, struct archive_entry **))              \
	F(int, archive_read_data_block, (struct archive *, const void **, size_t *, la_int64_t *)) \
	F(int, archive_read_free, (struct archive *))                                              \
	F(const char *, archive_error_string, (struct archive *))                                  \
	F(const char *, archive_entry_pathname, (struct archive_entry *))                          \
	F(const char *, archive_entry_pathname_utf8, (struct archive_entry *))                     \
	F(const char *, archive_entry_hardlink, (struct archive_entry *))                          \
	F(la_int64_t, archive_entry_size, (struct archive_entry *))                                \
	F(__LA_MODE_T, archive_entry_filetype, (struct archive_entry *))                           \
	F(int, archive_entry_sparse_reset, (struct archive_entry *))                               \
	F(int, archive_entry_sparse_next, (struct archive_entry *, la_int64_t *, la_int64_t *))    \
	F(int, archive_errno, (struct archive *))                                                  \
	F(struct archive_entry *, archive_entry_new, (void))                                       \
	F(void, archive_entry_free, (struct archive_entry *))                                      \
	F(void, archive_entry_set_pathname, (struct archive_entry *, const char *))                \
	F(void, archive_entry_set_size, (struct archive_entry *, la_int64_t))                      \
	F(void, archive_entry_set_filetype, (struct archive_entry *, unsigned int))                \
	F(void, archive_entry_set_perm, (struct archive_entry *, __LA_MODE_T))                     \
	F(void, archive_entry_set_mtime, (struct archive_entry *, time_t, long))                   \
	F(void, archive_entry_set_hardlink, (struct archive_entry *, const char *))                \
	F(void, archive_entry_sparse_add_entry, (struct archive_entry *, la_int64_t, la_int64_t))

#define CRYO_ARCHIVE_POINTER(result, name, parameters) result(*name) parameters;

struct cryo_archive_api {
	CRYO_ARCHIVE_FUNCTIONS(CRYO_ARCHIVE_POINTER)
};

/* The functions. 0, or -ELIBACC: libarchive cannot be loaded (package libarchive13). */
int cryo_archive_api_get(const struct cryo_archive_api **ret_api);
