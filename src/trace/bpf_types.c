// SPDX-License-Identifier: MIT
#include "trace/bpf_types.h"

#include <errno.h>

#include "base/cleanup.h"
#include "trace/libbpf_api.h"

static int add_types(struct btf *types, uint32_t *ret_main, uint32_t *ret_callback)
{
	int number = btf__add_int(types, "int", 4, BTF_INT_SIGNED);
	int word = btf__add_int(types, "long", 8, BTF_INT_SIGNED);
	int pointer = btf__add_ptr(types, 0), prototype, r;

	prototype = btf__add_func_proto(types, number);
	btf__add_func_param(types, "ctx", pointer);
	*ret_main = (uint32_t)btf__add_func(types, "main", BTF_FUNC_GLOBAL, prototype);
	prototype = btf__add_func_proto(types, word);
	btf__add_func_param(types, "i", word);
	r = btf__add_func_param(types, "at", pointer);
	*ret_callback = (uint32_t)btf__add_func(types, "callback", BTF_FUNC_STATIC, prototype);
	return r < 0 ? r : btf__load_into_kernel(types);
}

int cryo_bpf_types_load(struct btf **ret_types, uint32_t *ret_main, uint32_t *ret_callback)
{
	struct btf *types = btf__new_empty();
	int r = types ? add_types(types, ret_main, ret_callback) : -ENOMEM;

	if (r == 0)
		*ret_types = steal_ptr(types);
	btf__free(types);
	return r;
}
