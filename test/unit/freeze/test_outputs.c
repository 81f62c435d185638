// SPDX-License-Identifier: MIT
/* Whose help a file system needs. */
#include "freeze/outputs.h"

#include <criterion/criterion.h>
#include <sys/stat.h>

#include "proc/procfs.h"

Test(outputs, have_helpers_only_of_their_kind)
{
	cr_assert(cryo_outputs_is_helper(CRYO_BACKING_NFS, "rpc.gssd"));
	cr_assert(cryo_outputs_is_helper(CRYO_BACKING_ISCSI | CRYO_BACKING_NFS, "iscsid"));
	cr_assert(cryo_outputs_is_helper(CRYO_BACKING_MULTIPATH, "multipathd"));
	cr_assert_not(cryo_outputs_is_helper(CRYO_BACKING_NFS, "iscsid"));
	cr_assert_not(cryo_outputs_is_helper(0, "iscsid"));
	cr_assert_not(cryo_outputs_is_helper(~0u, "iscsid2"));
}

Test(outputs, on_a_local_disk_need_nobody)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_outputs_ struct cryo_outputs outputs = {0};

	cr_assert_eq(cryo_outputs_add(procfs, "/proc/not/there/yet", 1, &outputs), 0);
	cr_assert_eq(outputs.needs.count, 0);
	cr_assert_eq(outputs.backings, 0);
}
