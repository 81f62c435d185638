// SPDX-License-Identifier: MIT
/* Marks that let their owner decide, among those that only tell. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proc/fanotify.h"
#include "proc/procfs.h"

static bool parse(const char *text)
{
	return cryo_fanotify_parse(text, strlen(text));
}

Test(fanotify, marks)
{
	cr_assert(parse("pos:\t0\nflags:\t02000002\nfanotify flags:4 event-flags:8000\n"
			"fanotify mnt_id:1b mflags:0 mask:10000 ignored_mask:0\n"));
	cr_assert(parse("fanotify ino:1 sdev:fe00000 mflags:0 mask:20003b ignored_mask:0\n"
			"fanotify sdev:fe00000 mflags:0 mask:20000 ignored_mask:0"));
	cr_assert_not(parse("fanotify ino:1 sdev:1 mflags:10000 mask:3b ignored_mask:10000\n"));
	cr_assert_not(parse("fanotify flags:4 event-flags:8000\n"));
	cr_assert_not(parse("inotify wd:1 ino:1 sdev:1 mask:10000 ignored_mask:0\n"));
	cr_assert_not(cryo_fanotify_parse(NULL, 0));
}

Test(fanotify, we_decide_nothing)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_close_ int process = cryo_procfs_open_process(procfs, getpid());

	cr_assert_not(cryo_fanotify_decides(process));
}
