// SPDX-License-Identifier: MIT
/*
 * fib_trie prints each prefix of the routing tables as "|-- ADDRESS", and in the lines behind it
 * each length and type: "/32 host LOCAL" is an address of the namespace. The tables "Main" and
 * "Local" may be one, and are then printed twice.
 */
#include "proc/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "proc/procfs.h"
#include "proc/text.h"

enum {
	TABLE_LIMIT = 1 << 26 /* bytes: a router may know a million routes */
};

void cryo_addresses_clear(struct cryo_addresses *addresses)
{
	free(addresses->array);
	*addresses = (struct cryo_addresses){0};
}

static int add(struct cryo_addresses *addresses, const struct cryo_address *address)
{
	struct cryo_address *added = cryo_array_add(addresses->array, addresses->count);

	if (!added)
		return -ENOMEM;
	*added = *address;
	return 0;
}

/* "|-- 192.0.2.1" */
static bool take_prefix(struct cryo_text *line, struct cryo_address *address)
{
	char text[INET_ADDRSTRLEN] = "";

	if (!cryo_text_key(line, "|-- ", 4) || cryo_text_size(line) >= sizeof(text))
		return false;
	memcpy(text, line->at, cryo_text_size(line));
	*address = (struct cryo_address){.family = AF_INET};
	return inet_pton(AF_INET, text, address->bytes) == 1;
}

static bool is_local(const struct cryo_text *line)
{
	static const char wanted[] = "/32 host LOCAL";

	return cryo_text_size(line) >= strlen(wanted) &&
	       memcmp(line->at, wanted, strlen(wanted)) == 0;
}

int cryo_addresses_parse_trie(const char *text, size_t size, struct cryo_addresses *addresses)
{
	struct cryo_text at = cryo_text_of(text, size), line;
	struct cryo_address address = {0};
	int r = 0;

	while (r == 0 && cryo_text_line(&at, &line)) {
		struct cryo_address next;

		cryo_text_skip_blanks(&line);
		if (take_prefix(&line, &next))
			address = next;
		else if (address.family && is_local(&line))
			r = add(addresses, &address);
	}
	return r;
}

/* 32 digits */
static bool take_hex(struct cryo_text *line, struct cryo_address *address)
{
	*address = (struct cryo_address){.family = AF_INET6};
	for (size_t i = 0; i < sizeof(address->bytes); i++) {
		struct cryo_text digits = {line->at, line->at + 2};
		uint64_t byte;

		if (cryo_text_size(line) < 2 || *digits.at == ' ' ||
			!cryo_text_number(&digits, 16, &byte) || digits.at != digits.end)
			return false;
		address->bytes[i] = (uint8_t)byte;
		line->at += 2;
	}
	return true;
}

int cryo_addresses_parse_inet6(const char *text, size_t size, struct cryo_addresses *addresses)
{
	struct cryo_text at = cryo_text_of(text, size), line;
	int r = 0;

	while (r == 0 && cryo_text_line(&at, &line)) {
		struct cryo_address address;

		if (take_hex(&line, &address))
			r = add(addresses, &address);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct cryo_address *left = a, *right = b;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	return memcmp(left->bytes, right->bytes, sizeof(left->bytes));
}

static int load(int task, const char *file,
	int (*parse)(const char *text, size_t size, struct cryo_addresses *addresses),
	struct cryo_addresses *addresses)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_procfs_read(task, file, TABLE_LIMIT, &text);

	if (r == -ENOMEM)
		return r;
	if (r == -ENOENT) /* a kernel without this family */
		return 0;
	addresses->truncated |= r != 0;
	return r < 0 ? 0 : parse((const char *)text.data, text.size, addresses);
}

int cryo_addresses_load(int task, struct cryo_addresses *ret_addresses)
{
	struct cryo_addresses addresses = {0};
	int r = load(task, "net/fib_trie", cryo_addresses_parse_trie, &addresses);

	if (r == 0)
		r = load(task, "net/if_inet6", cryo_addresses_parse_inet6, &addresses);
	if (r < 0) {
		cryo_addresses_clear(&addresses);
		return r;
	}
	if (addresses.count)
		qsort(addresses.array, addresses.count, sizeof(*addresses.array), compare);
	*ret_addresses = addresses;
	return 0;
}

bool cryo_addresses_have(const struct cryo_addresses *addresses, const struct cryo_address *address)
{
	return addresses->truncated ||
	       (addresses->count && bsearch(address, addresses->array, addresses->count,
					    sizeof(*addresses->array), compare));
}

bool cryo_address_is_loopback(const struct cryo_address *address)
{
	static const uint8_t one[16] = {[15] = 1};

	if (address->family == AF_INET)
		return address->bytes[0] == 127;
	return memcmp(address->bytes, one, sizeof(one)) == 0;
}
