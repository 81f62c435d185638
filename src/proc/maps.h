// SPDX-License-Identifier: MIT
/*
 * /proc/PID/maps and /proc/PID/smaps as an array of mappings (proc_pid_maps(5), proc_pid_smaps(5);
 * fs/proc/task_mmu.c show_map_vma(), show_smap()).
 *
 * maps alone gives addresses, offset, device, inode and name; smaps also flags, rss, anonymous and
 * swap. Both come out as struct cryo_vma; what the text does not tell is 0 (n_links is ~0). Without
 * smaps, flags come from the rwxs column (s: CRYO_VM_MAYSHARE only, since it does not prove
 * VM_SHARED).
 *
 * Names: the kernel escapes only the newline (as \012), so a name with a literal "\012" cannot be
 * told from one with a newline; such names are left escaped and cryo_vma_name_is_ambiguous() says
 * so. A bracketed name other than [heap], [stack], [stack:TID], [anon:...], [anon_shmem:...] is
 * CRYO_VMA_SPECIAL; a mapping with an inode, or whose name begins with '/' or has the form of
 * anon_inode:[x] or socket:[x], is CRYO_VMA_FILE; every other is anonymous. [anon_shmem:...] is a
 * CRYO_VMA_FILE (its vm_file is "/dev/zero (deleted)", but maps does not say so).
 */
#pragma once

#include "model/process.h"

/**
 * cryo_maps_parse - the text of maps or smaps.
 * @ret_vmas: malloc'ed with their names; the caller's; in the order of the text
 *
 * Returns 0, -EBADMSG for a malformed line or mappings that overlap or run backwards, or -ENOMEM.
 */
int cryo_maps_parse(const char *text, size_t size, struct cryo_vma **ret_vmas, size_t *ret_count);

/**
 * cryo_maps_read - the same from an open maps or smaps file, from its current offset on.
 *
 * Only a block of the text is in memory at a time: smaps of 70,000 mappings is 54 MB. Mappings that
 * overlap are no error here: they have changed while they were read. Then the later one is cut, and
 * 1 is returned. Else 0, -EBADMSG, -ENOMEM or -errno of read(2).
 */
int cryo_maps_read(int fd, struct cryo_vma **ret_vmas, size_t *ret_count);

/* Free an array of mappings with their names. */
void cryo_vmas_free(struct cryo_vma *vmas, size_t count);

/* The name from maps may have been escaped: ask map_files or PROCMAP_QUERY. */
bool cryo_vma_name_is_ambiguous(const struct cryo_vma *vma);
