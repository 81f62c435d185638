// SPDX-License-Identifier: MIT
/* The text of fdinfo, and every word of every line of it. */
#include "proc/fdinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct cryo_buffer flags = {0};
	struct cryo_text key, value, word;
	struct cryo_fdinfo info;

	if (cryo_fdinfo_parse((const char *)data, size, &info) < 0)
		return 0;
	cryo_fdinfo_format_flags(info.flags, &flags);
	while (cryo_fdinfo_next(&info.rest, &key, &value))
		cryo_fdinfo_word(&value, "events", &word);
	return 0;
}
