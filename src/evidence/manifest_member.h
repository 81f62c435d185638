// SPDX-License-Identifier: MIT
/*
 * Members of the objects in manifest.json. A function returns false when memory is short, and the
 * object is then thrown away as a whole by its maker.
 */
#pragma once

#include <stdbool.h>

#include "base/json_api.h"
#include "evidence/deposit.h"

/* Any value; it belongs to the object from then on, and is freed on an error. NULL is an error. */
bool cryo_member_add(struct json_object *object, const char *key, struct json_object *value);

bool cryo_member_number(struct json_object *object, const char *key, uint64_t number);
bool cryo_member_flag(struct json_object *object, const char *key, bool flag);

/* Text of our own. NULL adds nothing. */
bool cryo_member_text(struct json_object *object, const char *key, const char *text);

/* CLOCK_REALTIME in ns. */
bool cryo_member_time(struct json_object *object, const char *key, uint64_t ns);

/* "sha256", or "sha256_sparse". */
bool cryo_member_digest(struct json_object *object, const struct cryo_deposit_sum *sum);

/* Bytes in hexadecimal. */
bool cryo_member_hex(struct json_object *object, const char *key, const uint8_t *data, size_t size);

/* Bytes of somebody else: escaped, and as KEY_hex too if that changed them. */
bool cryo_member_bytes(struct json_object *object, const char *key, const char *data, size_t size);

/* The same of a string. NULL adds nothing. */
bool cryo_member_string(struct json_object *object, const char *key, const char *text);

/* "errno" and "error". 0 adds nothing. */
bool cryo_member_error(struct json_object *object, int error);
