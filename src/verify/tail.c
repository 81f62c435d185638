// SPDX-License-Identifier: MIT
/*
 * Behind the last byte that the headers speak of, our own cores have a note of owner CRYOCORE, the
 * kernel's and gdb's nothing. A note that is cut, or anything else, is damage. Its text tells how
 * many threads there should be. (capture/own_note.h)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "elf/encode.h"
#include "verify/subject.h"

#define OWNER "CRYOCORE"

enum {
	TAIL_MAX = 16 << 20,
	HEAD = 12,       /* three words */
	OWNER_ROOM = 12, /* the owner with its NUL, padded to 4 */
};

static const char *find_value(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0 && line[length] == '=')
			return line + length + 1;
	}
	return NULL;
}

static void read_claims(struct cryo_subject *subject, const char *text)
{
	const char *threads = find_value(text, "threads");
	const char *unstopped = find_value(text, "unstopped-threads");

	if (threads)
		subject->claimed_threads = (int64_t)strtoull(threads, NULL, 10) & INT64_MAX;
	subject->is_snapshot = find_value(text, "snapshot") != NULL;
	subject->all_stopped =
		(!unstopped || unstopped[0] == '0') && !find_value(text, "unstopped-thread");
}

/* Whether the tail is exactly one note of ours. */
static bool is_own_note(const struct cryo_subject *subject, const struct cryo_buffer *tail)
{
	uint8_t order = subject->core->elf_data;
	uint64_t desc;

	if (tail->size < HEAD + OWNER_ROOM)
		return false;
	desc = cryo_decode(order, tail->data, (struct cryo_field){4, 4});
	return cryo_decode(order, tail->data, (struct cryo_field){0, 4}) == sizeof(OWNER) &&
	       memcmp(tail->data + HEAD, OWNER, sizeof(OWNER)) == 0 &&
	       tail->size == HEAD + OWNER_ROOM + (desc + 3) / 4 * 4;
}

int cryo_check_tail(struct cryo_subject *subject)
{
	uint64_t size = subject->core->size > subject->end ? subject->core->size - subject->end : 0;
	_cleanup_buffer_ struct cryo_buffer tail = {0};
	ssize_t n = 0;

	if (size == 0)
		return 0;
	if (size <= TAIL_MAX) {
		if (!cryo_buffer_add_zero(&tail, size))
			return -ENOMEM;
		n = cryo_io_pread(subject->core->fd, tail.data, size, (off_t)subject->end);
	}
	if (n < 0)
		return (int)n;
	if ((uint64_t)n == size && is_own_note(subject, &tail))
		read_claims(subject, (const char *)tail.data + HEAD + OWNER_ROOM);
	else
		cryo_verdict_add(subject->verdict, "tail",
			"%" PRIu64 " bytes at the end belong to nothing", size);
	return 0;
}
