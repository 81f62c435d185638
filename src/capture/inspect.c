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
#include "capture/mapped_file.h"
#include "capture/unstopped.h"
#include "capture/vdso.h"
#include "proc/auxv.h"
#include "proc/maps.h"
#include "proc/procfs.h"
#include "proc/stat.h"
#include "trace/registers.h"
#include "trace/xsave.h"

enum {
	FILTER_DEFAULT = 0x33,
	USEC_PER_SEC = 1000000,
	READ_ATTEMPTS = 4,
};

static int find_live(struct cryo_inspector *inspector)
{
	_cleanup_free_ pid_t *tids = NULL;
	size_t count;
	int r = cryo_procfs_list(inspector->identity->dir, "task", &tids, &count);

	for (size_t i = 0; r == 0 && i < count; i++) {
		_cleanup_close_ int dir = cryo_procfs_open_process(inspector->procfs, tids[i]);
		struct cryo_stat stat;

		if (dir < 0 || cryo_stat_read(dir, &stat) < 0 || strchr("ZXx", stat.state))
			continue;
		inspector->live = tids[i];
		inspector->live_dir = steal_fd(&dir);
		return 0;
	}
	return r == 0 || r == -ENOENT ? -ESRCH : r;
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
static void open_exe(struct cryo_inspector *inspector)
{
	struct statx found;

	inspector->exe = -1;
	inspector->exe_error = -EREMOTE;
	if (statx(inspector->live_dir, "exe", AT_STATX_DONT_SYNC, 0, &found) == 0 &&
		cryo_inspector_is_remote(
			inspector, makedev(found.stx_dev_major, found.stx_dev_minor)))
		return;
	inspector->exe = openat(inspector->live_dir, "exe", O_RDONLY | O_CLOEXEC);
	inspector->exe_error = inspector->exe < 0 ? -errno : 0;
}

/* Whether the program is one of the 32-bit ABI; the vdso that does not fit is not used. */
static bool is_compat(const struct cryo_inspector *inspector)
{
	unsigned char ident[EI_NIDENT];

	return inspector->exe >= 0 &&
	       cryo_io_pread(inspector->exe, ident, sizeof(ident), 0) == sizeof(ident) &&
	       ident[EI_CLASS] == ELFCLASS32;
}

static uint64_t expected_bytes(const struct cryo_status *status)
{
	uint64_t all = status->vm_rss_kb + status->vm_swap_kb;

	return all > status->rss_file_kb ? (all - status->rss_file_kb) * 1024 : 0;
}

int cryo_inspect_before(
	int procfs, const struct cryo_identity *identity, struct cryo_inspector *ret_inspector)
{
	_cleanup_inspector_ struct cryo_inspector inspector = CRYO_INSPECTOR_NONE;
	struct cryo_status status;
	int r;

	inspector.procfs = procfs;
	inspector.identity = identity;
	r = find_live(&inspector);
	if (r == 0)
		r = cryo_memory_open(inspector.live_dir, inspector.live, &inspector.memory);
	if (r == 0)
		r = cryo_status_read(identity->dir, &status);
	if (r == 0)
		r = read_root(&inspector);
	if (r == 0)
		r = read_mounts(&inspector);
	if (r < 0)
		return r;
	inspector.ppid = cryo_ids_of_parent(procfs, &status);
	inspector.same_ids = status.ns_pid.count == 1;
	inspector.expected = expected_bytes(&status);
	cryo_early_read(&inspector, status.threads);
	open_exe(&inspector);
	cryo_vdso_image(is_compat(&inspector), &inspector.vdso);
	*ret_inspector = inspector;
	inspector = CRYO_INSPECTOR_NONE;
	return 0;
}

void cryo_inspector_clear(struct cryo_inspector *inspector)
{
	cryo_cleanup_close(&inspector->live_dir);
	cryo_cleanup_close(&inspector->exe);
	cryo_memory_close(&inspector->memory);
	cryo_early_clear(&inspector->early);
	cryo_mounts_free(inspector->mounts, inspector->n_mounts);
	free(inspector->root);
	cryo_buffer_clear(&inspector->vdso);
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

/*
 * The live thread may have ended, and the process may have executed another program, or the same
 * once more: the memory that was opened before the stop is then that of nobody, or of a child of
 * vfork(2), so it is opened again in any case.
 */
static int refresh(struct cryo_inspector *inspector, bool *ret_exec)
{
	struct cryo_stat stat;
	int r = 0;

	cryo_memory_close(&inspector->memory);
	if (cryo_stat_read(inspector->live_dir, &stat) < 0 || strchr("ZXx", stat.state)) {
		cryo_cleanup_close(&inspector->live_dir);
		inspector->live_dir = -1;
		r = find_live(inspector);
	}
	if (r == 0)
		r = cryo_memory_open(inspector->live_dir, inspector->live, &inspector->memory);
	if (r < 0)
		return r;
	*ret_exec =
		inspector->exe >= 0 && !is_same_file(inspector->exe, inspector->live_dir, "exe");
	if (*ret_exec) {
		cryo_cleanup_close(&inspector->exe);
		open_exe(inspector);
	}
	return 0;
}

/* CPU time of a whole thread group, with the clock ids of include/linux/posix-timers_types.h. */
static void group_times(pid_t pid, struct cryo_times *times)
{
	enum {
		CPUCLOCK_PROF,
		CPUCLOCK_VIRT
	};
	clockid_t prof = (clockid_t)(~(unsigned int)pid << 3 | CPUCLOCK_PROF);
	clockid_t virt = (clockid_t)(~(unsigned int)pid << 3 | CPUCLOCK_VIRT);
	uint64_t user = cryo_clock_ns(virt), both = cryo_clock_ns(prof);

	times->user = user / 1000;
	times->system = both > user ? (both - user) / 1000 : 0;
}

static uint64_t ticks_to_usec(int64_t ticks)
{
	static const uint64_t per_second = USEC_PER_SEC;

	return ticks < 0 ? 0 : (uint64_t)ticks * per_second / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* What all threads have in common, and what the leader has alone. */
static void complete_thread(const struct cryo_inspector *inspector, const struct cryo_stat *leader,
	struct cryo_thread *thread)
{
	thread->ppid = inspector->ppid;
	thread->times.children_user = ticks_to_usec(leader->cutime);
	thread->times.children_system = ticks_to_usec(leader->cstime);
	if (thread->tid == leader->pid)
		group_times(leader->pid, &thread->times);
}

static int inspect_thread(const struct cryo_inspector *inspector, const struct cryo_stat *leader,
	struct cryo_thread *thread)
{
	char name[32];
	_cleanup_close_ int dir = -1;
	struct cryo_status status;
	struct cryo_stat stat;
	int r;

	snprintf(name, sizeof(name), "task/%d", thread->tid);
	dir = openat(inspector->identity->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	r = cryo_status_read(dir, &status);
	if (r == 0)
		r = cryo_stat_read(dir, &stat);
	if (r < 0)
		return r;
	thread->ns_tid = cryo_ids_own(&status.ns_pid);
	thread->pending = status.sig_pending;
	thread->blocked = status.blocked;
	thread->times.user = ticks_to_usec((int64_t)stat.utime);
	thread->times.system = ticks_to_usec((int64_t)stat.stime);
	complete_thread(inspector, leader, thread);
	return 0;
}

static int compare_tids(const void *left, const void *right)
{
	pid_t a = ((const struct cryo_bpf_times *)left)->tid,
	      b = ((const struct cryo_bpf_times *)right)->tid;

	return (a > b) - (a < b);
}

/* The same by BPF, which tells the ids of threads in our namespace only. */
static int inspect_by_bpf(const struct cryo_inspector *inspector, const struct cryo_stat *leader,
	struct cryo_process *process)
{
	_cleanup_free_ struct cryo_bpf_times *all = NULL;
	size_t count = 0;
	int r = 0;

	if (inspector->early.bpf.program >= 0 && inspector->same_ids)
		cryo_bpf_read_times(&inspector->early.bpf, process->pid, &all, &count);
	for (size_t i = 0; i < process->n_threads && r == 0; i++) {
		struct cryo_thread *thread = &process->threads[i];
		const struct cryo_bpf_times key = {.tid = thread->tid},
					    *times = count ? bsearch(&key, all, count, sizeof(*all),
								     compare_tids)
							   : NULL;

		if (!times) {
			r = inspect_thread(inspector, leader, thread);
			continue;
		}
		thread->ns_tid = thread->tid;
		thread->pending = times->pending;
		thread->blocked = times->blocked;
		thread->times.user = times->user_ns / 1000;
		thread->times.system = times->system_ns / 1000;
		complete_thread(inspector, leader, thread);
	}
	return r;
}

/* The leader stands first in a core, as the thread that a process-directed signal would find. */
static void put_leader_first(struct cryo_process *process)
{
	for (size_t i = 1; i < process->n_threads; i++)
		if (process->threads[i].tid == process->pid) {
			struct cryo_thread leader = process->threads[i];

			memmove(&process->threads[1], &process->threads[0], i * sizeof(leader));
			process->threads[0] = leader;
		}
}

static int inspect_threads(const struct cryo_inspector *inspector, const void *records,
	size_t records_size, const struct cryo_stat *leader, struct cryo_process *process)
{
	int r = records_size ? cryo_registers_parse(records, records_size, &process->threads,
				       &process->n_threads, &process->arch)
			     : 0;

	if (r == 0)
		r = cryo_unstopped_add(inspector, process);
	if (r == 0)
		r = inspect_by_bpf(inspector, leader, process);
	put_leader_first(process);
	return r;
}

/*
 * psargs as fill_psinfo() makes them: at most 79 bytes, every NUL a blank; if the area cannot be
 * read whole, the bytes that could be, as they are.
 */
static void inspect_arguments(const struct cryo_inspector *inspector, const struct cryo_stat *live,
	struct cryo_process *process)
{
	uint64_t size = live->arg_end - live->arg_start;
	size_t limit = sizeof(process->psargs) - 1, want = size < limit ? (size_t)size : limit,
	       got = 0;

	while (got < want) {
		ssize_t n = cryo_memory_read(&inspector->memory, live->arg_start + got,
			process->psargs + got, want - got, true);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	process->psargs_failed = got < want;
	for (size_t i = 0; i < got && !process->psargs_failed; i++)
		if (!process->psargs[i])
			process->psargs[i] = ' ';
}

static void inspect_comm(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	_cleanup_buffer_ struct cryo_buffer comm = {0};

	if (cryo_procfs_read(inspector->identity->dir, "comm", 64, &comm) < 0 || !comm.size)
		return;
	comm.size--; /* the newline that /proc adds */
	memcpy(process->comm, comm.data,
		comm.size < sizeof(process->comm) ? comm.size : sizeof(process->comm) - 1);
}

static void inspect_filter(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	const char *cursor;

	process->coredump_filter = FILTER_DEFAULT;
	if (cryo_procfs_read(inspector->live_dir, "coredump_filter", 64, &text) < 0 || !text.size)
		return;
	cursor = (const char *)text.data;
	cryo_number_scan(&cursor, cursor + text.size, 16, &process->coredump_filter);
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
	struct cryo_stat *ret_leader)
{
	struct cryo_status status;
	int r = cryo_stat_read(inspector->identity->dir, ret_leader);

	if (r == 0)
		r = cryo_status_read(inspector->identity->dir, &status);
	if (r < 0)
		return r;
	process->ns_pid = cryo_ids_own(&status.ns_tgid);
	process->pgrp = cryo_ids_own(&status.ns_pgid);
	process->sid = cryo_ids_own(&status.ns_sid);
	process->ppid = inspector->ppid;
	process->start_time = ret_leader->starttime;
	process->state = ret_leader->state;
	process->nice = (int)ret_leader->nice;
	process->task_flags = ret_leader->flags;
	return cryo_ids_fill_credentials(inspector->live_dir, &status, process);
}

int cryo_inspect_layout(struct cryo_process *process)
{
	_cleanup_buffer_ struct cryo_buffer layout = {0};
	int r = process->n_threads ? cryo_xsave_layout(&process->threads[0], &layout) : 0;

	process->xsave_layout_size = layout.size;
	process->xsave_layout = steal_ptr(layout.data);
	return r;
}

/* smaps, or maps where the kernel has no smaps (CONFIG_PROC_PAGE_MONITOR). */
static int open_maps(const struct cryo_inspector *inspector)
{
	int fd = openat(inspector->live_dir, "smaps", O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		fd = openat(inspector->live_dir, "maps", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_vmas(const struct cryo_inspector *inspector, struct cryo_process *process)
{
	_cleanup_close_ int maps = open_maps(inspector);

	return maps < 0 ? maps : cryo_maps_read(maps, &process->vmas, &process->n_vmas);
}

/* Only a process that was not stopped, or shares its memory with one, can change them meanwhile. */
static int inspect_vmas(struct cryo_inspector *inspector, struct cryo_process *process)
{
	int r;

	if (cryo_early_take(inspector, &process->vmas, &process->n_vmas))
		return cryo_mapped_file_inspect(inspector, process->vmas, process->n_vmas);
	r = read_vmas(inspector, process);
	for (int attempt = 1; r == 1 && attempt < READ_ATTEMPTS; attempt++) {
		cryo_vmas_free(steal_ptr(process->vmas), process->n_vmas);
		process->n_vmas = 0;
		r = read_vmas(inspector, process);
	}
	if (r < 0)
		return r;
	process->vmas_torn = r == 1;
	return cryo_mapped_file_inspect(inspector, process->vmas, process->n_vmas);
}

int cryo_inspect(struct cryo_inspector *inspector, const void *records, size_t records_size,
	struct cryo_process *ret_process, bool *ret_exec)
{
	_cleanup_process_ struct cryo_process process = {
		.pid = inspector->identity->pid, .page_size = inspector->memory.page_size};
	struct cryo_stat leader, live;
	int r = refresh(inspector, ret_exec);

	if (r == 0)
		r = inspect_leader(inspector, &process, &leader);
	if (r == 0)
		r = inspect_threads(inspector, records, records_size, &leader, &process);
	if (r == 0)
		r = inspect_auxv(inspector, &process);
	if (r == 0)
		r = cryo_stat_read(inspector->live_dir, &live);
	if (r == 0)
		r = inspect_vmas(inspector, &process);
	if (r < 0)
		return r;
	inspect_arguments(inspector, &live, &process);
	inspect_comm(inspector, &process);
	inspect_filter(inspector, &process);
	*ret_process = process;
	process = (struct cryo_process){0};
	return 0;
}
