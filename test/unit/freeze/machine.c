// SPDX-License-Identifier: MIT
#include "machine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/procfs.h"

struct machine machine_new(void)
{
	struct machine machine = {.path = "/tmp/cryocore-machine-XXXXXX"};

	cr_assert(mkdtemp(machine.path));
	machine.procfs = cryo_procfs_open(machine.path);
	cr_assert_geq(machine.procfs, 0);
	return machine;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	return remove(path);
}

void machine_end(struct machine *machine)
{
	close(machine->procfs);
	nftw(machine->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_directory(const struct machine *machine, const char *name)
{
	cr_assert(mkdirat(machine->procfs, name, 0755) == 0 || errno == EEXIST);
}

static void write_file(const struct machine *machine, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void write_file(const struct machine *machine, const char *name, const char *format, ...)
{
	int fd = openat(machine->procfs, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	va_list arguments;

	cr_assert_geq(fd, 0);
	va_start(arguments, format);
	vdprintf(fd, format, arguments);
	va_end(arguments);
	close(fd);
}

static void write_stat(const struct machine *machine, const char *directory,
	const struct machine_process *process, int n_threads)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/stat", directory);
	write_file(machine, name,
		"%d (%s) %c %d %d %d %d %d %llu 0 0 0 0 0 0 0 0 20 0 %d 0 %llu 0 0 0\n",
		process->pid, process->comm ? process->comm : "sleep",
		process->state ? process->state : 'S', process->ppid, process->pgrp,
		process->session, process->tty_nr, process->tpgid, process->flags, n_threads,
		process->start_time);
	snprintf(name, sizeof(name), "%s/wchan", directory);
	write_file(machine, name, "%s", process->wchan ? process->wchan : "0");
}

void machine_add(const struct machine *machine, struct machine_process process)
{
	char directory[32], name[64];

	snprintf(directory, sizeof(directory), "%d", process.pid);
	make_directory(machine, directory);
	write_stat(machine, directory, &process, 1);
	snprintf(name, sizeof(name), "%d/status", process.pid);
	write_file(machine, name,
		"Name:\tx\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n"
		"Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t1\nSigPnd:\t0000000000000000\n"
		"ShdPnd:\t%s\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
		"SigCgt:\t0000000000000000\nCoreDumping:\t%d\n",
		process.pid, process.pid, process.ppid, process.tracer,
		process.pending ? process.pending : "0000000000000000", process.core_dumping);
	snprintf(name, sizeof(name), "%d/cgroup", process.pid);
	write_file(machine, name, "1:name=systemd:/v1\n0::%s\n",
		process.cgroup ? process.cgroup : "/");
	snprintf(name, sizeof(name), "%d/fd", process.pid);
	make_directory(machine, name);
	snprintf(name, sizeof(name), "%d/fdinfo", process.pid);
	make_directory(machine, name);
}

void machine_add_thread(const struct machine *machine, pid_t pid, pid_t tid, char state)
{
	struct machine_process leader = {.pid = pid, .start_time = 1, .state = 'T'};
	struct machine_process thread = {.pid = tid, .start_time = 1, .state = state};
	char directory[64];

	snprintf(directory, sizeof(directory), "%d", pid);
	write_stat(machine, directory, &leader, 2);
	snprintf(directory, sizeof(directory), "%d/task", pid);
	make_directory(machine, directory);
	snprintf(directory, sizeof(directory), "%d/task/%d", pid, tid);
	make_directory(machine, directory);
	write_stat(machine, directory, &thread, 2);
}

void machine_add_fd(
	const struct machine *machine, pid_t pid, int fd, const char *link, const char *fdinfo)
{
	char name[64];

	snprintf(name, sizeof(name), "%d/fd/%d", pid, fd);
	cr_assert_eq(symlinkat(link, machine->procfs, name), 0);
	if (!fdinfo)
		return;
	snprintf(name, sizeof(name), "%d/fdinfo/%d", pid, fd);
	write_file(machine, name, "pos:\t0\n%s", fdinfo);
}
