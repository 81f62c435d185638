// SPDX-License-Identifier: MIT
/*
 * bpf_loop() wants to know the types of the functions that it calls, so a small BTF of our own goes
 * with a program that has any.
 */
#pragma once

#include <stdint.h>

struct btf;

/**
 * cryo_bpf_types_load - make them known to the kernel.
 * @ret_types: to be freed with btf__free(), when the program is loaded
 * @ret_main: type of int main(void *), the program
 * @ret_callback: type of static long callback(long, void *), each function that is called back
 *
 * 0 or -errno.
 */
int cryo_bpf_types_load(struct btf **ret_types, uint32_t *ret_main, uint32_t *ret_callback);
