// SPDX-License-Identifier: MIT
/*
 * Libraries that are loaded when they are first needed (dlopen(3)).
 *
 * To load a library takes 0.05 to 0.2 ms, libarchive and libdw with what these need several, and
 * each process that is forked has their mappings copied: all of them together are a quarter of the
 * time of a small core, which needs none. A static build has them linked in.
 *
 * A user lists the functions once, has a structure of pointers made of the list, and defines a
 * function that gets it:
 *
 *	#define SOME_FUNCTIONS(F) F(some_open) F(some_close)
 *	struct some_api { SOME_FUNCTIONS(CRYO_LIBRARY_POINTER) };
 *	CRYO_LIBRARY_GET(some_api_get, "libsome.so.1", "libsome1", some_api, SOME_FUNCTIONS)
 */
#pragma once

#include <stddef.h>

#define CRYO_LIBRARY_POINTER(function) __typeof__(function) *function;

/**
 * cryo_library_strerror - as strerror(3), and more for one error.
 * @error: a negative errno; -ELIBACC: "libsome.so.1 cannot be loaded: install libsome1", of the
 *	last library of this process for which that was returned
 */
const char *cryo_library_strerror(int error);

#ifdef CRYOCORE_STATIC

#define CRYO_LIBRARY_ADDRESS(function) .function = function,

#define CRYO_LIBRARY_GET(get, soname, package, type, FUNCTIONS)                                    \
	int get(const struct type **ret_api)                                                       \
	{                                                                                          \
		static const struct type linked = {FUNCTIONS(CRYO_LIBRARY_ADDRESS)};               \
                                                                                                   \
		*ret_api = &linked;                                                                \
		return 0;                                                                          \
	}

#else

/**
 * struct cryo_library - what is to be loaded.
 * @soname: as dlopen(3) finds it; it is never unloaded
 * @missing: the words for who does not have it
 * @names: of @count functions, in the order of the pointers
 */
struct cryo_library {
	const char *soname, *missing;
	const char *const *names;
	size_t count;
};

/**
 * cryo_library_load - fill a structure of pointers.
 *
 * The pointers are the same for all threads, so that filling them twice does no harm. 0, or
 * -ELIBACC: the library or one of the functions is not there.
 */
int cryo_library_load(const struct cryo_library *library, void *functions);

/* The name that the linker knows: libunwind's are decorated by macros. */
#define CRYO_LIBRARY_NAME(function) CRYO_LIBRARY_TEXT(function),
#define CRYO_LIBRARY_TEXT(name) #name

#define CRYO_LIBRARY_GET(get, soname, package, type, FUNCTIONS)                                    \
	int get(const struct type **ret_api)                                                       \
	{                                                                                          \
		static const char *const names[] = {FUNCTIONS(CRYO_LIBRARY_NAME)};                 \
		static const struct cryo_library library = {soname,                                \
			soname " cannot be loaded: install " package, names,                       \
			sizeof(names) / sizeof(names[0])};                                         \
		static struct type loaded;                                                         \
		static _Atomic int is_loaded;                                                      \
		int r = is_loaded ? 0 : cryo_library_load(&library, &loaded);                      \
                                                                                                   \
		if (r < 0)                                                                         \
			return r;                                                                  \
		is_loaded = 1;                                                                     \
		*ret_api = &loaded;                                                                \
		return 0;                                                                          \
	}

#endif
