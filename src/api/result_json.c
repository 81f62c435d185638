// SPDX-License-Identifier: MIT
/*
 * A result as JSON. Its strings were escaped when they came in, so they are valid UTF-8.
 */
#include <cryocore/cryocore.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static const char *const outcomes[] = {"complete", "partial", "failed"};
static const char *const severities[] = {"info", "warning", "error"};

/* An object of numbers and strings; a row with neither string nor number set is null. */
struct field {
	const char *name;
	const char *text;
	uint64_t number;
	bool is_text;
};

#define NUMBER(name_, value)                                                                       \
	{                                                                                          \
		.name = name_, .number = (uint64_t)(value)                                         \
	}
#define TEXT(name_, value)                                                                         \
	{                                                                                          \
		.name = name_, .text = value, .is_text = true                                      \
	}

static struct json_object *field_value(const struct field *field)
{
	if (!field->is_text)
		return json_object_new_uint64(field->number);
	return field->text ? json_object_new_string(field->text) : NULL;
}

static struct json_object *make_object(const struct field *fields, size_t count)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; object && i < count; i++)
		if (json_object_object_add(object, fields[i].name, field_value(&fields[i])) < 0) {
			json_object_put(object);
			return NULL;
		}
	return object;
}

#define MAKE_OBJECT(fields) make_object(fields, sizeof(fields) / sizeof((fields)[0]))

static struct json_object *make_message(const struct cryocore_result *result, size_t i)
{
	const struct cryocore_message *message = &result->messages[i];
	struct field fields[] = {TEXT("severity", severities[message->severity]),
		NUMBER("errno", message->error), TEXT("text", message->text)};

	return MAKE_OBJECT(fields);
}

static struct json_object *make_gap(const struct cryocore_result *result, size_t i)
{
	const struct cryocore_gap *gap = &result->gaps[i];
	struct field fields[] = {
		NUMBER("start", gap->start), NUMBER("end", gap->end), NUMBER("errno", gap->error)};

	return MAKE_OBJECT(fields);
}

static struct json_object *make_mapping(const struct cryocore_result *result, size_t i)
{
	const struct cryocore_mapping *row = &result->mappings[i];
	struct field fields[] = {NUMBER("start", row->start), NUMBER("end", row->end),
		NUMBER("file_size", row->file_size), NUMBER("present", row->present),
		TEXT("permissions", row->permissions), TEXT("reason", row->reason),
		TEXT("name", row->name)};

	return MAKE_OBJECT(fields);
}

static struct json_object *make_array(const struct cryocore_result *result, size_t count,
	struct json_object *(*make)(const struct cryocore_result *result, size_t i))
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < count; i++)
		json_object_array_add(array, make(result, i));
	return array;
}

static struct json_object *make_result(const struct cryocore_result *result)
{
	struct field fields[] = {
		NUMBER("pid", result->pid),
		TEXT("comm", result->comm),
		TEXT("outcome", outcomes[result->outcome]),
		TEXT("core", result->core_path),
		TEXT("exe", result->exe_path),
		NUMBER("core_size", result->core_size),
		NUMBER("data_bytes", result->data_bytes),
		NUMBER("pause_ns", result->pause_ns),
		NUMBER("total_ns", result->total_ns),
		NUMBER("started_ns", result->started_ns),
		NUMBER("ended_ns", result->ended_ns),
		NUMBER("threads", result->n_threads),
		NUMBER("threads_with_registers", result->n_registers),
		NUMBER("gap_count", result->n_gaps),
		NUMBER("gap_bytes", result->gap_bytes),
	};

	return MAKE_OBJECT(fields);
}

int cryocore_result_json(const struct cryocore_result *result, char **ret_json)
{
	struct json_object *object = make_result(result);
	const char *text;

	if (!object)
		return -ENOMEM;
	json_object_object_add(object, "gaps", make_array(result, result->gaps_kept, make_gap));
	json_object_object_add(
		object, "messages", make_array(result, result->n_messages, make_message));
	json_object_object_add(
		object, "mappings", make_array(result, result->n_mappings, make_mapping));
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	*ret_json = text ? strdup(text) : NULL;
	json_object_put(object);
	return *ret_json ? 0 : -ENOMEM;
}
