// SPDX-License-Identifier: MIT
/*
 * libarchive(3), loaded when an archive is first wanted: Debian's brings 24 more libraries
 * (libxml2, ICU, libstdc++, ...).
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "base/library.h"

/* Every function of libarchive that is used. */
#define CRYO_ARCHIVE_FUNCTIONS(F)                                                                  \
	F(archive_write_new)                                                                       \
	F(archive_write_set_format_pax)                                                            \
	F(archive_write_set_bytes_per_block)                                                       \
	F(archive_write_set_bytes_in_last_block)                                                   \
	F(archive_write_open)                                                                      \
	F(archive_write_header)                                                                    \
	F(archive_write_data)                                                                      \
	F(archive_write_finish_entry)                                                              \
	F(archive_write_close)                                                                     \
	F(archive_write_free)                                                                      \
	F(archive_read_new)                                                                        \
	F(archive_read_support_format_tar)                                                         \
	F(archive_read_open)                                                                       \
	F(archive_read_next_header)                                                                \
	F(archive_read_data_block)                                                                 \
	F(archive_read_free)                                                                       \
	F(archive_error_string)                                                                    \
	F(archive_entry_pathname)                                                                  \
	F(archive_entry_pathname_utf8)                                                             \
	F(archive_entry_hardlink)                                                                  \
	F(archive_entry_size)                                                                      \
	F(archive_entry_filetype)                                                                  \
	F(archive_entry_sparse_reset)                                                              \
	F(archive_entry_sparse_next)                                                               \
	F(archive_errno)                                                                           \
	F(archive_entry_new)                                                                       \
	F(archive_entry_free)                                                                      \
	F(archive_entry_set_pathname)                                                              \
	F(archive_entry_set_size)                                                                  \
	F(archive_entry_set_filetype)                                                              \
	F(archive_entry_set_perm)                                                                  \
	F(archive_entry_set_mtime)                                                                 \
	F(archive_entry_set_hardlink)                                                              \
	F(archive_entry_sparse_add_entry)

struct cryo_archive_api {
	CRYO_ARCHIVE_FUNCTIONS(CRYO_LIBRARY_POINTER)
};

/* The functions. 0, or -ELIBACC: libarchive cannot be loaded (package libarchive13). */
int cryo_archive_api_get(const struct cryo_archive_api **ret_api);
