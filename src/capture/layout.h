// SPDX-License-Identifier: MIT
/*
 * Where the data of a core will lie in its file, before any of it is read: what an archive has to
 * know of a sparse file before its first byte.
 */
#pragma once

#include "capture/output.h"
#include "capture/walk.h"

/**
 * cryo_layout_find - the stretches of data of a planned core.
 * @tail: bytes that will follow the last segment
 * @ret_stretches: malloc'ed; head, what is in memory or in mapped files, tail
 *
 * The target should stand still between this and the writing. 0 or -errno.
 */
int cryo_layout_find(const struct cryo_plan *plan, const struct cryo_inspector *inspector,
	uint64_t tail, struct cryo_stretch **ret_stretches, size_t *ret_count);
