// SPDX-License-Identifier: MIT
/*
 * Libraries that are loaded when they are first needed (dlopen(3)).
 *
 * To load libarchive, libdw and libunwind with what these need takes longer than a core of a small
 * process does, and each process that is forked has their mappings copied; most starts of cryocore
 * never use them. A static build has them linked in.
 *
 * A user lists the functions once, has a structure of pointers made of the list, and defines a
 * function that gets it:
 *
 *	#define SOME_FUNCTIONS(F) F(some_open) F(some_close)
 *	struct some_api { SOME_FUNCTIONS(CRYO_LIBRARY_POINTER) };
 *	CRYO_LIBRARY_GET(some_api_get, "libsome.so.1", some_api, SOME_FUNCTIONS)
 */
#pragma once

#include <stddef.h>

#define CRYO_LIBRARY_POINTER(function) __typeof__(function) *function;

#ifdef CRYOCORE_STATIC

#define CRYO_LIBRARY_ADDRESS(function) .function = function,

#define CRYO_LIBRARY_GET(get, soname, type, FUNCTIONS)                                             \
	int get(const struct type **ret_api)                                                       \
	{                                                                                          \
		static const struct type linked = {FUNCTIONS(CRYO_LIBRARY_ADDRESS)};               \
                                                                                                   \
		*ret_api = &linked;                                                                \
		return 0;                                                                          \
	}

#else

/**
 * cryo_library_load - fill a structure of pointers.
 * @soname: as dlopen(3) finds it; it is never unloaded
 * @names: of @count functions, in the order of the pointers
 *
 * The pointers are the same for all threads, so that filling them twice does no harm. 0, or
 * -ELIBACC: the library or one of the functions is not there.
 */
int cryo_library_load(const char *soname, const char *const *names, size_t count, void *functions);

/* The name that the linker knows: libunwind's are decorated by macros. */
#define CRYO_LIBRARY_NAME(function) CRYO_LIBRARY_TEXT(function),
#define CRYO_LIBRARY_TEXT(name) #name

#define CRYO_LIBRARY_GET(get, soname, type, FUNCTIONS)                                             \
	int get(const struct type **ret_api)                                                       \
	{                                                                                          \
		static const char *const names[] = {FUNCTIONS(CRYO_LIBRARY_NAME)};                 \
		static struct type loaded;                                                         \
                                                                                                   \
		*ret_api = &loaded;                                                                \
		return cryo_library_load(                                                          \
			soname, names, sizeof(names) / sizeof(names[0]), &loaded);                 \
	}

#endif
