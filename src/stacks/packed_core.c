// SPDX-License-Identifier: MIT
#include "stacks/packed_core.h"

#include <errno.h>

#include "base/cleanup.h"
#include "elf/core_keep.h"

int cryo_packed_core_open(int fd)
{
	_cleanup_(cryo_core_keep_clear) struct cryo_core_keep keep = CRYO_CORE_KEEP_NONE;
	_cleanup_input_ struct cryo_input *input = NULL;
	int r = cryo_input_open(fd, &input);

	if (r < 0)
		return r;
	if (!cryo_input_is_compressed(input))
		return -ENOEXEC;
	r = cryo_core_keep_input(input, CRYO_KEEP_STACKS, &keep);
	return r == 0 || r == -ENODATA || r == -EBADMSG ? steal_fd(&keep.fd) : r;
}
