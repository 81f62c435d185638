// SPDX-License-Identifier: MIT
/*
 * libcryocore: cores for systemd's journal, where coredumpctl(1) looks for them.
 */
#ifndef CRYOCORE_JOURNAL_H
#define CRYOCORE_JOURNAL_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * cryocore_journal_entry - an entry about a core.
 * @path: of a core of anybody's making, compressed with zstd(1) or not; the entry has it made
 *	absolute
 * @ret_text: malloc'ed, in the journal export format (systemd's JOURNAL_EXPORT_FORMATS), which
 *	systemd-journal-remote(8) makes a journal of; @ret_size bytes, and a NUL that is not counted
 *
 * What the process has named is escaped as everywhere. Returns 0, -ENOEXEC (not an ELF file),
 * -EMEDIUMTYPE (ELF, but not a core), -EBADMSG or -ENODATA (compressed data that is damaged, or
 * ends in the middle), -ENOMEM or -errno.
 */
int cryocore_journal_entry(const char *path, char **ret_text, size_t *ret_size);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
