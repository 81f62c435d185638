// SPDX-License-Identifier: MIT
/*
 * Theory: hiding is always partial. A preloaded library hides from readdir(3) but not from the
 * system call below it; a mount over /proc/PID hides from everybody who goes through /proc but not
 * from a procfs of our own; a changed kernel may filter getdents64(2), and still has to let the
 * scheduler and signals find the process. So the numbers are asked for by a system call that takes
 * a pid and has nothing to do with files (sweep.c), every procfs is listed, the cgroups are, which
 * have lists of their own, and each process found by any of them is asked of all.
 *
 * A difference may also be a birth or a death between two looks. So before it is called hidden the
 * process is held (a pidfd cannot be reused) and the listings are made again: a process that lived
 * before and after a listing that lacks it is hidden from it.
 */
#include "freeze/enumerate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/number.h"
#include "freeze/census.h"
#include "freeze/cgroup_listing.h"
#include "freeze/sweep.h"
#include "proc/procfs.h"
#include "proc/status.h"

enum {
	DESCRIPTORS = 6 /* a view that has none would lack everybody */
};

static const char *const texts[CRYO_VIEW_COUNT] = {
	"readdir(3) of /proc",
	"getdents64(2) of /proc",
	"/proc/PID",
	"a private procfs",
	"pidfd_open(2)",
	"sched_getscheduler(2)",
	"kill(2)",
	"cgroup.procs",
	"bpf_task_from_vpid()",
};

const char *cryo_view_text(unsigned int view)
{
	for (size_t i = 0; i < CRYO_VIEW_COUNT; i++)
		if (view == 1u << i)
			return texts[i];
	return "";
}

int cryo_views_text(unsigned int views, char **ret_text)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_buffer_add(&text, "", 0);

	for (size_t i = 0; i < CRYO_VIEW_COUNT && r == 0; i++)
		if (views & 1u << i)
			r = cryo_buffer_printf(&text, "%s%s", text.size ? ", " : "", texts[i]);
	if (r < 0)
		return r;
	*ret_text = (char *)steal_ptr(text.data);
	return 0;
}

/* Views by number: a byte for each pid up to pid_max. */
struct looks {
	int public_proc, private_proc;
	bool no_cgroups, no_pidfds; /* there is no such view */
	uint16_t *seen;
	pid_t pid_max;
};

static void mark(struct looks *looks, pid_t pid, unsigned int view)
{
	if (pid > 0 && pid <= looks->pid_max)
		looks->seen[pid] |= (uint16_t)view;
}

static void look_by_listing(struct looks *looks, int procfs, unsigned int view)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;

	if (procfs < 0 || cryo_procfs_list(procfs, ".", &pids, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		mark(looks, pids[i], view);
}

static void look_by_libc(struct looks *looks)
{
	int fd = openat(looks->public_proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	pid_t pid;

	while (dir && (entry = readdir(dir)))
		if (cryo_number_parse_pid(entry->d_name, &pid) == 0)
			mark(looks, pid, CRYO_VIEW_LIBC);
}

static void look_by_cgroup(struct looks *looks)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;

	looks->no_cgroups = cryo_cgroup_list(looks->public_proc, &pids, &count) < 0;
	for (size_t i = 0; i < count; i++)
		mark(looks, pids[i], CRYO_VIEW_CGROUP);
}

static bool has_pidfd(pid_t pid)
{
	_cleanup_close_ int pidfd = pidfd_open(pid, 0);

	return pidfd >= 0 || errno == EMFILE || errno == ENFILE;
}

/* The number belongs to a thread: the process has another one. */
static bool is_thread(const struct looks *looks, pid_t pid)
{
	int procfs = looks->private_proc >= 0 ? looks->private_proc : looks->public_proc;
	_cleanup_close_ int dir = cryo_procfs_open_process(procfs, pid);
	struct cryo_status status;

	return dir >= 0 && cryo_status_read(dir, &status) == 0 && status.tgid != pid;
}

/* What the public /proc shows under a number: is it the process that has the number? */
static bool is_open(const struct looks *looks, pid_t pid)
{
	struct cryo_row shown, real;

	if (cryo_row_read(looks->public_proc, pid, &shown) < 0 || shown.pid != pid)
		return false;
	return looks->private_proc < 0 || cryo_row_read(looks->private_proc, pid, &real) < 0 ||
	       real.start_time == shown.start_time;
}

static unsigned int look_by_number(const struct looks *looks, pid_t pid)
{
	unsigned int seen = 0;

	if (has_pidfd(pid))
		seen |= CRYO_VIEW_PIDFD;
	if (sched_getscheduler(pid) >= 0)
		seen |= CRYO_VIEW_SCHED;
	if (kill(pid, 0) == 0 || errno == EPERM)
		seen |= CRYO_VIEW_SIGNAL;
	if (is_open(looks, pid))
		seen |= CRYO_VIEW_OPEN;
	return seen;
}

static void look_at_listings(struct looks *looks)
{
	look_by_libc(looks);
	look_by_listing(looks, looks->public_proc, CRYO_VIEW_READDIR);
	look_by_listing(looks, looks->private_proc, CRYO_VIEW_PRIVATE);
	look_by_cgroup(looks);
}

/* The first number from `pid` on that any view has; beyond pid_max if there is none. */
static pid_t next_seen(const struct looks *looks, pid_t pid)
{
	uint64_t four;

	while (pid <= looks->pid_max && !looks->seen[pid])
		if (pid + 3 <= looks->pid_max &&
			(memcpy(&four, looks->seen + pid, sizeof(four)), four == 0))
			pid += 4;
		else
			pid++;
	return pid;
}

static bool is_only_swept(unsigned int seen)
{
	return !(seen & ~(unsigned int)(CRYO_VIEW_SCHED | CRYO_VIEW_BPF));
}

/* Numbers of the sweep that are processes, with all that is known about them. */
static int collect(struct looks *looks, struct cryo_sighting **sightings, size_t *count)
{
	for (pid_t pid = 1; (pid = next_seen(looks, pid)) <= looks->pid_max; pid++) {
		unsigned int seen = looks->seen[pid];
		struct cryo_sighting *sighting;

		if (is_only_swept(seen) && is_thread(looks, pid))
			continue;
		sighting = cryo_array_add(*sightings, *count);
		if (!sighting)
			return -ENOMEM;
		*sighting = (struct cryo_sighting){pid, seen | look_by_number(looks, pid), 0};
	}
	return 0;
}

static unsigned int all_views(const struct looks *looks)
{
	unsigned int all = ((1u << CRYO_VIEW_COUNT) - 1) & ~(unsigned int)CRYO_VIEW_BPF;

	if (looks->private_proc < 0)
		all &= ~(unsigned int)CRYO_VIEW_PRIVATE;
	if (looks->no_pidfds)
		all &= ~(unsigned int)CRYO_VIEW_PIDFD;
	if (looks->no_cgroups)
		all &= ~(unsigned int)CRYO_VIEW_CGROUP;
	return all;
}

/* Views that do not have it, although they should. */
static unsigned int lacking(const struct looks *looks, pid_t pid, unsigned int seen)
{
	unsigned int lacks = all_views(looks) & ~seen;
	int procfs = looks->private_proc >= 0 ? looks->private_proc : looks->public_proc;

	if (lacks & CRYO_VIEW_CGROUP && !cryo_cgroup_must_list(procfs, pid))
		lacks &= ~(unsigned int)CRYO_VIEW_CGROUP;
	return lacks;
}

/*
 * Ask again about one process that a view lacked, and keep what is still lacking. With -1 for the
 * pidfd (there are none, or too many) only its number vouches for it.
 */
static void confirm(struct looks *looks, struct cryo_sighting *sighting)
{
	_cleanup_close_ int pidfd = pidfd_open(sighting->pid, 0);
	unsigned int seen;

	looks->seen[sighting->pid] = 0;
	look_at_listings(looks);
	seen = looks->seen[sighting->pid] | look_by_number(looks, sighting->pid);
	if (pidfd >= 0 ? pidfd_send_signal(pidfd, 0, NULL, 0) < 0 && errno == ESRCH
		       : sched_getscheduler(sighting->pid) < 0) {
		sighting->seen = 0;
		return;
	}
	sighting->seen = seen;
	sighting->hidden = lacking(looks, sighting->pid, seen);
}

static void confirm_all(struct looks *looks, struct cryo_sighting *sightings, size_t *count)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		if (lacking(looks, sightings[i].pid, sightings[i].seen))
			confirm(looks, &sightings[i]);
		if (sightings[i].seen)
			sightings[kept++] = sightings[i];
	}
	*count = kept;
}

int cryo_enumerate(
	int public_proc, int private_proc, struct cryo_sighting **ret_sightings, size_t *ret_count)
{
	struct looks looks = {.public_proc = public_proc,
		.private_proc = private_proc,
		.pid_max = cryo_procfs_pid_max(public_proc, CRYO_PID_MAX_LIMIT)};
	_cleanup_free_ struct cryo_sighting *sightings = NULL;
	_cleanup_free_ uint16_t *seen = calloc((size_t)looks.pid_max + 1, sizeof(*seen));
	size_t count = 0;
	int r = seen ? cryo_io_check_room(DESCRIPTORS) : -ENOMEM;

	looks.seen = seen;
	if (r < 0)
		return r;
	looks.no_pidfds = !has_pidfd(getpid()); /* Linux 5.3 */
	look_at_listings(&looks);
	cryo_sweep(looks.pid_max, seen);
	r = collect(&looks, &sightings, &count);
	if (r < 0)
		return r;
	confirm_all(&looks, sightings, &count);
	*ret_count = count;
	*ret_sightings = steal_ptr(sightings);
	return 0;
}
