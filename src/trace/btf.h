// SPDX-License-Identifier: MIT
/*
 * The types of the running kernel (Documentation/bpf/btf.rst), as far as struct members are to be
 * found in them: libbpf takes 15 ms to make everything of them ready, of which nothing is needed.
 */
#pragma once

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/**
 * struct cryo_btf - the file, mapped or read.
 * @data, @size: all of it; @is_mapped: by mmap(2), since Linux 6.16
 * @types, @types_size, @names, @names_size: its two sections
 * @offsets: of each type in its section; type 0, which is void, has none
 */
struct cryo_btf {
	void *data;
	size_t size;
	int is_mapped;
	const uint8_t *types;
	size_t types_size;
	const char *names;
	size_t names_size;
	uint32_t *offsets;
	uint32_t n_types;
};

/* Parse a copy of the file; the struct takes @data over, which is malloc'ed. 0, -EBADMSG, -ENOMEM.
 */
int cryo_btf_parse(void *data, size_t size, struct cryo_btf *ret_btf);

/* Of the running kernel. 0, or -errno (-ENOENT: it has none). */
int cryo_btf_open(struct cryo_btf *ret_btf);
void cryo_btf_close(struct cryo_btf *btf);

/* A type by its number. NULL if there is none. */
const struct btf_type *cryo_btf_type(const struct cryo_btf *btf, uint32_t id);

/* "" if there is none. */
const char *cryo_btf_name(const struct cryo_btf *btf, uint32_t offset);

/* The number of the first type of a name and kind (BTF_KIND_*); 0 if there is none. */
uint32_t cryo_btf_find(const struct cryo_btf *btf, const char *name, uint32_t kind);

/* The size of a type in bytes; -1 if it has none. */
int64_t cryo_btf_size(const struct cryo_btf *btf, uint32_t id);

/* The byte offset of a path of members ("thread.fsbase"; "": the struct itself) from a struct, and
 * the size of the last one's type. Whether there is such a member. */
bool cryo_btf_path(const struct cryo_btf *btf, const char *structure, const char *path,
	uint32_t *ret_offset, uint32_t *ret_size);

#define _cleanup_btf_ _cleanup_(cryo_btf_close)
