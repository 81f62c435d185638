// SPDX-License-Identifier: MIT
/*
 * A compressed core, of which what stacks need is unpacked into memory.
 */
#pragma once

/**
 * cryo_packed_core_open - unpack a core.
 * @fd: of a file, at its beginning; stays the caller's
 *
 * What is damaged, or cut, is unpacked as far as it goes. Returns a descriptor, the caller's;
 * -ENOEXEC (it is not compressed, or is no core), or what cryo_core_keep_input() returns.
 */
int cryo_packed_core_open(int fd);
