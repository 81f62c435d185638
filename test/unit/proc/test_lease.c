// SPDX-License-Identifier: MIT
/* Leases among locks of all kinds, and a lease of our own, which nobody notices. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "proc/lease.h"

static const char text[] = "1: POSIX  ADVISORY  WRITE 5 00:1a:99 0 EOF\n"
			   "2: LEASE  ACTIVE    READ  7 08:01:131 0 EOF\n"
			   "3: LEASE  BREAKING  READ 7 08:01:132 0 EOF\n"
			   "4: LEASE  ACTIVE    WRITE 7 103:02:133 0 EOF\n"
			   "4: -> FLOCK  ADVISORY  WRITE 8 103:02:133 0 EOF\n"
			   "5: LEASE  ACTIVE    WRITE -1 00:1b:18446744073709551615 0 EOF\n"
			   "6: DELEG  ACTIVE    WRITE 9 08:01:134 0 EOF\n"
			   "7: LEASE  ACTIVE    WRITE 9 08:01";

Test(lease, among_others)
{
	struct cryo_lease leases[4];

	cr_assert_eq(cryo_leases_parse(text, sizeof(text) - 1, leases, 4), 2);
	cr_assert_eq(leases[0].device, makedev(0x103, 2));
	cr_assert_eq(leases[0].inode, 133);
	cr_assert_eq(leases[1].device, makedev(0, 0x1b));
	cr_assert_eq(leases[1].inode, UINT64_MAX);
	cr_assert_eq(cryo_leases_parse(text, sizeof(text) - 1, leases, 0), 2, "no room");
	cr_assert_eq(cryo_leases_parse("", 0, NULL, 0), 0);
}

Test(lease, a_file_with_one)
{
	char name[] = "/tmp/cryocore-lease-XXXXXX";
	int fd = mkstemp(name), other;
	sigset_t set;

	cr_assert_geq(fd, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	other = cryo_lease_open(AT_FDCWD, name);
	cr_assert_geq(other, 0, "a file without one");
	close(other);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
		usleep(150000); /* what is known by then is forgotten */
		cr_expect_eq(cryo_lease_open(AT_FDCWD, name), -EAGAIN, "it is left alone");
		cr_expect_eq(sigpending(&set), 0);
		cr_expect_not(sigismember(&set, SIGIO), "and nobody was told");
	}
	unlink(name);
	close(fd);
}
