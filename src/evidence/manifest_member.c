// SPDX-License-Identifier: MIT
#include "evidence/manifest_member.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/escape.h"
#include "evidence/manifest.h"

void cryo_utc_format(uint64_t ns, char ret_text[CRYO_UTC_SIZE])
{
	time_t seconds = (time_t)(ns / CRYO_NSEC_PER_SEC);
	struct tm broken_down;
	size_t length;

	gmtime_r(&seconds, &broken_down);
	length = strftime(ret_text, CRYO_UTC_SIZE, "%Y-%m-%dT%H:%M:%S", &broken_down);
	snprintf(ret_text + length, CRYO_UTC_SIZE - length, ".%09" PRIu64 "Z",
		(uint64_t)(ns % CRYO_NSEC_PER_SEC));
}

bool cryo_member_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(object, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

bool cryo_member_number(struct json_object *object, const char *key, uint64_t number)
{
	return cryo_member_add(object, key, json_object_new_uint64(number));
}

bool cryo_member_flag(struct json_object *object, const char *key, bool flag)
{
	return cryo_member_add(object, key, json_object_new_boolean(flag));
}

bool cryo_member_text(struct json_object *object, const char *key, const char *text)
{
	return !text || cryo_member_add(object, key, json_object_new_string(text));
}

bool cryo_member_time(struct json_object *object, const char *key, uint64_t ns)
{
	char text[CRYO_UTC_SIZE];

	cryo_utc_format(ns, text);
	return cryo_member_text(object, key, text);
}

bool cryo_member_digest(struct json_object *object, const struct cryo_deposit_sum *sum)
{
	char hex[CRYO_DIGEST_HEX_SIZE];

	cryo_hash_hex(sum->sha256, hex);
	return cryo_member_text(object, sum->sparse ? "sha256_sparse" : "sha256", hex);
}

bool cryo_member_hex(struct json_object *object, const char *key, const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct cryo_buffer hex = {0};

	for (size_t i = 0; i < size; i++)
		if (cryo_buffer_printf(&hex, "%02x", data[i]) < 0)
			return false;
	return cryo_member_text(object, key, size ? (const char *)hex.data : "");
}

bool cryo_member_bytes(struct json_object *object, const char *key, const char *data, size_t size)
{
	_cleanup_buffer_ struct cryo_buffer text = {0}, hex_key = {0};

	if (cryo_escape(&text, data, size) < 0 || cryo_buffer_reserve(&text, 1) < 0 ||
		!cryo_member_text(object, key, (const char *)text.data))
		return false;
	if (text.size == size && memcmp(text.data, data, size) == 0)
		return true;
	if (cryo_buffer_printf(&hex_key, "%s_hex", key) < 0)
		return false;
	return cryo_member_hex(object, (const char *)hex_key.data, (const uint8_t *)data, size);
}

bool cryo_member_string(struct json_object *object, const char *key, const char *text)
{
	return !text || cryo_member_bytes(object, key, text, strlen(text));
}

bool cryo_member_error(struct json_object *item, int error)
{
	const char *name = strerrorname_np(error);

	return error == 0 || (cryo_member_number(item, "errno", (uint64_t)error) &&
				     cryo_member_text(item, "error", name ? name : "unknown"));
}
