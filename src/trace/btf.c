// SPDX-License-Identifier: MIT
/*
 * A type is a struct btf_type and, depending on its kind, a word, or one struct for each of its
 * members. So they have to be stepped over one by one to find the next.
 */
#include "trace/btf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"

enum {
	MAX_SIZE = 256 << 20,
	MAX_STEPS = 32, /* of arrays, typedefs and modifiers in one another */
};

/* Kinds that the oldest headers do not name. */
enum {
	KIND_FLOAT = 16,
	KIND_DECL_TAG = 17,
	KIND_TYPE_TAG = 18,
	KIND_ENUM64 = 19,
	N_KINDS = 20
};

/* What follows a type: a fixed part, and a part for each of its members. */
static const struct {
	uint8_t fixed, member;
} tails[N_KINDS] = {
	[BTF_KIND_INT] = {4, 0},
	[BTF_KIND_ARRAY] = {sizeof(struct btf_array), 0},
	[BTF_KIND_STRUCT] = {0, sizeof(struct btf_member)},
	[BTF_KIND_UNION] = {0, sizeof(struct btf_member)},
	[BTF_KIND_ENUM] = {0, sizeof(struct btf_enum)},
	[BTF_KIND_FUNC_PROTO] = {0, sizeof(struct btf_param)},
	[BTF_KIND_VAR] = {4, 0},
	[BTF_KIND_DATASEC] = {0, sizeof(struct btf_var_secinfo)},
	[KIND_DECL_TAG] = {4, 0},
	[KIND_ENUM64] = {0, 12},
};

/* Note where each type begins; with `offsets` NULL, only count them. 0 or -EBADMSG. */
static int index_types(struct cryo_btf *btf)
{
	size_t at = 0;

	btf->n_types = 1;
	while (at + sizeof(struct btf_type) <= btf->types_size) {
		const struct btf_type *type = (const void *)(btf->types + at);
		uint32_t kind = BTF_INFO_KIND(type->info);

		if (kind == 0 || kind >= N_KINDS)
			return -EBADMSG;
		if (btf->offsets)
			btf->offsets[btf->n_types] = (uint32_t)at;
		btf->n_types++;
		at += sizeof(*type) + tails[kind].fixed +
		      (size_t)BTF_INFO_VLEN(type->info) * tails[kind].member;
	}
	return at == btf->types_size ? 0 : -EBADMSG;
}

static int find_sections(struct cryo_btf *btf)
{
	const struct btf_header *header = btf->data;
	uint64_t rest;

	if (btf->size < sizeof(*header) || header->magic != BTF_MAGIC ||
		header->hdr_len < sizeof(*header) || header->hdr_len > btf->size ||
		header->type_off % 4 || header->hdr_len % 4)
		return -EBADMSG;
	rest = btf->size - header->hdr_len;
	if ((uint64_t)header->type_off + header->type_len > rest ||
		(uint64_t)header->str_off + header->str_len > rest || !header->str_len)
		return -EBADMSG;
	btf->types = (const uint8_t *)btf->data + header->hdr_len + header->type_off;
	btf->types_size = header->type_len;
	btf->names = (const char *)btf->data + header->hdr_len + header->str_off;
	btf->names_size = header->str_len;
	return btf->names[btf->names_size - 1] ? -EBADMSG : 0;
}

static int parse(struct cryo_btf *btf)
{
	int r = find_sections(btf);

	if (r == 0)
		r = index_types(btf);
	if (r < 0)
		return r;
	btf->offsets = malloc(btf->n_types * sizeof(*btf->offsets));
	return btf->offsets ? index_types(btf) : -ENOMEM;
}

int cryo_btf_parse(void *data, size_t size, struct cryo_btf *ret_btf)
{
	_cleanup_btf_ struct cryo_btf btf = {.data = data, .size = size};
	int r = parse(&btf);

	if (r < 0)
		return r;
	*ret_btf = btf;
	btf = (struct cryo_btf){0};
	return 0;
}

static int read_file(int fd, struct cryo_btf *btf)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_io_read_all(fd, MAX_SIZE, &text);

	if (r < 0)
		return r;
	btf->size = text.size;
	btf->data = steal_ptr(text.data);
	return 0;
}

int cryo_btf_open(struct cryo_btf *ret_btf)
{
	_cleanup_btf_ struct cryo_btf btf = {0};
	_cleanup_close_ int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	struct stat found;
	int r = 0;

	if (fd < 0 || fstat(fd, &found) < 0)
		return -errno;
	btf.size = (size_t)found.st_size;
	btf.data = mmap(NULL, btf.size, PROT_READ, MAP_PRIVATE, fd, 0);
	btf.is_mapped = btf.data != MAP_FAILED;
	if (!btf.is_mapped) {
		btf.data = NULL;
		r = read_file(fd, &btf);
	}
	if (r == 0)
		r = parse(&btf);
	if (r < 0)
		return r;
	*ret_btf = btf;
	btf = (struct cryo_btf){0};
	return 0;
}

void cryo_btf_close(struct cryo_btf *btf)
{
	if (btf->is_mapped)
		munmap(btf->data, btf->size);
	else
		free(btf->data);
	free(btf->offsets);
	*btf = (struct cryo_btf){0};
}

const struct btf_type *cryo_btf_type(const struct cryo_btf *btf, uint32_t id)
{
	return id && id < btf->n_types ? (const void *)(btf->types + btf->offsets[id]) : NULL;
}

const char *cryo_btf_name(const struct cryo_btf *btf, uint32_t offset)
{
	return offset < btf->names_size ? btf->names + offset : "";
}

uint32_t cryo_btf_find(const struct cryo_btf *btf, const char *name, uint32_t kind)
{
	for (uint32_t id = 1; id < btf->n_types; id++) {
		const struct btf_type *type = cryo_btf_type(btf, id);

		if (BTF_INFO_KIND(type->info) == kind &&
			strcmp(cryo_btf_name(btf, type->name_off), name) == 0)
			return id;
	}
	return 0;
}

int64_t cryo_btf_size(const struct cryo_btf *btf, uint32_t id)
{
	int64_t count = 1;

	for (int i = 0; i < MAX_STEPS; i++) {
		const struct btf_type *type = cryo_btf_type(btf, id);
		const struct btf_array *array;

		switch (type ? BTF_INFO_KIND(type->info) : 0) {
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case KIND_ENUM64:
		case KIND_FLOAT:
			return count * type->size;
		case BTF_KIND_PTR:
			return count * (int64_t)sizeof(void *);
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case KIND_TYPE_TAG:
			id = type->type;
			break;
		case BTF_KIND_ARRAY:
			array = (const void *)(type + 1);
			count *= array->nelems;
			id = array->type;
			break;
		default:
			return -1;
		}
	}
	return -1;
}
