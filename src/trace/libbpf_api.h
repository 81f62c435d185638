// SPDX-License-Identifier: MIT
/*
 * libbpf, which brings libelf and libz, loaded when a question is first put to the kernel by BPF:
 * of a large process, or of threads that cannot be stopped. Its functions are called by their own
 * names.
 */
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/library.h"

/* Every function of libbpf that is used. */
#define CRYO_LIBBPF_FUNCTIONS(F)                                                                   \
	F(bpf_iter_create)                                                                         \
	F(bpf_link_create)                                                                         \
	F(bpf_map_create)                                                                          \
	F(bpf_prog_load)                                                                           \
	F(bpf_prog_test_run_opts)                                                                  \
	F(btf__add_func)                                                                           \
	F(btf__add_func_param)                                                                     \
	F(btf__add_func_proto)                                                                     \
	F(btf__add_int)                                                                            \
	F(btf__add_ptr)                                                                            \
	F(btf__fd)                                                                                 \
	F(btf__free)                                                                               \
	F(btf__load_into_kernel)                                                                   \
	F(btf__new_empty)                                                                          \
	F(libbpf_set_print)

struct cryo_libbpf_api {
	CRYO_LIBBPF_FUNCTIONS(CRYO_LIBRARY_POINTER)
};

extern const struct cryo_libbpf_api *cryo_libbpf;

/* To be asked before any of them is called. 0, or -ELIBACC: libbpf cannot be loaded. */
int cryo_libbpf_ready(void);

#if !defined(CRYOCORE_STATIC) && !defined(CRYO_LIBBPF_NAMES_AS_THEY_ARE)

#define bpf_iter_create cryo_libbpf->bpf_iter_create
#define bpf_link_create cryo_libbpf->bpf_link_create
#define bpf_map_create cryo_libbpf->bpf_map_create
#define bpf_prog_load cryo_libbpf->bpf_prog_load
#define bpf_prog_test_run_opts cryo_libbpf->bpf_prog_test_run_opts
#define btf__add_func cryo_libbpf->btf__add_func
#define btf__add_func_param cryo_libbpf->btf__add_func_param
#define btf__add_func_proto cryo_libbpf->btf__add_func_proto
#define btf__add_int cryo_libbpf->btf__add_int
#define btf__add_ptr cryo_libbpf->btf__add_ptr
#define btf__fd cryo_libbpf->btf__fd
#define btf__free cryo_libbpf->btf__free
#define btf__load_into_kernel cryo_libbpf->btf__load_into_kernel
#define btf__new_empty cryo_libbpf->btf__new_empty
#define libbpf_set_print cryo_libbpf->libbpf_set_print

#endif
