// SPDX-License-Identifier: MIT
/* Status files of this kernel, older ones, nested namespaces, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/buffer.h"
#include "fixture.h"
#include "proc/procfs.h"
#include "proc/status.h"

/* The least that a status file must say. */
#define LEAST                                                                                      \
	"State:\tR (running)\nTgid:\t5\nPid:\t6\n"                                                 \
	"SigPnd:\t0000000000000100\nShdPnd:\t1\nSigBlk:\tffffffffffffffff\nSigIgn:\t0\nSigCgt:"    \
	"\t8000000"                                                                                \
	"000000000\n"

static int parse(const char *text, struct cryo_status *ret_status)
{
	_cleanup_fixture_ struct fixture exact = fixture_of(text, strlen(text));

	return cryo_status_parse(exact.text, exact.size, ret_status);
}

Test(status, of_this_kernel)
{
	_cleanup_fixture_ struct fixture text = fixture_load("10497/status");
	struct cryo_status status;

	cr_assert_eq(cryo_status_parse(text.text, text.size, &status), 0);
	cr_assert_eq(status.state, 'S');
	cr_assert_eq(status.tgid, 10497);
	cr_assert_eq(status.pid, 10497);
	cr_assert_eq(status.ppid, 10479);
	cr_assert_eq(status.tracer, 0);
	cr_assert_eq(status.ns_pid.count, 1);
	cr_assert_eq(status.ns_pid.ids[0], 10497);
	cr_assert_eq(status.ns_sid.ids[0], 3510);
	cr_assert_eq(status.threads, 1);
	cr_assert_gt(status.vm_rss_kb, 0);
	cr_assert_gt(status.vm_pte_kb, 0);
	cr_assert_eq(status.no_new_privs, 0);
	cr_assert_eq(status.seccomp, 0);
	cr_assert_neq(status.cap_effective, 0);
}

Test(status, of_a_kernel_thread)
{
	_cleanup_fixture_ struct fixture text = fixture_load("2/status");
	struct cryo_status status;

	cr_assert_eq(cryo_status_parse(text.text, text.size, &status), 0);
	cr_assert_eq(status.ignored, UINT64_MAX);
	cr_assert_eq(status.vm_rss_kb, 0);
}

Test(status, what_an_old_kernel_does_not_print_is_empty)
{
	struct cryo_status status;

	cr_assert_eq(parse(LEAST, &status), 0);
	cr_assert_eq(status.tgid, 5);
	cr_assert_eq(status.pid, 6);
	cr_assert_eq(status.sig_pending, 0x100);
	cr_assert_eq(status.shared_pending, 1);
	cr_assert_eq(status.blocked, UINT64_MAX);
	cr_assert_eq(status.caught, 0x8000000000000000);
	cr_assert_eq(status.ns_pid.count, 0);
	cr_assert_eq(status.no_new_privs, -1);
	cr_assert_eq(status.seccomp, -1);
}

Test(status, whether_the_kernel_writes_its_core)
{
	struct cryo_status status;

	cr_assert_eq(parse(LEAST, &status), 0);
	cr_assert_eq(status.core_dumping, -1);
	cr_assert_eq(parse(LEAST "CoreDumping:\t1\n", &status), 0);
	cr_assert_eq(status.core_dumping, 1);
}

Test(status, nested_namespaces_and_unmapped_ids)
{
	struct cryo_status status;

	cr_assert_eq(parse(LEAST "Uid:\t4294967295\t1\t2\t3\nGid:\t4\t5\t6\t7\nNSpid:\t6\t77\t1\n"
				 "NSpgid:\t0\t0\t1\nTracerPid:\t9",
			     &status),
		0);
	cr_assert_eq(status.uid[0], UINT32_MAX);
	cr_assert_eq(status.uid[3], 3);
	cr_assert_eq(status.gid[2], 6);
	cr_assert_eq(status.ns_pid.count, 3);
	cr_assert_eq(status.ns_pid.ids[1], 77);
	cr_assert_eq(status.ns_pid.ids[2], 1);
	cr_assert_eq(status.ns_pgid.count, 3);
	cr_assert_eq(status.tracer, 9);
}

Test(status, a_name_cannot_forge_a_line)
{
	struct cryo_status status;

	cr_assert_eq(parse("Name:\tx\\nPid:\\t1\n" LEAST "XPid:\t9\nPidX:\t9\n", &status), 0);
	cr_assert_eq(status.pid, 6);
}

Test(status, more_levels_than_the_kernel_has_are_refused)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_status status;

	cr_assert_eq(cryo_buffer_printf(&text, LEAST "NSpid:"), 0);
	for (int i = 1; i <= CRYO_NS_LEVELS; i++)
		cr_assert_eq(cryo_buffer_printf(&text, "\t%d", i), 0);
	cr_assert_eq(parse((char *)text.data, &status), 0);
	cr_assert_eq(status.ns_pid.count, CRYO_NS_LEVELS);
	cr_assert_eq(cryo_buffer_printf(&text, "\t1\n"), 0);
	cr_assert_eq(parse((char *)text.data, &status), -EBADMSG);
}

Test(status, malformed_text_is_refused_and_nothing_written)
{
	static const char *const texts[] = {"", "\n", "Pid:\t1\n", LEAST "Pid:\tx\n",
		LEAST "Pid:\t-1\n", LEAST "Pid:\t2147483648\n", LEAST "State:\n",
		LEAST "SigBlk:\t10000000000000000\n", LEAST "Uid:\t0\t0\t0\n",
		LEAST "Uid:\t4294967296\t0\t0\t0\n", LEAST "NSpid:\t\n", LEAST "NSpid:\t1\t?\n",
		LEAST "Pid:"};
	struct cryo_status status = {.pid = 4711};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_assert_eq(parse(texts[i], &status), -EBADMSG, "%zu", i);
		cr_assert_eq(status.pid, 4711);
	}
}

Test(status, every_cut_is_refused_or_parsed_within_its_bytes)
{
	_cleanup_fixture_ struct fixture whole = fixture_load("10497/status");

	for (size_t size = 0; size < whole.size; size++) {
		_cleanup_fixture_ struct fixture cut = fixture_of(whole.text, size);
		struct cryo_status status;
		int r = cryo_status_parse(cut.text, cut.size, &status);

		cr_assert(r == 0 || r == -EBADMSG);
	}
}

Test(status, of_ourselves)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc"), dir = -1;
	struct cryo_status status;

	dir = cryo_procfs_open_process(procfs, getpid());
	cr_assert_eq(cryo_status_read(dir, &status), 0);
	cr_assert_eq(status.pid, getpid());
	cr_assert_eq(status.uid[0], getuid());
	cr_assert_eq(status.ns_pid.ids[0], getpid());
}
