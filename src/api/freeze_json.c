// SPDX-License-Identifier: MIT
/*
 * Results of freeze, thaw and list as JSON.
 */
#include <cryocore/freeze.h>

#include "api/json_field.h"

static const char *const freeze_fates[] = {
	"frozen", "frozen-before", "spared", "dead", "gone", "not-frozen"};
static const char *const thaw_fates[] = {"thawed", "running", "gone", "not-thawed"};
static const char *const holds[] = {
	[CRYOCORE_HOLD_NONE] = "no",
	[CRYOCORE_HOLD_OURS] = "cryocore",
	[CRYOCORE_HOLD_STOPPED] = "stopped",
	[CRYOCORE_HOLD_TRACER] = "tracer",
	[CRYOCORE_HOLD_FREEZER] = "freezer",
	[CRYOCORE_HOLD_DUMP] = "dump",
};

static const char *method_name(char method)
{
	switch (method) {
	case 's':
		return "signal";
	case 'c':
		return "cgroup";
	case 'm':
		return "cgroup-moved";
	default:
		return NULL;
	}
}

static struct json_object *make_frozen(const void *source, size_t index)
{
	const struct cryocore_freeze_result *result = source;
	const struct cryocore_frozen *process = &result->processes[index];
	const char found[] = {process->found, 0};
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("pid", process->pid),
		CRYO_NUMBER("start_time", process->start_time),
		CRYO_NUMBER("ppid", process->ppid),
		CRYO_NUMBER("tracer", process->tracer),
		CRYO_TEXT("comm", process->comm),
		CRYO_TEXT("fate", freeze_fates[process->fate]),
		CRYO_TEXT("found", found),
		CRYO_TEXT("method", method_name(process->method)),
		CRYO_NUMBER("order", process->order),
		CRYO_NUMBER("revived", process->revived),
		CRYO_FLAG("then_sent", process->then_sent),
		CRYO_TEXT("hidden_from", process->hidden),
		CRYO_TEXT("reason", process->reason),
		CRYO_NUMBER("errno", process->error),
	};

	return CRYO_JSON_OBJECT(fields);
}

int cryocore_freeze_result_json(const struct cryocore_freeze_result *result, char **ret_json)
{
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("frozen", result->n_frozen),
		CRYO_NUMBER("frozen_before", result->n_before),
		CRYO_NUMBER("spared", result->n_spared),
		CRYO_NUMBER("not_frozen", result->n_failed),
		CRYO_NUMBER("revived", result->n_revived),
		CRYO_FLAG("dry_run", !result->journal),
		CRYO_FLAG("quiet", result->quiet),
		CRYO_FLAG("cancelled", result->cancelled),
		CRYO_FLAG("thawed", result->thawed),
		CRYO_FLAG("added", result->added),
		CRYO_NUMBER("passes", result->passes),
		CRYO_NUMBER("chases", result->chases),
		CRYO_NUMBER("guard", result->guard),
		CRYO_NUMBER("damaged_records", result->damaged),
		CRYO_NUMBER("duration_ns", result->duration_ns),
	};
	struct json_object *object = CRYO_JSON_OBJECT(fields);

	if (object)
		json_object_object_add(object, "processes",
			cryo_json_array(result, result->n_processes, make_frozen));
	return cryo_json_finish(object, ret_json);
}

static struct json_object *make_thawed(const void *source, size_t index)
{
	const struct cryocore_thaw_result *result = source;
	const struct cryocore_thawed *process = &result->processes[index];
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("pid", process->pid),
		CRYO_NUMBER("start_time", process->start_time),
		CRYO_TEXT("comm", process->comm),
		CRYO_TEXT("fate", thaw_fates[process->fate]),
		CRYO_NUMBER("errno", process->error),
	};

	return CRYO_JSON_OBJECT(fields);
}

int cryocore_thaw_result_json(const struct cryocore_thaw_result *result, char **ret_json)
{
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("thawed", result->n_thawed),
		CRYO_NUMBER("running", result->n_running),
		CRYO_NUMBER("gone", result->n_gone),
		CRYO_NUMBER("not_thawed", result->n_failed),
		CRYO_NUMBER("left", result->n_left),
		CRYO_FLAG("nothing", result->nothing),
		CRYO_FLAG("stale", result->stale),
		CRYO_NUMBER("damaged_records", result->damaged),
		CRYO_NUMBER("journal_errno", result->journal_error),
	};
	struct json_object *object = CRYO_JSON_OBJECT(fields);

	if (object)
		json_object_object_add(object, "processes",
			cryo_json_array(result, result->n_processes, make_thawed));
	return cryo_json_finish(object, ret_json);
}

static struct json_object *make_listed(const void *source, size_t index)
{
	const struct cryocore_list_result *result = source;
	const struct cryocore_listed *process = &result->processes[index];
	const char state[] = {process->state, 0};
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("pid", process->pid),
		CRYO_NUMBER("ppid", process->ppid),
		CRYO_NUMBER("start_time", process->start_time),
		CRYO_TEXT("state", state),
		CRYO_NUMBER("threads", process->n_threads),
		CRYO_NUMBER("uid", process->uid),
		CRYO_NUMBER("tracer", process->tracer),
		CRYO_TEXT("tracer_comm", process->tracer_comm),
		CRYO_TEXT("comm", process->comm),
		CRYO_TEXT("comm_hex", process->comm_hex),
		CRYO_TEXT("frozen", holds[process->hold]),
		CRYO_FLAG("kernel", process->is_kernel),
		CRYO_TEXT("hidden_from", process->hidden),
	};

	return CRYO_JSON_OBJECT(fields);
}

int cryocore_list_result_json(const struct cryocore_list_result *result, char **ret_json)
{
	struct cryo_json_field fields[] = {
		CRYO_NUMBER("hidden", result->n_hidden),
		CRYO_NUMBER("journal_errno", result->journal_error),
	};
	struct json_object *object = CRYO_JSON_OBJECT(fields);

	if (object)
		json_object_object_add(object, "processes",
			cryo_json_array(result, result->n_processes, make_listed));
	return cryo_json_finish(object, ret_json);
}
