// SPDX-License-Identifier: MIT
/*
 * "NR 0xARG... 0xSP 0xPC", "-1 0xSP 0xPC", or "running": the last two numbers count.
 */
#include "proc/syscall.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"

static bool scan_hex(const char **cursor, const char *end, uint64_t *ret_number)
{
	while (*cursor < end && **cursor == ' ')
		(*cursor)++;
	if (end - *cursor < 2 || memcmp(*cursor, "0x", 2) != 0)
		return false;
	*cursor += 2;
	return cryo_number_scan(cursor, end, 16, ret_number);
}

int cryo_syscall_parse(const char *text, size_t size, struct cryo_syscall *ret_syscall)
{
	static const char running[] = "running", outside[] = "-1";
	const char *cursor = text, *end = text + size;
	struct cryo_syscall found = {.number = -1};
	uint64_t number;
	int count = 0;

	if (size >= sizeof(running) - 1 && memcmp(text, running, sizeof(running) - 1) == 0)
		return 1;
	if (size >= sizeof(outside) - 1 && memcmp(text, outside, sizeof(outside) - 1) == 0)
		cursor += sizeof(outside) - 1;
	else if (cryo_number_scan(&cursor, end, 10, &number))
		found.number = (int64_t)number;
	else
		return -EBADMSG;
	for (; scan_hex(&cursor, end, &number); count++) {
		found.sp = found.pc;
		found.pc = number;
	}
	if (count < 2)
		return -EBADMSG;
	*ret_syscall = found;
	return 0;
}
