// SPDX-License-Identifier: MIT
/*
 * Theory: write-ahead. Records are queued, appended in one write(2) and synced, and only then may
 * the signals that they announce be sent. The file lies on /run where it can, a tmpfs: a sync costs
 * nothing there, and the journal ends with the boot to which it belongs.
 *
 * The lock is flock(2) on the file itself, so it ends with its holder however that died. Since
 * the last thaw removes the file, a lock that was waited for may be one on a file that nobody will
 * find again; then the file is opened anew.
 */
#include "freeze/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/number.h"
#include "proc/procfs.h"

struct cryo_journal {
	int fd;
	bool read_only;
	off_t end; /* of the last whole record */
	bool torn; /* a part of another follows */
	char *path;
	struct cryo_buffer pending;
};

enum {
	LIMIT = 256 << 20,
	RETRY_MS = 5
};

/* "boottime        100           0" (kernel/time/namespace.c); before Linux 5.6 there is no file.
 */
static void read_clock(int procfs, struct cryo_world *world)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	const char *line = NULL;
	long long seconds = 0;
	long nanoseconds = 0;

	if (cryo_procfs_read(procfs, "self/timens_offsets", 4096, &text) == 0 && text.size)
		line = strstr((char *)text.data, "boottime");
	if (line && sscanf(line, "boottime %lld %ld", &seconds, &nanoseconds) == 2 &&
		(seconds || nanoseconds))
		snprintf(world->clock, sizeof(world->clock), "%lld.%09ld", seconds, nanoseconds);
}

int cryo_world_read(int procfs, struct cryo_world *ret_world)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_world world = {0};
	const char *at;
	int r = cryo_procfs_read(procfs, "sys/kernel/random/boot_id", 256, &text);

	if (r < 0)
		return r;
	snprintf(world.boot_id, sizeof(world.boot_id), "%.*s",
		(int)strcspn((char *)text.data, " \n"), (char *)text.data);
	r = cryo_procfs_readlink(procfs, "self/ns/pid", &text); /* pid:[4026531836] */
	if (r < 0)
		return r;
	at = strchr((char *)text.data, '[');
	if (!at++ ||
		!cryo_number_scan(&at, (char *)text.data + text.size, 10, &world.pid_namespace))
		return -EBADMSG;
	read_clock(procfs, &world);
	*ret_world = world;
	return 0;
}

char *cryo_journal_default_path(void)
{
	const char *runtime = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
	char *path;

	if (!runtime || runtime[0] != '/' || asprintf(&path, "%s/cryocore/journal", runtime) < 0)
		return NULL;
	return path;
}

static int make_directory(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	int r;

	if (!copy)
		return -ENOMEM;
	r = cryo_io_make_directory(AT_FDCWD, dirname(copy));
	return r == -EEXIST ? 0 : r;
}

/* Nobody else may have written what we are going to obey. */
static int check_file(int fd)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode) || info.st_uid != geteuid() || info.st_mode & 022)
		return -EPERM;
	return 0;
}

static int lock_file(int fd, uint64_t deadline)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		struct timespec pause = {.tv_nsec = RETRY_MS * (long)CRYO_NSEC_PER_MSEC};

		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (cryo_now() >= deadline)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static bool is_still_there(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
	       ours.st_dev == named.st_dev;
}

/* Another kind of file, or a link to one, is not what was meant. */
static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EPERM : -errno;
	return fd;
}

/* One that was made just now is for us to read and write, whatever the umask is. */
static int open_to_us(int fd)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return -errno;
	return (info.st_mode & 0600) != 0600 && fchmod(fd, 0600) < 0 ? -errno : 0;
}

/* A locked descriptor of the file that has the name now, or -errno. */
static int open_locked(const char *path, bool create, uint64_t deadline, bool *ret_read_only)
{
	for (;;) {
		_cleanup_close_ int fd =
			open_file(path, O_RDWR | O_APPEND | (create ? O_CREAT : 0));
		int r;

		*ret_read_only = fd == -EROFS && !create;
		if (*ret_read_only)
			fd = open_file(path, O_RDONLY);
		if (fd < 0)
			return fd;
		r = check_file(fd);
		if (r == 0 && create)
			r = open_to_us(fd);
		if (r == 0)
			r = lock_file(fd, deadline);
		if (r < 0)
			return r;
		if (is_still_there(fd, path))
			return steal_fd(&fd);
	}
}

static int add_record(struct cryo_journal *journal, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int add_record(struct cryo_journal *journal, const char *format, ...)
{
	_cleanup_buffer_ struct cryo_buffer record = {0};
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = cryo_buffer_vprintf(&record, format, arguments);
	va_end(arguments);
	if (r < 0)
		return r;
	return cryo_buffer_printf(&journal->pending, "%08x %s\n",
		cryo_journal_checksum((char *)record.data, record.size), (char *)record.data);
}

static int begin(struct cryo_journal *journal, const struct cryo_world *world)
{
	if (ftruncate(journal->fd, 0) < 0)
		return -errno;
	journal->end = 0;
	journal->torn = false;
	return add_record(journal, "H 1 %s %llu%s%s", world->boot_id,
		(unsigned long long)world->pid_namespace, world->clock[0] ? " " : "", world->clock);
}

static void find_end(struct cryo_journal *journal, const struct cryo_buffer *text)
{
	const unsigned char *newline = text->size ? memrchr(text->data, '\n', text->size) : NULL;

	journal->end = newline ? newline + 1 - text->data : 0;
	journal->torn = journal->end != (off_t)text->size;
}

static int check_world(const struct cryo_world *ours, const struct cryo_world *theirs)
{
	if (strcmp(ours->boot_id, theirs->boot_id) != 0)
		return -ESTALE;
	return ours->pid_namespace == theirs->pid_namespace &&
			       strcmp(ours->clock, theirs->clock) == 0
		       ? 0
		       : -EXDEV;
}

static int read_state(struct cryo_journal *journal, const struct cryo_world *world, bool create,
	struct cryo_journal_state *ret_state)
{
	_cleanup_journal_state_ struct cryo_journal_state state = {0};
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_io_read_all(journal->fd, LIMIT, &text);

	if (r != 0)
		return r < 0 ? r : -EFBIG;
	if (text.size)
		r = cryo_journal_parse((char *)text.data, text.size, &state);
	if (r == 0 && text.size)
		r = check_world(world, &state.world);
	find_end(journal, &text);
	if (create && (text.size == 0 || r == -ESTALE)) {
		cryo_journal_state_clear(&state);
		r = begin(journal, world);
	}
	if (r < 0)
		return r;
	if (ret_state) {
		*ret_state = state;
		state = (struct cryo_journal_state){0};
	}
	return 0;
}

/* The path is told to the user and to a guard that may live elsewhere. */
static int make_absolute(struct cryo_journal *journal)
{
	char *absolute = realpath(journal->path, NULL);

	if (!absolute)
		return -errno;
	free(journal->path);
	journal->path = absolute;
	return 0;
}

int cryo_journal_open(const char *path, const struct cryo_world *world, bool create, int wait_ms,
	struct cryo_journal **ret_journal, struct cryo_journal_state *ret_state)
{
	uint64_t deadline = cryo_now() + (uint64_t)wait_ms * CRYO_NSEC_PER_MSEC;
	struct cryo_journal *journal = calloc(1, sizeof(*journal));
	int r = 0;

	if (!journal)
		return -ENOMEM;
	journal->fd = -1;
	journal->path = path ? strdup(path) : cryo_journal_default_path();
	if (!journal->path)
		r = -ENOENT;
	if (r == 0 && create && !path)
		r = make_directory(journal->path);
	if (r == 0)
		r = journal->fd = open_locked(journal->path, create, deadline, &journal->read_only);
	if (r >= 0)
		r = make_absolute(journal);
	if (r == 0)
		r = read_state(journal, world, create, ret_state);
	if (r < 0) {
		cryo_journal_close(journal);
		return r;
	}
	*ret_journal = journal;
	return 0;
}

int cryo_journal_peek(
	const char *path, const struct cryo_world *world, struct cryo_journal_state *ret_state)
{
	_cleanup_free_ char *usual = path ? NULL : cryo_journal_default_path();
	struct cryo_journal journal = {.fd = -1};
	int r = path || usual ? 0 : -ENOENT;

	if (r == 0)
		journal.fd = open_file(path ? path : usual, O_RDONLY);
	if (r == 0 && journal.fd < 0)
		r = journal.fd;
	if (r == 0)
		r = check_file(journal.fd);
	if (r == 0)
		r = read_state(&journal, world, false, ret_state);
	cryo_cleanup_close(&journal.fd);
	cryo_buffer_clear(&journal.pending);
	return r;
}

void cryo_journal_close(struct cryo_journal *journal)
{
	if (!journal)
		return;
	cryo_cleanup_close(&journal->fd);
	cryo_buffer_clear(&journal->pending);
	free(journal->path);
	free(journal);
}

const char *cryo_journal_path(const struct cryo_journal *journal)
{
	return journal->path;
}

static int add_path_record(struct cryo_journal *journal, const char *record, const char *path)
{
	_cleanup_buffer_ struct cryo_buffer hex = {0};
	int r = 0;

	for (const char *at = path; at && *at && r == 0; at++)
		r = cryo_buffer_printf(&hex, "%02x", (unsigned char)*at);
	if (r < 0)
		return r;
	if (!hex.size)
		return add_record(journal, "%s", record);
	return add_record(journal, "%s %s", record, (char *)hex.data);
}

int cryo_journal_add_process(struct cryo_journal *journal, pid_t pid, uint64_t start_time,
	char found, enum cryo_engine engine, const char *cgroup)
{
	char record[64];

	snprintf(record, sizeof(record), "P %d %llu %c %c", pid, (unsigned long long)start_time,
		found, (char)engine);
	return add_path_record(journal, record, cgroup);
}

int cryo_journal_add_cgroup(struct cryo_journal *journal, const char *cgroup, bool made)
{
	return add_path_record(journal, made ? "N" : "F", cgroup);
}

int cryo_journal_add_chase(struct cryo_journal *journal, bool is_begin, uint64_t ticks)
{
	return add_record(journal, "%c %llu", is_begin ? 'C' : 'E', (unsigned long long)ticks);
}

int cryo_journal_add_guard(struct cryo_journal *journal, pid_t pid, uint64_t start_time)
{
	return add_record(journal, "G %d %llu", pid, (unsigned long long)start_time);
}

int cryo_journal_add_thawed(struct cryo_journal *journal, pid_t pid, uint64_t start_time)
{
	return add_record(journal, "T %d %llu", pid, (unsigned long long)start_time);
}

int cryo_journal_add_thawed_cgroup(struct cryo_journal *journal, const char *cgroup)
{
	return add_path_record(journal, "U", cgroup);
}

int cryo_journal_commit(struct cryo_journal *journal)
{
	int r;

	if (journal->pending.size == 0)
		return 0;
	if (journal->read_only)
		return -EROFS;
	if (journal->torn && ftruncate(journal->fd, journal->end) < 0)
		return -errno;
	r = cryo_io_write(journal->fd, journal->pending.data, journal->pending.size);
	if (r == 0 && fsync(journal->fd) < 0)
		r = -errno;
	journal->torn = r < 0;
	if (r == 0)
		journal->end += (off_t)journal->pending.size;
	journal->pending.size = 0;
	return r;
}

int cryo_journal_remove(struct cryo_journal *journal)
{
	return unlink(journal->path) < 0 ? -errno : 0;
}

int cryo_journal_set_aside(struct cryo_journal *journal)
{
	_cleanup_free_ char *aside = NULL;

	if (asprintf(&aside, "%s.damaged", journal->path) < 0)
		return -ENOMEM;
	return rename(journal->path, aside) < 0 ? -errno : 0;
}
