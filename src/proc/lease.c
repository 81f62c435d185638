// SPDX-License-Identifier: MIT
#include "proc/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "proc/procfs.h"
#include "proc/text.h"

enum {
	KNOWN_MAX = 64,
	FLAGS = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
};

#define BELIEVED_NS (100 * CRYO_NSEC_PER_MSEC)

static bool take_word(struct cryo_text *line, const char *word)
{
	cryo_text_skip_blanks(line);
	return cryo_text_key(line, word, strlen(word));
}

static bool skip_word(struct cryo_text *line)
{
	struct cryo_text word;

	cryo_text_skip_blanks(line);
	return cryo_text_until(line, ' ', &word);
}

/* "1: LEASE  ACTIVE    WRITE 1234 08:01:131 0 EOF" (fs/locks.c, lock_get_status()) */
static bool parse_line(struct cryo_text line, struct cryo_lease *ret)
{
	uint64_t number, major, minor;

	if (!skip_word(&line) || !take_word(&line, "LEASE ") || !skip_word(&line) ||
		!take_word(&line, "WRITE ") || !skip_word(&line) ||
		!cryo_text_number(&line, 16, &major) || !cryo_text_byte(&line, ':') ||
		!cryo_text_number(&line, 16, &minor) || !cryo_text_byte(&line, ':') ||
		!cryo_text_number(&line, 10, &number))
		return false;
	*ret = (struct cryo_lease){
		makedev((unsigned int)major, (unsigned int)minor), (ino_t)number};
	return true;
}

size_t cryo_leases_parse(const char *text, size_t size, struct cryo_lease *ret, size_t room)
{
	struct cryo_text rest = cryo_text_of(text, size), line;
	struct cryo_lease lease;
	size_t count = 0;

	while (cryo_text_line(&rest, &line)) {
		if (!parse_line(line, &lease))
			continue;
		if (count < room)
			ret[count] = lease;
		count++;
	}
	return count;
}

/* Of one thread: readers have several, and fork. */
struct known {
	uint64_t until;
	size_t count;
	struct cryo_lease array[KNOWN_MAX];
};

static void read_locks(struct known *known, struct cryo_buffer *text)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");

	known->count = 0;
	if (procfs < 0 || cryo_procfs_read(procfs, "locks", 0, text) < 0)
		return;
	known->count =
		cryo_leases_parse((const char *)text->data, text->size, known->array, KNOWN_MAX);
}

/* What statx(2) calls the device of a file on btrfs is not what /proc/locks calls it. */
static bool is_same(const struct cryo_lease *lease, dev_t device, ino_t inode)
{
	return lease->inode == inode && (lease->device == device || major(device) == 0);
}

static bool is_known(const struct known *known, dev_t device, ino_t inode)
{
	for (size_t i = 0; i < known->count && i < KNOWN_MAX; i++)
		if (is_same(&known->array[i], device, inode))
			return true;
	return false;
}

static bool is_in(const struct cryo_buffer *text, size_t count, dev_t device, ino_t inode)
{
	_cleanup_free_ struct cryo_lease *leases = calloc(count, sizeof(*leases));
	bool found = !leases;

	if (leases)
		cryo_leases_parse((const char *)text->data, text->size, leases, count);
	for (size_t i = 0; i < count && !found; i++)
		found = is_same(&leases[i], device, inode);
	return found;
}

bool cryo_lease_is_on(dev_t device, ino_t inode)
{
	static _Thread_local struct known known;
	_cleanup_buffer_ struct cryo_buffer text = {0};
	uint64_t now = cryo_now();

	if (now >= known.until || known.count > KNOWN_MAX) {
		read_locks(&known, &text);
		known.until = now + BELIEVED_NS;
	}
	if (known.count > KNOWN_MAX)
		return is_in(&text, known.count, device, inode);
	return is_known(&known, device, inode);
}

static bool is_leased(int dir, const char *name)
{
	struct statx found;

	return statx(dir, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &found) == 0 &&
	       cryo_lease_is_on(
		       makedev(found.stx_dev_major, found.stx_dev_minor), (ino_t)found.stx_ino);
}

int cryo_lease_open(int dir, const char *name)
{
	int fd;

	if (is_leased(dir, name))
		return -EAGAIN;
	fd = openat(dir, name, FLAGS | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = openat(dir, name, FLAGS);
	return fd < 0 ? -errno : fd;
}
