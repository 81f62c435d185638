// SPDX-License-Identifier: MIT
/* Who shares our memory: found among all, among those that are newer, and in the index. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/sharer.h"
#include "proc/procfs.h"

static char stack[64 * 1024] __attribute__((aligned(16)));

static _Noreturn int sleep_on(void *unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void *wait_for_byte(void *end)
{
	char byte;

	return read(*(int *)end, &byte, 1) == 1 ? NULL : end;
}

static pid_t start_partner(void)
{
	pid_t pid = clone(sleep_on, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

	cr_assert_gt(pid, 0);
	return pid;
}

static void end_partner(pid_t pid)
{
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static void look_for(struct cryo_sharer_index *index, int procfs, pid_t pid, pid_t leader,
	struct cryo_sharers *ret_sharers)
{
	cryo_sharers_find(index, procfs, pid, leader, ret_sharers);
	cryo_sharers_note(procfs, pid, leader, ret_sharers);
}

/* It is not made of processes that end while they are compared: others do so all the time. */
static void wait_until_made(struct cryo_sharer_index *index, int procfs)
{
	struct cryo_sharers sharers;

	for (int i = 0; i < 1000 && !index->is_made; i++)
		look_for(index, procfs, getpid(), getpid(), &sharers);
	cr_assert(index->is_made);
}

/* The only sharer of a process, or 0. */
static pid_t find_of(struct cryo_sharer_index *index, int procfs, pid_t pid)
{
	struct cryo_sharers sharers;

	look_for(index, procfs, pid, pid, &sharers);
	cr_assert_leq(sharers.count, 1);
	return sharers.count ? sharers.array[0].pid : 0;
}

static pid_t find(struct cryo_sharer_index *index, int procfs)
{
	return find_of(index, procfs, getpid());
}

Test(sharer, one_is_found_however_it_is_looked_for)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_sharer_index index = {0};
	pid_t partner;

	cr_assert_eq(find(&index, procfs), 0);
	cr_assert_not(index.is_made, "the first one asks all");
	wait_until_made(&index, procfs);
	cr_assert_eq(find(&index, procfs), 0);
	partner = start_partner();
	cr_assert_eq(find(&index, procfs), partner, "it is newer than the index");
	cr_assert_eq(find(&index, procfs), partner, "and stays known");
	index.is_made = false;
	wait_until_made(&index, procfs);
	cr_assert_eq(find(&index, procfs), partner, "it is in a group of the index");
	cr_assert_eq(find(NULL, procfs), partner, "without an index");
	end_partner(partner);
	cr_assert_eq(find(&index, procfs), 0);
	cryo_sharer_index_clear(&index);
}

Test(sharer, threads_are_none)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_sharer_index index = {0};
	pthread_t thread;
	int ends[2];

	wait_until_made(&index, procfs);
	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(pthread_create(&thread, NULL, wait_for_byte, &ends[0]), 0);
	cr_assert_eq(find(&index, procfs), 0);
	cr_assert_eq(write(ends[1], "", 1), 1);
	pthread_join(thread, NULL);
	cryo_sharer_index_clear(&index);
}

Test(sharer, many_new_numbers_make_the_index_anew)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_sharer_index index = {0};
	pid_t partner = start_partner();

	wait_until_made(&index, procfs);
	index.last_pid -= 1000;
	cr_assert_eq(find(&index, procfs), partner);
	cr_assert_lt(index.count, 500);
	end_partner(partner);
	cryo_sharer_index_clear(&index);
}

Test(sharer, a_parent_that_is_older_than_the_index_is_found)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_sharer_index index = {0};
	pid_t partner;

	wait_until_made(&index, procfs);
	partner = start_partner();
	cr_assert_eq(find_of(&index, procfs, partner), getpid(), "we were alone then");
	index.is_made = false;
	wait_until_made(&index, procfs);
	cr_assert_eq(find_of(&index, procfs, partner), getpid());
	end_partner(partner);
	cryo_sharer_index_clear(&index);
}

/* The numbers have begun anew and come back to where they were. */
Test(sharer, an_old_index_is_made_anew)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_sharer_index index = {0};
	pid_t partner;

	wait_until_made(&index, procfs);
	partner = start_partner();
	index.last_pid = index.made_pid = cryo_procfs_last_pid(procfs);
	index.made_ns -= 2 * CRYO_NSEC_PER_SEC;
	cr_assert_eq(find(&index, procfs), partner);
	end_partner(partner);
	cryo_sharer_index_clear(&index);
}

static pid_t find_new(int procfs, const struct cryo_sharers *sharers)
{
	return cryo_sharers_ran(procfs, getpid(), getpid(), UINT64_MAX, sharers);
}

Test(sharer, a_newer_one_is_found_afterwards)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_sharers sharers;
	pid_t partner;

	look_for(NULL, procfs, getpid(), getpid(), &sharers);
	partner = start_partner();
	cr_assert_eq(find_new(procfs, &sharers), partner);
	end_partner(partner);
	cr_assert_eq(find_new(procfs, &sharers), 0);
}

/* Time enough for all numbers to be given out, and the last one is where it was. */
Test(sharer, a_newer_one_is_found_though_its_number_is_not)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	struct cryo_sharers sharers;
	pid_t partner;

	look_for(NULL, procfs, getpid(), getpid(), &sharers);
	partner = start_partner();
	sharers.last_pid = cryo_procfs_last_pid(procfs);
	sharers.noted_ns -= 60 * CRYO_NSEC_PER_SEC;
	cr_assert_eq(find_new(procfs, &sharers), partner);
	end_partner(partner);
}
