// SPDX-License-Identifier: MIT
/*
 * What names the contents of a program or library (NT_GNU_BUILD_ID).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	CRYO_BUILD_ID_MAX = 64,
};

/* Size 0 if there is none. */
struct cryo_build_id {
	uint8_t data[CRYO_BUILD_ID_MAX];
	size_t size;
};
