// SPDX-License-Identifier: MIT
/* Views of this very machine, and of one that lies. */
#include "freeze/enumerate.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "freeze/sweep.h"
#include "machine.h"
#include "proc/procfs.h"
#include "trace/bpf_sweep.h"

static const struct cryo_sighting *find(
	const struct cryo_sighting *sightings, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (sightings[i].pid == pid)
			return &sightings[i];
	return NULL;
}

Test(enumerate, sees_us_in_every_view)
{
	_cleanup_close_ int public_proc = cryo_procfs_open("/proc");
	_cleanup_close_ int private_proc = cryo_procfs_open_private();
	_cleanup_free_ struct cryo_sighting *sightings = NULL;
	const struct cryo_sighting *self;
	size_t count;

	cr_assert_eq(cryo_enumerate(public_proc, private_proc, &sightings, &count), 0);
	self = find(sightings, count, getpid());
	cr_assert(self);
	cr_assert_eq(self->hidden, 0);
	cr_assert(self->seen & CRYO_VIEW_PIDFD && self->seen & CRYO_VIEW_SCHED &&
		  self->seen & CRYO_VIEW_OPEN && self->seen & CRYO_VIEW_LIBC);
	for (size_t i = 1; i < count; i++)
		cr_assert_lt(sightings[i - 1].pid, sightings[i].pid, "sorted, each once");
}

Test(enumerate, finds_who_is_left_out_of_proc)
{
	/* A procfs that shows nobody: everybody is hidden from it and seen by system calls. */
	_cleanup_machine_ struct machine machine = machine_new();
	_cleanup_free_ struct cryo_sighting *sightings = NULL;
	const struct cryo_sighting *self;
	size_t count;

	cr_assert_eq(cryo_enumerate(machine.procfs, -1, &sightings, &count), 0);
	self = find(sightings, count, getpid());
	cr_assert(self);
	cr_assert_eq(self->hidden, CRYO_VIEW_LIBC | CRYO_VIEW_READDIR | CRYO_VIEW_OPEN);
}

Test(enumerate, puts_views_into_words)
{
	_cleanup_free_ char *none = NULL, *two = NULL;

	cr_assert_eq(cryo_views_text(0, &none), 0);
	cr_assert_str_eq(none, "");
	cr_assert_eq(cryo_views_text(CRYO_VIEW_LIBC | CRYO_VIEW_OPEN, &two), 0);
	cr_assert_str_eq(two, "readdir(3) of /proc, /proc/PID");
}

/* For so few numbers no BPF is used. */
#define FEW 100000

/* What both ways to ask know of us, of a thread, and of a number that nobody has. */
static void check_sweep(pid_t pid_max, bool bpf)
{
	_cleanup_free_ uint16_t *seen = calloc((size_t)pid_max + 1, sizeof(*seen));
	unsigned int both = bpf ? CRYO_VIEW_BPF | CRYO_VIEW_SCHED : CRYO_VIEW_SCHED;
	pid_t child = fork();

	if (child == 0)
		pause();
	seen[getpid()] = CRYO_VIEW_OPEN;
	cryo_sweep(pid_max, seen);
	cr_expect_eq(seen[getpid()], both | CRYO_VIEW_OPEN);
	cr_expect_eq(seen[child], both);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	memset(seen, 0, ((size_t)pid_max + 1) * sizeof(*seen));
	cryo_sweep(pid_max, seen);
	cr_expect_eq(seen[child], 0);
}

Test(sweep, by_system_calls)
{
	if (getpid() > FEW - 1000)
		cr_skip_test("our number is larger than those that are asked for one by one");
	check_sweep(FEW, false);
}

Test(sweep, by_bpf)
{
	_cleanup_bpf_sweep_ struct cryo_bpf_sweep bpf = CRYO_BPF_SWEEP_NONE;

	int r = cryo_bpf_sweep_open(&bpf);

	check_sweep(1 << 22, r == 0);
	if (r < 0)
		cr_skip_test("not to be had here: %s", strerror(-r));
}

/* A child with a number of our choice; it lives until the namespace ends. */
static bool start_with_number(pid_t number)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&number, .set_tid_size = 1};
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid == 0)
		for (;;)
			pause();
	return pid == number;
}

/* Exactly these numbers, and ours, are found. */
static bool finds(const struct cryo_bpf_sweep *bpf, const pid_t *numbers, size_t count)
{
	size_t found = 0;

	if (cryo_bpf_sweep_run(bpf, 1, CRYO_BPF_PID_LIMIT - 1) < 0)
		return false;
	for (size_t i = 0; i < CRYO_BPF_PID_LIMIT; i++)
		found += bpf->seen[i] != 0;
	for (size_t i = 0; i < count; i++)
		if (!bpf->seen[numbers[i]])
			return false;
	return bpf->seen[1] && found == count + 1;
}

enum {
	NO_NAMESPACE = 120
};

/* In a namespace of its own: its first process; 0: all is well, else where it is not. */
static int sweep_namespace(void)
{
	/* on both sides of where the kernel's table has one level more */
	static const pid_t numbers[] = {2, 62, 63, 64, 65, 4095, 4096, 8000, 20000, 32767, 65536,
		262143, 262144, 300000, 4194302, CRYO_BPF_PID_LIMIT - 1};
	_cleanup_bpf_sweep_ struct cryo_bpf_sweep bpf = CRYO_BPF_SWEEP_NONE;

	if (cryo_bpf_sweep_open(&bpf) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!finds(&bpf, numbers, i) || !start_with_number(numbers[i]))
			return 2 + (int)i;
	return finds(&bpf, numbers, ARRAY_SIZE(numbers)) ? 0 : 100;
}

/* Another process has children there: one that has seen its namespace end cannot make any, which
 * LeakSanitizer wants. Ends with what sweep_namespace() says, or NO_NAMESPACE. */
static noreturn void be_outside(void)
{
	int status = 0;
	pid_t child;

	if (unshare(CLONE_NEWPID) < 0)
		_exit(NO_NAMESPACE);
	child = fork();
	if (child == 0)
		_exit(sweep_namespace());
	waitpid(child, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 101);
}

Test(sweep, by_bpf_wherever_a_number_is)
{
	_cleanup_bpf_sweep_ struct cryo_bpf_sweep bpf = CRYO_BPF_SWEEP_NONE;
	int status, r = cryo_bpf_sweep_open(&bpf);
	pid_t child;

	if (r < 0)
		cr_skip_test("not to be had here: %s", strerror(-r));
	child = fork();
	if (child == 0)
		be_outside();
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_NAMESPACE)
		cr_skip_test("no pid namespace");
	cr_assert_eq(status, 0, "0x%x", status);
}
