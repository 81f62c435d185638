// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/btf.h"

/* int; struct s { int a; int b[3]; }; typedef const struct s t */
static const struct {
	struct btf_header header;
	struct {
		struct btf_type type;
		uint32_t data;
	} number;
	struct {
		struct btf_type type;
		struct btf_array array;
	} array;
	struct {
		struct btf_type type;
		struct btf_member members[2];
	} structure;
	struct btf_type constant, definition;
	char names[16];
} image = {
	.header = {.magic = BTF_MAGIC,
		.version = 1,
		.hdr_len = sizeof(struct btf_header),
		.type_len = 16 + 24 + 36 + 24,
		.str_off = 16 + 24 + 36 + 24,
		.str_len = 16},
	.number = {{.name_off = 1, .info = BTF_KIND_INT << 24, .size = 4}, 32},
	.array = {{.info = BTF_KIND_ARRAY << 24}, {.type = 1, .index_type = 1, .nelems = 3}},
	.structure = {{.name_off = 5, .info = (BTF_KIND_STRUCT << 24) + 2, .size = 16},
		{{7, 1, 0}, {9, 2, 32}}},
	.constant = {.info = BTF_KIND_CONST << 24, .type = 3},
	.definition = {.name_off = 11, .info = BTF_KIND_TYPEDEF << 24, .type = 4},
	.names = "\0int\0s\0a\0b\0t",
};

static int parse(size_t size, struct cryo_btf *btf)
{
	void *copy = malloc(size + 1);

	memcpy(copy, &image, size);
	return cryo_btf_parse(copy, size, btf);
}

Test(btf, types_are_found_by_name_and_kind)
{
	_cleanup_btf_ struct cryo_btf btf = {0};

	cr_assert_eq(parse(sizeof(image), &btf), 0);
	cr_assert_eq(btf.n_types, 6);
	cr_assert_eq(cryo_btf_find(&btf, "s", BTF_KIND_STRUCT), 3);
	cr_assert_eq(cryo_btf_find(&btf, "s", BTF_KIND_UNION), 0);
	cr_assert_eq(cryo_btf_find(&btf, "u", BTF_KIND_STRUCT), 0);
	cr_assert_str_eq(cryo_btf_name(&btf, cryo_btf_type(&btf, 5)->name_off), "t");
	cr_assert_str_eq(cryo_btf_name(&btf, 99), "");
	cr_assert_null(cryo_btf_type(&btf, 0));
	cr_assert_null(cryo_btf_type(&btf, 6));
}

Test(btf, sizes_are_those_of_what_stands_behind)
{
	_cleanup_btf_ struct cryo_btf btf = {0};

	cr_assert_eq(parse(sizeof(image), &btf), 0);
	cr_assert_eq(cryo_btf_size(&btf, 1), 4);
	cr_assert_eq(cryo_btf_size(&btf, 2), 12);
	cr_assert_eq(cryo_btf_size(&btf, 5), 16);
	cr_assert_eq(cryo_btf_size(&btf, 0), -1);
}

Test(btf, what_is_cut_is_refused)
{
	for (size_t size = 0; size < sizeof(image); size++) {
		_cleanup_btf_ struct cryo_btf btf = {0};

		cr_assert_eq(parse(size, &btf), -EBADMSG);
	}
}

Test(btf, the_running_kernel)
{
	_cleanup_btf_ struct cryo_btf btf = {0};
	int r = cryo_btf_open(&btf);
	uint32_t task;

	if (r < 0)
		cr_skip_test("this kernel has no BTF");
	task = cryo_btf_find(&btf, "task_struct", BTF_KIND_STRUCT);
	cr_assert_neq(task, 0);
	cr_assert_gt(cryo_btf_size(&btf, task), 1000);
}
