// SPDX-License-Identifier: MIT
/*
 * A result as JSON. Its strings were escaped when they came in, so they are valid UTF-8.
 */
#include <cryocore/cryocore.h>

#include "api/json_field.h"

static const char *const outcomes[] = {"complete", "partial", "failed"};
static const char *const severities[] = {"info", "warning", "error"};

static const char *const snapshots[] = {[CRYOCORE_SNAPSHOT_NONE] = "none",
	[CRYOCORE_SNAPSHOT_PRECOPY] = "precopy",
	[CRYOCORE_SNAPSHOT_FORK] = "fork"};

static struct json_object *make_message(const void *source, size_t i)
{
	const struct cryocore_result *result = source;
	const struct cryocore_message *message = &result->messages[i];
	struct cryo_json_field fields[] = {CRYO_TEXT("severity", severities[message->severity]),
		CRYO_NUMBER("errno", message->error), CRYO_TEXT("text", message->text)};

	return CRYO_JSON_OBJECT(fields);
}

static struct json_object *make_gap(const void *source, size_t i)
{
	const struct cryocore_result *result = source;
	const struct cryocore_gap *gap = &result->gaps[i];
	struct cryo_json_field fields[] = {CRYO_NUMBER("start", gap->start),
		CRYO_NUMBER("end", gap->end), CRYO_NUMBER("errno", gap->error)};

	return CRYO_JSON_OBJECT(fields);
}

static struct json_object *make_unstopped(const void *source, size_t i)
{
	const struct cryocore_result *result = source;
	const struct cryocore_unstopped *thread = &result->unstopped[i];
	struct cryo_json_field fields[] = {CRYO_NUMBER("tid", thread->tid),
		CRYO_TEXT("registers", thread->registers), CRYO_TEXT("unknown", thread->unknown),
		CRYO_NUMBER("unknown_mask", thread->unknown_mask)};

	return CRYO_JSON_OBJECT(fields);
}

static struct json_object *make_mapping(const void *source, size_t i)
{
	const struct cryocore_result *result = source;
	const struct cryocore_mapping *row = &result->mappings[i];
	struct cryo_json_field fields[] = {CRYO_NUMBER("start", row->start),
		CRYO_NUMBER("end", row->end), CRYO_NUMBER("file_size", row->file_size),
		CRYO_NUMBER("present", row->present), CRYO_TEXT("permissions", row->permissions),
		CRYO_TEXT("reason", row->reason), CRYO_TEXT("name", row->name)};

	return CRYO_JSON_OBJECT(fields);
}

static struct json_object *make_result(const struct cryocore_result *result)
{
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("pid", result->pid),
		CRYO_TEXT("comm", result->comm),
		CRYO_TEXT("outcome", outcomes[result->outcome]),
		CRYO_TEXT("core", result->core_path),
		CRYO_TEXT("exe", result->exe_path),
		CRYO_NUMBER("core_size", result->core_size),
		CRYO_NUMBER("data_bytes", result->data_bytes),
		CRYO_NUMBER("pause_ns", result->pause_ns),
		CRYO_NUMBER("stops", result->n_stops),
		CRYO_NUMBER("pauses_ns", result->pauses_ns),
		CRYO_TEXT("snapshot", snapshots[result->snapshot]),
		CRYO_NUMBER("total_ns", result->total_ns),
		CRYO_NUMBER("started_ns", result->started_ns),
		CRYO_NUMBER("ended_ns", result->ended_ns),
		CRYO_NUMBER("threads", result->n_threads),
		CRYO_NUMBER("threads_with_registers", result->n_registers),
		CRYO_NUMBER("gap_count", result->n_gaps),
		CRYO_NUMBER("gap_bytes", result->gap_bytes),
	};

	return CRYO_JSON_OBJECT(fields);
}

int cryocore_result_json(const struct cryocore_result *result, char **ret_json)
{
	struct json_object *object = make_result(result);

	if (!object)
		return cryo_json_finish(NULL, ret_json);
	json_object_object_add(
		object, "gaps", cryo_json_array(result, result->gaps_kept, make_gap));
	json_object_object_add(
		object, "unstopped", cryo_json_array(result, result->n_unstopped, make_unstopped));
	json_object_object_add(
		object, "messages", cryo_json_array(result, result->n_messages, make_message));
	json_object_object_add(
		object, "mappings", cryo_json_array(result, result->n_mappings, make_mapping));
	return cryo_json_finish(object, ret_json);
}
