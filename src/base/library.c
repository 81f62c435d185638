// SPDX-License-Identifier: MIT
#include "base/library.h"

#ifndef CRYOCORE_STATIC

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int cryo_library_load(const char *soname, const char *const *names, size_t count, void *functions)
{
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return -ELIBACC;
	for (size_t i = 0; i < count; i++) {
		void *address = dlsym(library, names[i]);

		if (!address)
			return -ELIBACC;
		memcpy((char *)functions + i * sizeof(address), &address, sizeof(address));
	}
	return 0;
}

#endif
