// SPDX-License-Identifier: MIT
/*
 * JSON objects out of tables of fields. Texts must be valid UTF-8 (base/escape.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_api.h"

enum cryo_json_kind {
	CRYO_JSON_NUMBER,
	CRYO_JSON_TEXT, /* NULL becomes null */
	CRYO_JSON_FLAG,
};

struct cryo_json_field {
	const char *name;
	enum cryo_json_kind kind;
	const char *text;
	uint64_t number;
};

#define CRYO_NUMBER(name_, value)                                                                  \
	{                                                                                          \
		.name = name_, .number = (uint64_t)(value)                                         \
	}
#define CRYO_TEXT(name_, value)                                                                    \
	{                                                                                          \
		.name = name_, .kind = CRYO_JSON_TEXT, .text = value                               \
	}
#define CRYO_FLAG(name_, value)                                                                    \
	{                                                                                          \
		.name = name_, .kind = CRYO_JSON_FLAG, .number = (value)                           \
	}

/* An object of these fields, or NULL when memory is short, or json-c cannot be loaded. */
struct json_object *cryo_json_object(const struct cryo_json_field *fields, size_t count);

#define CRYO_JSON_OBJECT(fields) cryo_json_object(fields, sizeof(fields) / sizeof((fields)[0]))

/**
 * cryo_json_array - an array.
 * @make: called with @source and each index
 */
struct json_object *cryo_json_array(const void *source, size_t count,
	struct json_object *(*make)(const void *source, size_t index));

/* Turn an object into one line, malloc'ed, and drop it. 0, -ELIBACC (json-c cannot be
 * loaded) or -ENOMEM, both for NULL too. */
int cryo_json_finish(struct json_object *object, char **ret_json);
