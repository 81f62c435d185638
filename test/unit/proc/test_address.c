// SPDX-License-Identifier: MIT
/* Addresses of a network namespace, as Linux 6.18 prints them. */
#include "proc/address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proc/procfs.h"

static const char trie[] = "Main:\n"
			   "  +-- 0.0.0.0/0 3 0 5\n"
			   "     |-- 0.0.0.0\n"
			   "        /0 universe UNICAST\n"
			   "     +-- 192.0.2.0/30 2 0 2\n"
			   "        |-- 192.0.2.0\n"
			   "           /24 link UNICAST\n"
			   "        |-- 192.0.2.2\n"
			   "           /32 host LOCAL\n"
			   "     |-- 192.0.2.255\n"
			   "        /32 link BROADCAST\n"
			   "     |-- 192.0.2.nonsense\n"
			   "     |-- 198.51.100.7\n"
			   "        /24 link UNICAST\n"
			   "        /32 host LOCAL";

static const char inet6[] = "00000000000000000000000000000001 01 80 10 80       lo\n"
			    "20010db8000000000000000000000002 04 40 00 82     eth0\n"
			    "20010db80000000000000000000000 04 40 00 82     eth0\n";

static struct cryo_address address(const char *text)
{
	struct cryo_address made = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	cr_assert_eq(inet_pton(made.family, text, made.bytes), 1);
	return made;
}

static bool is(const struct cryo_address *found, const char *text)
{
	struct cryo_address wanted = address(text);

	return memcmp(found, &wanted, sizeof(wanted)) == 0;
}

Test(address, of_version_4)
{
	struct cryo_addresses addresses = {0};

	cr_assert_eq(cryo_addresses_parse_trie(trie, strlen(trie), &addresses), 0);
	cr_assert_eq(addresses.count, 2);
	cr_expect(is(&addresses.array[0], "192.0.2.2"));
	cr_expect(is(&addresses.array[1], "198.51.100.7"));
	cryo_addresses_clear(&addresses);
}

Test(address, of_version_6)
{
	struct cryo_addresses addresses = {0};

	cr_assert_eq(cryo_addresses_parse_inet6(inet6, strlen(inet6), &addresses), 0);
	cr_assert_eq(addresses.count, 2);
	cr_expect(is(&addresses.array[0], "::1"));
	cr_expect(is(&addresses.array[1], "2001:db8::2"));
	cryo_addresses_clear(&addresses);
}

Test(address, of_our_own_namespace)
{
	_cleanup_close_ int procfs = cryo_procfs_open("/proc");
	_cleanup_close_ int self = cryo_procfs_open_process(procfs, getpid());
	struct cryo_address loopback = address("127.0.0.1"), other = address("203.0.113.77");
	struct cryo_addresses addresses;

	cr_assert_eq(cryo_addresses_load(self, &addresses), 0);
	cr_expect_not(addresses.truncated);
	if (addresses.count)
		cr_expect(cryo_addresses_have(&addresses, &loopback));
	cr_expect_not(cryo_addresses_have(&addresses, &other));
	cryo_addresses_clear(&addresses);
}

Test(address, loopback)
{
	static const char *const texts[] = {
		"127.0.0.1", "127.255.0.9", "::1", "128.0.0.1", "::2", "10.0.0.127"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct cryo_address made = address(texts[i]);

		cr_expect_eq(cryo_address_is_loopback(&made), i < 3, "%s", texts[i]);
	}
}
