// SPDX-License-Identifier: MIT
#include "stacks/libdw_api.h"

CRYO_LIBRARY_GET(cryo_libdw_api_get, "libdw.so.1", "libdw1", cryo_libdw_api, CRYO_LIBDW_FUNCTIONS)

#ifdef CRYOCORE_STATIC

/*
 * libdw.a asks debuginfod for files, through a library that it loads at run time. Nothing is asked
 * for here, and a static program loads nothing: these take the place of that object, which they do
 * since this one is linked first.
 */
debuginfod_client *dwfl_get_debuginfod_client(Dwfl *dwfl)
{
	(void)dwfl;
	return NULL;
}

int __libdwfl_debuginfod_find_executable(Dwfl *dwfl, const unsigned char *id, size_t size);
int __libdwfl_debuginfod_find_debuginfo(Dwfl *dwfl, const unsigned char *id, size_t size);
void __libdwfl_debuginfod_end(void *client);

int __libdwfl_debuginfod_find_executable(Dwfl *dwfl, const unsigned char *id, size_t size)
{
	(void)dwfl;
	(void)id;
	(void)size;
	return -1;
}

int __libdwfl_debuginfod_find_debuginfo(Dwfl *dwfl, const unsigned char *id, size_t size)
{
	return __libdwfl_debuginfod_find_executable(dwfl, id, size);
}

void __libdwfl_debuginfod_end(void *client)
{
	(void)client;
}

#endif
