// SPDX-License-Identifier: MIT
#include "trace/bpf_call.h"

#include <errno.h>
#include <linux/btf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"

/* The helpers are for GPL-compatible programs only; the instructions may be had under either. */
#define LICENCE "Dual MIT/GPL"

enum {
	LOAD_TRIES = 5 /* the verifier gives up with EAGAIN when a signal comes */
};

static uint64_t address_of(const void *pointer)
{
	return (uintptr_t)pointer;
}

static int call(enum bpf_cmd command, union bpf_attr *attributes)
{
	long r = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	return r < 0 ? -errno : (int)r;
}

/* ---- types ---- */

#define KIND(kind, count) ((uint32_t)(kind) << 24 | (count))
#define INTEGER(bits) ((uint32_t)BTF_INT_SIGNED << 24 | (bits))

/* bpf_loop() wants to know the types of the functions that it calls. In the order of their numbers,
 * which begin with 1: name, kind, size or type, and what belongs to the kind. */
static const uint32_t types[] = {
	1, KIND(BTF_KIND_INT, 0), 4, INTEGER(32),         /* int */
	5, KIND(BTF_KIND_INT, 0), 8, INTEGER(64),         /* long */
	0, KIND(BTF_KIND_PTR, 0), 0,                      /* void * */
	0, KIND(BTF_KIND_FUNC_PROTO, 1), 1, 10, 3,        /* int (void *ctx) */
	14, KIND(BTF_KIND_FUNC, BTF_FUNC_GLOBAL), 4,      /* main */
	0, KIND(BTF_KIND_FUNC_PROTO, 2), 2, 19, 2, 21, 3, /* long (long i, void *at) */
	24, KIND(BTF_KIND_FUNC, BTF_FUNC_STATIC), 6,      /* callback */
};
static const char names[] = "\0int\0long\0ctx\0main\0i\0at\0callback";

static int load_types(void)
{
	struct {
		struct btf_header head;
		uint32_t types[ARRAY_SIZE(types)];
		char names[sizeof(names)];
	} all = {{.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(all.head),
		.type_len = sizeof(types),
		.str_off = sizeof(types),
		.str_len = sizeof(names)}};
	union bpf_attr attributes = {.btf = address_of(&all),
		.btf_size = sizeof(all.head) + sizeof(types) + sizeof(names)};

	memcpy(all.types, types, sizeof(types));
	memcpy(all.names, names, sizeof(names));
	return call(BPF_BTF_LOAD, &attributes);
}

/* ---- programs ---- */

static int load(union bpf_attr *attributes)
{
	int r = -EAGAIN;

	for (int i = 0; i < LOAD_TRIES && r == -EAGAIN; i++)
		r = call(BPF_PROG_LOAD, attributes);
	return r;
}

int cryo_bpf_load(const struct cryo_bpf_code *code)
{
	_cleanup_close_ int known = code->n_functions ? load_types() : -1;
	union bpf_attr attributes = {.prog_type = code->type,
		.insns = address_of(code->instructions),
		.insn_cnt = (uint32_t)code->count,
		.license = address_of(LICENCE)};

	if (code->n_functions && known < 0)
		return known;
	strncpy(attributes.prog_name, code->name, sizeof(attributes.prog_name) - 1);
	if (code->type == BPF_PROG_TYPE_TRACING) {
		attributes.expected_attach_type = BPF_TRACE_ITER;
		attributes.attach_btf_id = code->attach;
	} else {
		attributes.prog_flags = BPF_F_SLEEPABLE;
	}
	if (code->n_functions) {
		attributes.prog_btf_fd = (uint32_t)known;
		attributes.func_info = address_of(code->functions);
		attributes.func_info_rec_size = sizeof(code->functions[0]);
		attributes.func_info_cnt = (uint32_t)code->n_functions;
	}
	return load(&attributes);
}

/* Before Linux 6.1 the wish for one process is refused (E2BIG, EINVAL). */
static int link_program(int program, pid_t pid, pid_t tid)
{
	union bpf_iter_link_info wish = {
		.task = {.tid = (uint32_t)tid, .pid = tid ? 0 : (uint32_t)pid}};
	union bpf_attr attributes = {.link_create = {.prog_fd = (uint32_t)program,
					     .attach_type = BPF_TRACE_ITER,
					     .iter_info = address_of(&wish),
					     .iter_info_len = sizeof(wish)}};
	int link = call(BPF_LINK_CREATE, &attributes);

	if (link != -E2BIG && link != -EINVAL)
		return link;
	attributes.link_create.iter_info = 0;
	attributes.link_create.iter_info_len = 0;
	return call(BPF_LINK_CREATE, &attributes);
}

int cryo_bpf_iterate(int program, pid_t pid, pid_t tid)
{
	_cleanup_close_ int link = link_program(program, pid, tid);
	union bpf_attr attributes = {.iter_create = {.link_fd = (uint32_t)link}};

	return link < 0 ? link : call(BPF_ITER_CREATE, &attributes);
}

int cryo_bpf_map(const char *name, uint32_t size)
{
	union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = size,
		.max_entries = 1,
		.map_flags = BPF_F_MMAPABLE};

	strncpy(attributes.map_name, name, sizeof(attributes.map_name) - 1);
	return call(BPF_MAP_CREATE, &attributes);
}

int cryo_bpf_run(int program, const void *context, size_t size)
{
	union bpf_attr attributes = {.test = {.prog_fd = (uint32_t)program,
					     .ctx_in = address_of(context),
					     .ctx_size_in = (uint32_t)size}};

	return call(BPF_PROG_TEST_RUN, &attributes);
}
