// SPDX-License-Identifier: MIT
/*
 * The addresses of a network namespace: what is sent to one of them stays in it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* @family: AF_INET or AF_INET6; @bytes: as in a packet, zeros behind 4 bytes of AF_INET. */
struct cryo_address {
	uint16_t family;
	uint8_t bytes[16];
};

/* @truncated: there are more than were read, or they cannot be read. */
struct cryo_addresses {
	struct cryo_address *array;
	size_t count;
	bool truncated;
};

void cryo_addresses_clear(struct cryo_addresses *addresses);

/* Append those of /proc/PID/net/fib_trie (net/ipv4/fib_trie.c fib_trie_seq_show()). 0 or -ENOMEM.
 */
int cryo_addresses_parse_trie(const char *text, size_t size, struct cryo_addresses *addresses);

/* Append those of /proc/PID/net/if_inet6 (net/ipv6/addrconf.c if6_seq_show()). 0 or -ENOMEM. */
int cryo_addresses_parse_inet6(const char *text, size_t size, struct cryo_addresses *addresses);

/* Both, of the namespace of the process that a directory of procfs is of. 0 or -ENOMEM. */
int cryo_addresses_load(int task, struct cryo_addresses *ret_addresses);

/* Whether an address is one of them. */
bool cryo_addresses_have(
	const struct cryo_addresses *addresses, const struct cryo_address *address);

/* Whether it leads to the namespace itself, in every namespace: 127.0.0.0/8 and ::1. */
bool cryo_address_is_loopback(const struct cryo_address *address);
