// SPDX-License-Identifier: MIT
/*
 * What the kernel checks for ptrace is who we are, and borrowed capabilities make that say yes to
 * everything. So the question that matters is asked here again, about the user.
 */
#include "capture/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"

static const uint32_t kept = 1U << CAP_SYS_PTRACE | 1U << CAP_DAC_READ_SEARCH;

bool cryo_privilege_is_borrowed(void)
{
	return getuid() != 0 && getauxval(AT_SECURE);
}

/* Permitted: what we have of the kept ones. Effective: the same, or nothing. */
static int set_capabilities(bool effective)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	uint32_t permitted;

	if (syscall(SYS_capget, &header, sets) < 0)
		return -errno;
	permitted = sets[0].permitted & kept;
	sets[0] = (struct __user_cap_data_struct){effective ? permitted : 0, permitted, 0};
	sets[1] = (struct __user_cap_data_struct){0};
	return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}

int cryo_privilege_drop(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (!cryo_privilege_is_borrowed())
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setresgid(gid, gid, gid) < 0 ||
		setresuid(uid, uid, uid) < 0)
		return -errno;
	return set_capabilities(false);
}

void cryo_privilege_raise(void)
{
	if (cryo_privilege_is_borrowed())
		set_capabilities(true);
}

void cryo_privilege_lower(void)
{
	if (cryo_privilege_is_borrowed())
		set_capabilities(false);
}

bool cryo_privilege_allows(const struct cryo_status *target)
{
	if (!cryo_privilege_is_borrowed())
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(target->uid); i++)
		if (target->uid[i] != getuid() || target->gid[i] != getgid())
			return false;
	return true;
}
