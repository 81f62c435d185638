// SPDX-License-Identifier: MIT
/*
 * json-c, loaded when JSON is first written or read. Its functions are called by their own names.
 */
#pragma once

#include <json-c/json.h>

#include "base/library.h"

/* Every function of json-c that is used. */
#define CRYO_JSON_FUNCTIONS(F)                                                                     \
	F(json_object_array_add)                                                                   \
	F(json_object_array_get_idx)                                                               \
	F(json_object_array_length)                                                                \
	F(json_object_get)                                                                         \
	F(json_object_get_int64)                                                                   \
	F(json_object_get_object)                                                                  \
	F(json_object_get_string)                                                                  \
	F(json_object_get_uint64)                                                                  \
	F(json_object_is_type)                                                                     \
	F(json_object_new_array)                                                                   \
	F(json_object_new_boolean)                                                                 \
	F(json_object_new_int64)                                                                   \
	F(json_object_new_object)                                                                  \
	F(json_object_new_string)                                                                  \
	F(json_object_new_uint64)                                                                  \
	F(json_object_object_add)                                                                  \
	F(json_object_object_get_ex)                                                               \
	F(json_object_put)                                                                         \
	F(json_object_to_json_string_ext)                                                          \
	F(json_tokener_free)                                                                       \
	F(json_tokener_new)                                                                        \
	F(json_tokener_parse_ex)

struct cryo_json_api {
	CRYO_JSON_FUNCTIONS(CRYO_LIBRARY_POINTER)
};

extern const struct cryo_json_api *cryo_json;

/* To be asked before any of them is called. 0, or -ELIBACC: json-c cannot be loaded. */
int cryo_json_ready(void);

#if !defined(CRYOCORE_STATIC) && !defined(CRYO_JSON_NAMES_AS_THEY_ARE)

#define json_object_array_add cryo_json->json_object_array_add
#define json_object_array_get_idx cryo_json->json_object_array_get_idx
#define json_object_array_length cryo_json->json_object_array_length
#define json_object_get cryo_json->json_object_get
#define json_object_get_int64 cryo_json->json_object_get_int64
#define json_object_get_object cryo_json->json_object_get_object
#define json_object_get_string cryo_json->json_object_get_string
#define json_object_get_uint64 cryo_json->json_object_get_uint64
#define json_object_is_type cryo_json->json_object_is_type
#define json_object_new_array cryo_json->json_object_new_array
#define json_object_new_boolean cryo_json->json_object_new_boolean
#define json_object_new_int64 cryo_json->json_object_new_int64
#define json_object_new_object cryo_json->json_object_new_object
#define json_object_new_string cryo_json->json_object_new_string
#define json_object_new_uint64 cryo_json->json_object_new_uint64
#define json_object_object_add cryo_json->json_object_object_add
#define json_object_object_get_ex cryo_json->json_object_object_get_ex
#define json_object_put cryo_json->json_object_put
#define json_object_to_json_string_ext cryo_json->json_object_to_json_string_ext
#define json_tokener_free cryo_json->json_tokener_free
#define json_tokener_new cryo_json->json_tokener_new
#define json_tokener_parse_ex cryo_json->json_tokener_parse_ex

#endif
