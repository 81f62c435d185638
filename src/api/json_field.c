// SPDX-License-Identifier: MIT
/*
 * A table of fields keeps the name of each beside its value, and the functions that fill an object
 * as short as the object is flat.
 */
#include "api/json_field.h"

#include <errno.h>
#include <string.h>

static struct json_object *field_value(const struct cryo_json_field *field)
{
	if (field->kind == CRYO_JSON_NUMBER)
		return json_object_new_uint64(field->number);
	if (field->kind == CRYO_JSON_FLAG)
		return json_object_new_boolean(field->number != 0);
	return field->text ? json_object_new_string(field->text) : NULL;
}

struct json_object *cryo_json_object(const struct cryo_json_field *fields, size_t count)
{
	struct json_object *object = cryo_json_ready() < 0 ? NULL : json_object_new_object();

	for (size_t i = 0; object && i < count; i++)
		if (json_object_object_add(object, fields[i].name, field_value(&fields[i])) < 0) {
			json_object_put(object);
			return NULL;
		}
	return object;
}

struct json_object *cryo_json_array(const void *source, size_t count,
	struct json_object *(*make)(const void *source, size_t index))
{
	struct json_object *array = cryo_json_ready() < 0 ? NULL : json_object_new_array();

	for (size_t i = 0; array && i < count; i++)
		json_object_array_add(array, make(source, i));
	return array;
}

int cryo_json_finish(struct json_object *object, char **ret_json)
{
	const char *text;
	char *copy;
	int r = cryo_json_ready();

	if (r < 0)
		return r;
	text = object ? json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN) : NULL;
	copy = text ? strdup(text) : NULL;
	json_object_put(object);
	if (!copy)
		return -ENOMEM;
	*ret_json = copy;
	return 0;
}
