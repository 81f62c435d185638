// SPDX-License-Identifier: MIT
/*
 * SHA-256 of two things at once. The instructions of the processor for it wait for one another most
 * of the time: a second chain of them costs little.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CRYO_SHA256_BLOCK = 64
};

/* Whether this processor can. */
bool cryo_sha256_can_pair(void);

/* Take two states (eight words each) forward, each by @blocks blocks of its @data. */
void cryo_sha256_pair(uint32_t *const states[2], const uint8_t *const data[2], size_t blocks);
