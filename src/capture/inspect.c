// SPDX-License-Identifier: MIT
/*
 * Where each field of a core comes from, from outside. What the kernel reads off its own structures
 * is printed somewhere below /proc; the exceptions are the CPU times of a thread group, which the
 * process CPU clock gives exactly, and the arguments, which are memory.
 *
 * A process whose leader has exited is looked at through a thread that lives: /proc/TID works for
 * every thread, although only leaders are listed.
 */
#include "capture/inspect.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/number.h"
#include "capture/ids.h"
#include "capture/mappings.h"
#include "capture/stop.h"
#include "capture/threads.h"
#include "capture/vdso.h"
#include "proc/auxv.h"
#include "proc/procfs.h"
#include "proc/stat.h"
#include "trace/swap.h"
#include "trace/xsave.h"

enum {
	FILTER_DEFAULT = 0x33,
	OPEN_ATTEMPTS = 50,
};

static int find_live(struct cryo_inspector *inspector)
{
	int dir = cryo_identity_open_live(inspector->procfs, inspector->identity, &inspector->live);

	if (dir >= 0)
		inspector->live_dir = dir;
	return dir < 0 ? dir : 0;
}

/* Threads that hand over to each other may all have exited by the time that one is looked at. */
static int open_live(struct cryo_inspector *inspector)
{
	int r = -ESRCH;

	for (int i = 0; i < OPEN_ATTEMPTS && (r == -ESRCH || r == -ENOENT); i++) {
		cryo_cleanup_close(&inspector->live_dir);
		inspector->live_dir = -1;
		r = find_live(inspector);
		if (r == 0)
			r = cryo_memory_open(
				inspector->live_dir, inspector->live, &inspector->memory);
		if (r < 0 && !cryo_identity_is_alive(inspector->identity))
			break;
	}
	return r;
}

static int read_root(struct cryo_inspector *inspector)
{
	_cleanup_buffer_ struct cryo_buffer link = {0};
	int r = cryo_procfs_readlink(inspector->live_dir, "root", &link);

	inspector->root = strdup(r < 0 || link.size == 1 ? "" : (const char *)link.data);
	return inspector->root ? 0 : -ENOMEM;
}

static int read_mounts(struct cryo_inspector *inspector)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_procfs_read(inspector->live_dir, "mountinfo", 0, &text);

	if (r < 0)
		return r;
	return cryo_mountinfo_parse(
		(const char *)text.data, text.size, &inspector->mounts, &inspector->n_mounts);
}

/* A server that does not answer must not be asked for the executable. */
static bool has_remote_exe(const struct cryo_inspector *inspector)
{
	struct statx found;

	return statx(inspector->live_dir, "exe", AT_STATX_DONT_SYNC, 0, &found) == 0 &&
	       cryo_inspector_is_remote(
		       inspector, makedev(found.stx_dev_major, found.stx_dev_minor));
}

/* Whether a program is one of the 32-bit ABI; the vdso that does not fit is not used. */
static bool is_compat(int exe)
{
	unsigned char ident[EI_NIDENT];

	return exe >= 0 && cryo_io_pread(exe, ident, sizeof(ident), 0) == sizeof(ident) &&
	       ident[EI_CLASS] == ELFCLASS32;
}

/*
 * Somebody may be asked whether the executable may be opened, and read (fanotify(7)), and never
 * answer. Who waited for that in vain, and is given up, has noted nothing of it.
 */
static void open_exe(struct cryo_inspector *inspector, bool *ret_compat)
{
	struct cryo_guard *guard = inspector->guard;
	int exe = -1, error = -EREMOTE;

	*ret_compat = false;
	inspector->exe = -1;
	if (inspector->exe_error == -ETIMEDOUT)
		return;
	cryo_guard_at(guard, CRYO_PLACE_EXE);
	if (!has_remote_exe(inspector)) {
		exe = openat(inspector->live_dir, "exe", O_RDONLY | O_CLOEXEC);
		error = exe < 0 ? -errno : 0;
		*ret_compat = is_compat(exe);
	}
	cryo_guard_at(guard, CRYO_PLACE_SAFE);
	inspector->exe = exe;
	inspector->exe_error = error;
}

void cryo_inspect_exe(struct cryo_inspector *inspector)
{
	bool compat;

	open_exe(inspector, &compat);
	cryo_vdso_image(compat, &inspector->vdso);
}

static uint64_t expected_bytes(const struct cryo_status *status)
{
	uint64_t all = status->vm_rss_kb + status->vm_swap_kb;

	return all > status->rss_file_kb ? (all - status->rss_file_kb) * 1024 : 0;
}

/* Of so many threads it is looked beforehand whether they can be stopped. */
enum {
	LOOKED_AT = 64
};

static bool is_unstoppable(const struct cryo_inspector *inspector, const struct cryo_status *status)
{
	_cleanup_free_ pid_t *tids = NULL;
	size_t count;
	bool found = status->tracer || status->state == 'D' ||
		     cryo_status_is_dumping(inspector->identity->dir, status);

	if (found || status->threads > LOOKED_AT ||
		cryo_procfs_list_threads(inspector->identity->dir, &tids, &count) < 0)
		return found;
	for (size_t i = 0; i < count && !found; i++)
		found = cryo_stop_is_hopeless(inspector->identity->dir, tids[i]);
	return found;
}

/* What the kernel prints only of what has memory: a leader that has exited has none. */
static void read_sizes(struct cryo_inspector *inspector, const struct cryo_status *leader)
{
	struct cryo_status status = *leader;

	if (inspector->live != inspector->identity->pid)
		cryo_status_read(inspector->live_dir, &status);
	inspector->expected = expected_bytes(&status);
	inspector->swapped = status.vm_swap_kb * 1024;
}

static int prepare_swap(struct cryo_inspector *inspector)
{
	inspector->swap = malloc(sizeof(*inspector->swap));
	if (!inspector->swap)
		return -ENOMEM;
	*inspector->swap = (struct cryo_swap){.pidfd = inspector->identity->pidfd};
	inspector->memory.swap = inspector->swap;
	return 0;
}

static int inspect_before(
	int procfs, const struct cryo_identity *identity, struct cryo_inspector *ret_inspector)
{
	_cleanup_inspector_ struct cryo_inspector inspector = CRYO_INSPECTOR_NONE;
	struct cryo_status status;
	int r;

	inspector.procfs = procfs;
	inspector.identity = identity;
	r = open_live(&inspector);
	if (r == 0)
		r = cryo_status_read(identity->dir, &status);
	if (r == 0)
		r = read_root(&inspector);
	if (r == 0)
		r = read_mounts(&inspector);
	if (r < 0)
		return r;
	inspector.ppid = cryo_ids_of_parent(procfs, &status);
	cryo_ids_read_own(&inspector.own_ids);
	inspector.same_ids = status.ns_pid.count == 1;
	read_sizes(&inspector, &status);
	inspector.n_threads = status.threads;
	if (inspector.swapped && identity->pidfd >= 0)
		r = prepare_swap(&inspector);
	if (r < 0)
		return r;
	inspector.unstoppable = is_unstoppable(&inspector, &status);
	*ret_inspector = inspector;
	inspector = CRYO_INSPECTOR_NONE;
	return 0;
}

/* A thread that stands for the process may end while it is looked at; EINVAL is what the mounts of
 * such a thread are. */
int cryo_inspect_before(
	int procfs, const struct cryo_identity *identity, struct cryo_inspector *ret_inspector)
{
	int r = -ESRCH;

	for (int i = 0; i < OPEN_ATTEMPTS; i++) {
		r = inspect_before(procfs, identity, ret_inspector);
		if ((r != -ESRCH && r != -ENOENT && r != -EINVAL) ||
			!cryo_identity_is_alive(identity))
			break;
	}
	return r;
}

/* Enough for a page that has to come from a slow disk. */
#define LEAST_PATIENCE_NS (500 * CRYO_NSEC_PER_MSEC)

/* Each that is given up makes us less patient: it will be the same with the next. */
uint64_t cryo_inspector_patience(const struct cryo_inspector *inspector)
{
	uint64_t now = cryo_now(), left = inspector->deadline > now ? inspector->deadline - now : 0;

	left = left / 4 < CRYO_GUARD_PATIENCE_NS ? left / 4 : CRYO_GUARD_PATIENCE_NS;
	left >>= inspector->n_given_up;
	return left > LEAST_PATIENCE_NS ? left : LEAST_PATIENCE_NS;
}

void cryo_inspector_be_cautious(struct cryo_inspector *inspector)
{
	inspector->cautious = true;
	inspector->early_error = inspector->files_error = inspector->arguments_error = -ECANCELED;
}

void cryo_inspector_clear(struct cryo_inspector *inspector)
{
	cryo_cleanup_close(&inspector->live_dir);
	cryo_cleanup_close(&inspector->exe);
	cryo_memory_close(&inspector->memory);
	cryo_early_clear(&inspector->early);
	cryo_mounts_free(inspector->mounts, inspector->n_mounts);
	free(inspector->root);
	free(inspector->swap);
	cryo_buffer_clear(&inspector->vdso);
	cryo_buffer_clear(&inspector->maps_text);
	*inspector = CRYO_INSPECTOR_NONE;
}

static bool is_same_file(int fd, int dir, const char *name)
{
	struct statx left, right;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &left) == 0 &&
	       statx(dir, name, AT_STATX_DONT_SYNC, STATX_INO, &right) == 0 &&
	       left.stx_ino == right.stx_ino && left.stx_dev_major == right.stx_dev_major &&
	       left.stx_dev_minor == right.stx_dev_minor;
}

static bool is_gone(int error)
{
	return error == -ESRCH || error == -ENOENT;
}

/*
 * The live thread may have ended, and the process may have executed another program, or the same
 * once more: the memory that was opened before the stop is then that of nobody, or of a child of
 * vfork(2), so it is opened again in any case.
 */
static int refresh(struct cryo_inspector *inspector, struct cryo_stat *ret_live, bool *ret_exec)
{
	bool compat;
	int r = 0;

	cryo_memory_close(&inspector->memory);
	if (cryo_stat_read(inspector->live_dir, ret_live) < 0 || strchr("ZXx", ret_live->state)) {
		cryo_cleanup_close(&inspector->live_dir);
		inspector->live_dir = -1;
		r = find_live(inspector);
		if (r == 0)
			r = cryo_stat_read(inspector->live_dir, ret_live);
	}
	if (r == 0)
		r = cryo_memory_open(inspector->live_dir, inspector->live, &inspector->memory);
	if (r < 0)
		return r;
	inspector->memory.swap = inspector->swap;
	*ret_exec =
		inspector->exe >= 0 && !is_same_file(inspector->exe, inspector->live_dir, "exe");
	if (*ret_exec || is_gone(inspector->exe_error)) {
		cryo_early_forget_files(&inspector->early);
		cryo_cleanup_close(&inspector->exe);
		open_exe(inspector, &compat);
	}
	return 0;
}

static bool is_alive(const struct cryo_inspector *inspector)
{
	struct cryo_guard *guard = inspector->guard;
	bool alive;

	cryo_guard_at(guard, CRYO_PLACE_ALIVE);
	alive = cryo_memory_is_alive(&inspector->memory);
	cryo_guard_at(guard, CRYO_PLACE_SAFE);
	return alive;
}

bool cryo_inspect_has_memory(struct cryo_inspector *inspector)
{
	if (!inspector->memory_error && !inspector->n_given_up && !is_alive(inspector))
		return false;
	if (cryo_procfs_has_memory(inspector->live_dir))
		return true;
	cryo_cleanup_close(&inspector->live_dir);
	inspector->live_dir = -1;
	return find_live(inspector) == 0 && cryo_procfs_has_memory(inspector->live_dir);
}

static void inspect_filter(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_procfs_read(inspector->live_dir, "coredump_filter", 64, &text);
	const char *cursor = (const char *)text.data;

	process->coredump_filter = FILTER_DEFAULT;
	if (r < 0 || !text.size ||
		!cryo_number_scan(&cursor, cursor + text.size, 16, &process->coredump_filter))
		process->filter_unknown = r != -ENOENT; /* else the kernel makes no cores */
}

static int inspect_auxv(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	_cleanup_buffer_ struct cryo_buffer auxv = {0};
	int r = cryo_procfs_read(inspector->live_dir, "auxv", 1 << 16, &auxv);
	size_t word = process->arch ? cryo_arch_word(process->arch) : sizeof(long);

	if (r < 0)
		return r;
	process->auxv_size = cryo_auxv_size(auxv.data, auxv.size, word);
	process->auxv = steal_ptr(auxv.data);
	return 0;
}

static int inspect_leader(const struct cryo_inspector *inspector, struct cryo_process *process,
	const struct cryo_stat *live, struct cryo_leader *ret_leader)
{
	const struct cryo_status *status = &ret_leader->status;
	int r = 0;

	ret_leader->stat = *live;
	if (live->pid != process->pid)
		r = cryo_stat_read(inspector->identity->dir, &ret_leader->stat);
	if (r == 0)
		r = cryo_status_read(inspector->identity->dir, &ret_leader->status);
	if (r < 0)
		return r;
	process->ns_pid = cryo_ids_own(&status->ns_tgid);
	process->pgrp = cryo_ids_own(&status->ns_pgid);
	process->sid = cryo_ids_own(&status->ns_sid);
	process->ppid = inspector->ppid;
	process->start_time = ret_leader->stat.starttime;
	process->state = ret_leader->stat.state;
	process->nice = (int)ret_leader->stat.nice;
	process->task_flags = ret_leader->stat.flags;
	return cryo_ids_fill_credentials(inspector->live_dir, status, &inspector->own_ids, process);
}

int cryo_inspect_layout(struct cryo_process *process)
{
	_cleanup_buffer_ struct cryo_buffer layout = {0};
	int r = process->n_threads ? cryo_xsave_layout(&process->threads[0], &layout) : 0;

	process->xsave_layout_size = layout.size;
	process->xsave_layout = steal_ptr(layout.data);
	return r;
}

int cryo_inspect_memory(struct cryo_inspector *inspector, struct cryo_process *ret_process)
{
	_cleanup_process_ struct cryo_process process = {.pid = inspector->identity->pid,
		.page_size = inspector->memory.page_size,
		.arch = cryo_arch_by_word(cryo_arch_host(), sizeof(uint64_t))};
	int r = process.arch ? cryo_mappings_inspect(inspector, 0, 0, &process) : -EOPNOTSUPP;

	if (r < 0)
		return r;
	inspect_filter(inspector, &process);
	*ret_process = process;
	process = (struct cryo_process){0};
	return 0;
}

int cryo_inspect(struct cryo_inspector *inspector, const void *records, size_t records_size,
	struct cryo_process *ret_process, bool *ret_exec)
{
	_cleanup_process_ struct cryo_process process = {
		.pid = inspector->identity->pid, .page_size = inspector->memory.page_size};
	struct cryo_leader leader;
	struct cryo_stat live;
	int r = refresh(inspector, &live, ret_exec);

	if (r == 0)
		r = inspect_leader(inspector, &process, &live, &leader);
	if (r == 0)
		r = cryo_threads_inspect(inspector, records, records_size, &leader, &process);
	if (r == 0)
		r = inspect_auxv(inspector, &process);
	if (r == 0)
		r = cryo_mappings_inspect(inspector, live.arg_start, live.arg_end, &process);
	if (r < 0)
		return r;
	memcpy(process.comm, leader.stat.comm, sizeof(process.comm) - 1);
	inspect_filter(inspector, &process);
	*ret_process = process;
	process = (struct cryo_process){0};
	return 0;
}
