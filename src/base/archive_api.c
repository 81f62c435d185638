// SPDX-License-Identifier: MIT
/*
 * archive_write_set_format_*() of every format live in one object of libarchive.a, among them xar,
 * which needs libxml2 and ICU. They all call __archive_write_entry_filetype_unsupported(); defining
 * that here keeps the linker from pulling that object's neighbours into the static build.
 */
#include "base/archive_api.h"

#ifdef CRYOCORE_STATIC

void __archive_write_entry_filetype_unsupported(
	struct archive *archive, struct archive_entry *entry, const char *format);

void __archive_write_entry_filetype_unsupported(
	struct archive *archive, struct archive_entry *entry, const char *format)
{
	(void)archive;
	(void)entry;
	(void)format;
}

#endif

CRYO_LIBRARY_GET(cryo_archive_api_get, "libarchive.so.13", "libarchive13", cryo_archive_api,
	CRYO_ARCHIVE_FUNCTIONS)
