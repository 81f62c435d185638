// SPDX-License-Identifier: MIT
/*
 * One walk over the table. What a target does can make an item fail or hang, never the walk: an
 * item that fails is a record with its errno. Only when the sink or the records fail is there no
 * point in going on.
 */
#include "evidence/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "evidence/item.h"
#include "proc/lease.h"
#include "proc/procfs.h"
#include "proc/status.h"

enum {
	CHUNK_SIZE = 1 << 16,
	LOOKS = 8 /* at what seems to be gone */
};

void cryo_item_path(pid_t pid, const char *name, char ret_path[CRYO_SINK_PATH_MAX])
{
	snprintf(ret_path, CRYO_SINK_PATH_MAX, "proc/%d/%s", pid, name);
}

static void beat(void *user)
{
	const struct cryo_collector *collector = user;

	cryo_records_beat(collector->records);
}

static int open_deposit(const struct cryo_collector *collector, const char *name, uint64_t limit,
	struct cryo_deposit *ret_deposit)
{
	int r = cryo_deposit_open(collector->place, name, limit, ret_deposit);

	if (r < 0)
		return r;
	ret_deposit->beat = beat;
	ret_deposit->user = (void *)(uintptr_t)collector;
	return 0;
}

/*
 * An open file of procfs to its end. What was read before an error stands in the deposit. A read
 * gives no more than a page or so: what is read is gathered, and each piece is a sign of life.
 */
static int copy_raw(const struct cryo_collector *collector, struct cryo_deposit *deposit, int fd)
{
	char chunk[CHUNK_SIZE];
	size_t size = 0;
	ssize_t n;
	int r = 0;

	do {
		n = read(fd, chunk + size, sizeof(chunk) - size);
		if (n < 0 && errno == EINTR)
			continue;
		cryo_records_beat(collector->records);
		if (n > 0)
			size += (size_t)n;
		if (n < 0)
			r = -errno;
		if (size && (n <= 0 || size == sizeof(chunk))) {
			int written = cryo_deposit_write(deposit, chunk, size);

			r = written < 0 ? written : r;
			size = 0;
		}
	} while (n != 0 && r == 0 && !deposit->cut);
	return r;
}

static int make_raw(const struct cryo_collector *collector, const struct cryo_item *item,
	struct cryo_deposit *deposit)
{
	_cleanup_close_ int fd = openat(item->of_process ? collector->process : collector->live,
		item->source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : copy_raw(collector, deposit, fd);
}

/* End an item: @r is how its maker fared. 0, or -errno if there is no point in going on. */
static int finish(const struct cryo_collector *collector, int r, struct cryo_deposit *deposit,
	struct cryo_record *record)
{
	int sink_error = deposit->error;

	record->cut = deposit->cut;
	if (r < 0) {
		record->partial = cryo_deposit_abandon(deposit, &record->sum);
	} else {
		r = sink_error = cryo_deposit_commit(deposit, &record->sum);
		record->partial = r < 0 && deposit->file;
		record->made = r == 0;
	}
	record->error = -r;
	r = cryo_records_add(collector->records, record);
	return sink_error < 0 ? sink_error : r;
}

static int begin(const struct cryo_collector *collector, const char *name, uint64_t limit,
	struct cryo_deposit *ret_deposit, struct cryo_record *ret_record)
{
	cryo_records_begin(collector->records, name);
	*ret_record = (struct cryo_record){.time = cryo_clock_ns(CLOCK_REALTIME)};
	snprintf(ret_record->name, sizeof(ret_record->name), "%s", name);
	return open_deposit(collector, name, limit, ret_deposit);
}

static bool is_dead(int task)
{
	struct cryo_stat stat;

	return cryo_stat_read(task, &stat) < 0 || strchr("ZXx", stat.state);
}

/* Have @live mean a task that lives, if there is one. */
static bool find_live(const struct cryo_collector *collector)
{
	_cleanup_close_ int live = -1;
	struct cryo_stat stat;

	if (cryo_stat_read(collector->process, &stat) < 0)
		return false;
	live = cryo_collect_open_live(collector->process, &stat);
	return live >= 0 && !is_dead(live) && dup3(live, collector->live, O_CLOEXEC) >= 0;
}

/* Whether what could not be had may be there at the next look: a thread that executes a program
 * takes the place of the leader, and the task that was looked at is no more. */
static bool is_worth_a_look(const struct cryo_collector *collector, int error)
{
	if (!is_dead(collector->live))
		return error == -ESRCH;
	return find_live(collector);
}

static int make(const struct cryo_collector *collector, const struct cryo_item *item,
	struct cryo_deposit *deposit)
{
	return item->source ? make_raw(collector, item, deposit) : item->make(collector, deposit);
}

static bool is_empty(const struct cryo_deposit *deposit)
{
	return !deposit->file && !deposit->pending.size && !deposit->error;
}

static int collect_item(const struct cryo_collector *collector, const struct cryo_item *item)
{
	struct cryo_deposit deposit;
	struct cryo_record record;
	int r = begin(collector, item->name, item->limit, &deposit, &record);

	if (r < 0)
		return r;
	r = make(collector, item, &deposit);
	for (int i = 1; i < LOOKS && r < 0 && is_empty(&deposit) && is_worth_a_look(collector, r);
		i++)
		r = make(collector, item, &deposit);
	return finish(collector, r, &deposit, &record);
}

static bool is_wanted(const struct cryo_collector *collector, const struct cryo_item *item,
	enum cryo_item_stage stage)
{
	return item->stage == stage && (item->of_kernel_thread || !collector->is_kernel_thread);
}

static int collect_table(
	const struct cryo_collector *collector, enum cryo_item_stage stage, const char *after)
{
	bool passed = !after || !after[0];
	int r = 0;

	for (size_t i = 0; i < cryo_items_count && r == 0; i++) {
		if (passed && is_wanted(collector, &cryo_items[i], stage))
			r = collect_item(collector, &cryo_items[i]);
		if (!passed && strcmp(cryo_items[i].name, after) == 0)
			passed = true;
	}
	return r;
}

static int collect_copies(const struct cryo_collector *collector, const char *after)
{
	int r = 0;

	if (collector->is_kernel_thread)
		return 0;
	if (!after || !after[0])
		r = cryo_collect_copy(
			collector, "exe", collector->live, "exe", collector->max_copy);
	if (r == 0 && collector->deleted_files)
		r = cryo_collect_deleted(collector, after);
	return r;
}

int cryo_collect(
	const struct cryo_collector *collector, enum cryo_item_stage stage, const char *after)
{
	int r = collect_table(collector, stage, after);

	return r == 0 && stage == CRYO_ITEM_COPY ? collect_copies(collector, after) : r;
}

/* Link the copy that there is: 1 if that was done, 0 if a copy has to be made, -errno. */
static int try_link(const struct cryo_collector *collector, struct cryo_record *record)
{
	const struct cryo_copy *copy = cryo_copies_find(collector->copies, &record->file);
	char path[CRYO_SINK_PATH_MAX];
	int r;

	if (!copy)
		return 0;
	cryo_item_path(collector->pid, record->name, path);
	r = cryo_sink_link(collector->sink, copy->path, path);
	if (r < 0)
		return r == -EOPNOTSUPP || r == -ENOENT ? 0 : r;
	record->sum = copy->sum;
	record->made = true;
	return 1;
}

static int identify(int fd, struct cryo_file_id *ret_file)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	*ret_file = (struct cryo_file_id){status.st_dev, status.st_ino, (uint64_t)status.st_size,
		(uint64_t)status.st_ctim.tv_sec * CRYO_NSEC_PER_SEC +
			(uint64_t)status.st_ctim.tv_nsec};
	return 0;
}

static int open_source(const struct cryo_collector *collector, int dir, const char *source)
{
	int fd = cryo_lease_open(dir, source);

	for (int i = 1; i < LOOKS && fd < 0 && (is_worth_a_look(collector, fd) || fd == -ENOENT);
		i++)
		fd = cryo_lease_open(dir, source);
	return fd;
}

int cryo_collect_copy(const struct cryo_collector *collector, const char *name, int dir,
	const char *source, uint64_t limit)
{
	struct cryo_deposit deposit;
	struct cryo_record record;
	int r = begin(collector, name, limit, &deposit, &record);
	_cleanup_close_ int fd = r < 0 ? r : open_source(collector, dir, source);

	if (r < 0)
		return r;
	r = fd < 0 ? fd : identify(fd, &record.file);
	if (r == 0)
		r = try_link(collector, &record);
	if (r > 0)
		return cryo_records_add(collector->records, &record);
	if (r == 0)
		r = cryo_deposit_copy(&deposit, fd);
	return finish(collector, r, &deposit, &record);
}

/* /proc/TID is not listed, and has files that PID/task/TID has not (coredump_filter). */
static bool is_live(int process, pid_t pid, pid_t tid, int *ret_dir)
{
	_cleanup_close_ int dir = -1;
	struct cryo_status status;
	char name[32];

	snprintf(name, sizeof(name), "../%d", tid);
	dir = openat(process, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || cryo_status_read(dir, &status) < 0 || strchr("ZXx", status.state) ||
		status.tgid != pid)
		return false;
	*ret_dir = steal_fd(&dir);
	return true;
}

int cryo_collect_open_live(int process, const struct cryo_stat *stat)
{
	_cleanup_free_ pid_t *tids = NULL;
	size_t count = 0;
	int fd;

	if (stat->state == 'Z' && cryo_procfs_list_threads(process, &tids, &count) == 0)
		for (size_t i = 0; i < count; i++)
			if (is_live(process, stat->pid, tids[i], &fd))
				return fd;
	fd = fcntl(process, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}
