// SPDX-License-Identifier: MIT
/*
 * What a reader leaves that was killed and cannot speak of it any more; told by the names there
 * are.
 */
#pragma once

#include <cryocore/cryocore.h>

#include "capture/request.h"

/* Name the .partial files that are there, in messages of the result. */
void cryo_leftover_tell(const struct cryo_request *request, struct cryocore_result *result);

/* Remove the .partial files that a reader has made. */
void cryo_leftover_remove(const struct cryo_request *request, const struct cryo_shared *shared);

/* Whether the core has its final name, which it gets when it is whole. */
bool cryo_leftover_has_core(const struct cryo_request *request);
