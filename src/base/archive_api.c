// SPDX-License-Identifier: MIT
/*
 * The table is filled once; it is the same for all threads, so that filling it twice does no harm.
 *
 * archive_write_set_format_*() of every format live in one object of libarchive.a, among them xar,
 * which needs libxml2 and ICU. They all call __archive_write_entry_filetype_unsupported(); defining
 * that here keeps the linker from pulling that object's neighbours into the static build.
 */
#include "base/archive_api.h"

#include <errno.h>

#ifdef CRYOCORE_STATIC

void __archive_write_entry_filetype_unsupported(
	struct archive *archive, struct archive_entry *entry, const char *format);

void __archive_write_entry_filetype_unsupported(
	struct archive *archive, struct archive_entry *entry, const char *format)
{
	(void)archive;
	(void)entry;
	(void)format;
}

#define ADDRESS(result, name, parameters) .name = name,

int cryo_archive_api_get(const struct cryo_archive_api **ret_api)
{
	static const struct cryo_archive_api linked = {CRYO_ARCHIVE_FUNCTIONS(ADDRESS)};

	*ret_api = &linked;
	return 0;
}

#else

#include <dlfcn.h>
#include <stddef.h>

#include "base/array.h"

struct symbol {
	const char *name;
	size_t offset;
};

#define SYMBOL(result, name, parameters) {#name, offsetof(struct cryo_archive_api, name)},

int cryo_archive_api_get(const struct cryo_archive_api **ret_api)
{
	static const struct symbol symbols[] = {CRYO_ARCHIVE_FUNCTIONS(SYMBOL)};
	static struct cryo_archive_api loaded;
	void *library = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return -ELIBACC;
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *address = dlsym(library, symbols[i].name);

		if (!address)
			return -ELIBACC;
		*(void **)((char *)&loaded + symbols[i].offset) = address;
	}
	*ret_api = &loaded;
	return 0;
}

#endif
