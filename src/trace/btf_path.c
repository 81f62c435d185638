// SPDX-License-Identifier: MIT
/*
 * BTF is a list of types. A member is found by its name in its struct, or in a nameless struct or
 * union inside, as in C; a path of names (thread.fsbase) goes on in the type of the member.
 */
#include <string.h>

#include "trace/btf.h"

enum {
	MAX_NESTING = 8,   /* nameless structs in one another; the kernel has two */
	KIND_TYPE_TAG = 18 /* of newer headers */
};

static bool is_modifier(uint32_t kind)
{
	return kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_VOLATILE || kind == BTF_KIND_CONST ||
	       kind == BTF_KIND_RESTRICT || kind == KIND_TYPE_TAG;
}

/* Const, volatile and typedefs aside. */
static uint32_t strip(const struct cryo_btf *btf, uint32_t id)
{
	const struct btf_type *type = cryo_btf_type(btf, id);

	for (int i = 0; i < MAX_NESTING && type && is_modifier(BTF_INFO_KIND(type->info)); i++) {
		id = type->type;
		type = cryo_btf_type(btf, id);
	}
	return id;
}

static bool is_composite(const struct btf_type *type)
{
	uint32_t kind = BTF_INFO_KIND(type->info);

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static uint32_t bit_offset(const struct btf_type *type, const struct btf_member *member)
{
	return BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(member->offset) : member->offset;
}

/* Where `name` (of `length` bytes) stands in a struct; adds to *offset, in bits. */
static bool find_member(const struct cryo_btf *btf, uint32_t id, const char *name, size_t length,
	int nesting, uint32_t *offset, uint32_t *ret_id)
{
	const struct btf_type *type = cryo_btf_type(btf, id);

	if (!type || !is_composite(type) || nesting == MAX_NESTING)
		return false;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		const struct btf_member *member = (const struct btf_member *)(type + 1) + i;
		const char *found = cryo_btf_name(btf, member->name_off);
		uint32_t inside = *offset + bit_offset(type, member);
		uint32_t member_id = strip(btf, member->type);

		if (!*found) {
			if (!find_member(
				    btf, member_id, name, length, nesting + 1, &inside, ret_id))
				continue;
		} else if (strncmp(found, name, length) != 0 || found[length]) {
			continue;
		} else {
			*ret_id = member_id;
		}
		*offset = inside;
		return true;
	}
	return false;
}

bool cryo_btf_path(const struct cryo_btf *btf, const char *structure, const char *path,
	uint32_t *ret_offset, uint32_t *ret_size)
{
	uint32_t offset = 0, type = cryo_btf_find(btf, structure, BTF_KIND_STRUCT);
	int64_t size;

	if (!type)
		return false;
	while (*path) {
		size_t length = strcspn(path, ".");

		if (!find_member(btf, type, path, length, 0, &offset, &type))
			return false;
		path += length + (path[length] == '.');
	}
	size = cryo_btf_size(btf, type);
	if (offset % 8 || size < 0)
		return false;
	*ret_offset = offset / 8;
	*ret_size = (uint32_t)size;
	return true;
}
