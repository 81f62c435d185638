// SPDX-License-Identifier: MIT
/*
 * A collection as JSON: a line for each process, and one for the whole.
 */
#include <cryocore/evidence.h>

#include "api/json_field.h"

static const char *const outcomes[] = {"complete", "partial", "failed"};
static const char *const severities[] = {"info", "warning", "error"};

static struct json_object *make_message(const void *source, size_t index)
{
	const struct cryocore_message *message = &((const struct cryocore_message *)source)[index];
	struct cryo_json_field fields[] = {CRYO_TEXT("severity", severities[message->severity]),
		CRYO_NUMBER("errno", message->error), CRYO_TEXT("text", message->text)};

	return CRYO_JSON_OBJECT(fields);
}

/* Add an array of messages. The object, or NULL when memory was short. */
static struct json_object *with_messages(
	struct json_object *object, const struct cryocore_message *messages, size_t count)
{
	struct json_object *array;

	if (cryo_json_ready() < 0)
		return NULL;
	array = cryo_json_array(messages, count, make_message);
	if (object && array && json_object_object_add(object, "messages", array) == 0)
		return object;
	json_object_put(array);
	json_object_put(object);
	return NULL;
}

int cryocore_gathered_json(const struct cryocore_gathered *process, char **ret_json)
{
	const struct cryocore_result *capture = process->capture;
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("pid", process->pid),
		CRYO_NUMBER("start_time", process->start_time),
		CRYO_TEXT("comm", process->comm),
		CRYO_TEXT("outcome", outcomes[process->outcome]),
		CRYO_FLAG("kernel_thread", process->kernel_thread),
		CRYO_FLAG("zombie", process->zombie),
		CRYO_FLAG("gone", process->gone),
		CRYO_TEXT("hidden", process->hidden),
		CRYO_NUMBER("items", process->items),
		CRYO_NUMBER("items_missing", process->items_missing),
		CRYO_NUMBER("pause_ns", capture ? capture->pause_ns : 0),
		CRYO_NUMBER("data_bytes", capture ? capture->data_bytes : 0),
	};

	return cryo_json_finish(
		with_messages(CRYO_JSON_OBJECT(fields), capture ? capture->messages : NULL,
			capture ? capture->n_messages : 0),
		ret_json);
}

int cryocore_gather_result_json(const struct cryocore_gather_result *result, char **ret_json)
{
	struct cryo_json_field fields[] = {
		CRYO_TEXT("outcome", outcomes[result->outcome]),
		CRYO_NUMBER("processes", result->processes),
		CRYO_NUMBER("kernel_threads", result->kernel_threads),
		CRYO_NUMBER("complete", result->complete),
		CRYO_NUMBER("partial", result->partial),
		CRYO_NUMBER("failed", result->failed),
		CRYO_NUMBER("files", result->files),
		CRYO_NUMBER("bytes", result->bytes),
		CRYO_NUMBER("items_missing", result->items_missing),
		CRYO_NUMBER("frozen", result->frozen),
		CRYO_NUMBER("not_frozen", result->not_frozen),
		CRYO_NUMBER("left_frozen", result->left_frozen),
		CRYO_NUMBER("total_ns", result->total_ns),
		CRYO_TEXT("manifest_sha256", result->manifest_sha256),
	};

	return cryo_json_finish(
		with_messages(CRYO_JSON_OBJECT(fields), result->messages, result->n_messages),
		ret_json);
}
