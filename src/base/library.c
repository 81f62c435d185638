// SPDX-License-Identifier: MIT
#include "base/library.h"

#include <errno.h>
#include <string.h>

static _Atomic(const char *) missing;

const char *cryo_library_strerror(int error)
{
	return error == -ELIBACC && missing ? missing : strerror(-error);
}

#ifndef CRYOCORE_STATIC

#include <dlfcn.h>

static int fail(const struct cryo_library *library)
{
	missing = library->missing;
	return -ELIBACC;
}

int cryo_library_load(const struct cryo_library *library, void *functions)
{
	void *handle = dlopen(library->soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return fail(library);
	for (size_t i = 0; i < library->count; i++) {
		void *address = dlsym(handle, library->names[i]);

		if (!address)
			return fail(library);
		memcpy((char *)functions + i * sizeof(address), &address, sizeof(address));
	}
	return 0;
}

#endif
