// SPDX-License-Identifier: MIT
/* The first byte chooses: fib_trie or if_inet6. */
#include "proc/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryo_addresses addresses = {0};

	if (size == 0)
		return 0;
	if (data[0] & 1)
		cryo_addresses_parse_trie((const char *)data + 1, size - 1, &addresses);
	else
		cryo_addresses_parse_inet6((const char *)data + 1, size - 1, &addresses);
	for (size_t i = 0; i < addresses.count; i++)
		cryo_address_is_loopback(&addresses.array[i]);
	cryo_addresses_clear(&addresses);
	return 0;
}
