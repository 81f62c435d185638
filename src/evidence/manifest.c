// SPDX-License-Identifier: MIT
/*
 * json-c makes each object; the array of processes is put together from their texts, so that a
 * machine with many processes needs the memory of one.
 */
#include "evidence/manifest.h"

#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "config.h"
#include "evidence/manifest_member.h"

/* ---- an item ---- */

static bool fill_item(struct json_object *item, pid_t pid, const struct cryo_record *record)
{
	char path[CRYO_SINK_PATH_MAX + 16];

	cryo_item_path(pid, record->name, path);
	if (record->partial && !record->in_place)
		strcat(path, ".partial");
	if (!cryo_member_text(item, "name", record->name) ||
		!cryo_member_time(item, "time", record->time) ||
		!cryo_member_error(item, record->error))
		return false;
	if (!record->made && !record->partial)
		return true;
	return cryo_member_text(item, "path", path) &&
	       cryo_member_number(item, "size", record->sum.size) &&
	       cryo_member_digest(item, &record->sum) &&
	       (!record->partial || cryo_member_flag(item, "partial", true)) &&
	       (!record->cut || cryo_member_flag(item, "cut", true));
}

static bool add_item(struct json_object *items, pid_t pid, const struct cryo_record *record)
{
	struct json_object *item = json_object_new_object();

	if (item && fill_item(item, pid, record) && json_object_array_add(items, item) == 0)
		return true;
	json_object_put(item);
	return false;
}

static struct json_object *make_items(const struct cryo_dossier *dossier)
{
	struct json_object *items = json_object_new_array();
	bool ok = items && (!dossier->core_record.name[0] ||
				   add_item(items, dossier->pid, &dossier->core_record));

	for (size_t i = 0; ok && i < dossier->n_records; i++)
		ok = add_item(items, dossier->pid, &dossier->records[i]);
	if (ok)
		return items;
	json_object_put(items);
	return NULL;
}

/* ---- a capture ---- */

static const char *const severities[] = {"info", "warning", "error"};
static const char *const outcomes[] = {"complete", "partial", "failed"};

static bool add_message(struct json_object *messages, const struct cryocore_message *message)
{
	struct json_object *object = json_object_new_object();

	if (object && cryo_member_text(object, "severity", severities[message->severity]) &&
		cryo_member_error(object, message->error) &&
		cryo_member_text(object, "text", message->text) &&
		json_object_array_add(messages, object) == 0)
		return true;
	json_object_put(object);
	return false;
}

static bool add_messages(struct json_object *capture, const struct cryocore_result *result)
{
	struct json_object *messages = json_object_new_array();
	bool ok = cryo_member_add(capture, "messages", messages);

	for (size_t i = 0; ok && i < result->n_messages; i++)
		ok = add_message(messages, &result->messages[i]);
	return ok;
}

static bool add_gap(struct json_object *gaps, const struct cryocore_gap *gap)
{
	struct json_object *object = json_object_new_object();

	if (object && cryo_member_number(object, "start", gap->start) &&
		cryo_member_number(object, "end", gap->end) &&
		cryo_member_error(object, gap->error) && json_object_array_add(gaps, object) == 0)
		return true;
	json_object_put(object);
	return false;
}

static bool add_gaps(struct json_object *capture, const struct cryocore_result *result)
{
	struct json_object *gaps = json_object_new_array();
	bool ok = cryo_member_add(capture, "gaps", gaps);

	for (size_t i = 0; ok && i < result->gaps_kept; i++)
		ok = add_gap(gaps, &result->gaps[i]);
	return ok;
}

static const char *const snapshots[] = {[CRYOCORE_SNAPSHOT_NONE] = "none",
	[CRYOCORE_SNAPSHOT_PRECOPY] = "precopy",
	[CRYOCORE_SNAPSHOT_FORK] = "fork"};

static bool fill_capture(struct json_object *capture, const struct cryocore_result *result)
{
	return cryo_member_text(capture, "outcome", outcomes[result->outcome]) &&
	       cryo_member_time(capture, "started", result->started_ns) &&
	       cryo_member_time(capture, "ended", result->ended_ns) &&
	       cryo_member_number(capture, "pause_ns", result->pause_ns) &&
	       cryo_member_number(capture, "stops", result->n_stops) &&
	       cryo_member_number(capture, "pauses_ns", result->pauses_ns) &&
	       cryo_member_text(capture, "snapshot", snapshots[result->snapshot]) &&
	       cryo_member_number(capture, "data_bytes", result->data_bytes) &&
	       cryo_member_number(capture, "threads", result->n_threads) &&
	       cryo_member_number(capture, "threads_with_registers", result->n_registers) &&
	       cryo_member_number(capture, "gap_count", result->n_gaps) &&
	       cryo_member_number(capture, "gap_bytes", result->gap_bytes) &&
	       add_gaps(capture, result) && add_messages(capture, result);
}

static bool add_capture(struct json_object *process, const struct cryocore_result *result)
{
	struct json_object *capture;

	if (!result)
		return true;
	capture = json_object_new_object();
	return cryo_member_add(process, "capture", capture) && fill_capture(capture, result);
}

/* ---- a process ---- */

static bool fill_process(struct json_object *process, const struct cryo_dossier *dossier)
{
	const struct cryo_stat *stat = &dossier->stat;

	return cryo_member_number(process, "pid", (uint64_t)dossier->pid) &&
	       cryo_member_number(process, "start_time", dossier->start_time) &&
	       cryo_member_number(process, "ppid", (uint64_t)stat->ppid) &&
	       cryo_member_bytes(process, "comm", stat->comm, strlen(stat->comm)) &&
	       cryo_member_bytes(process, "state", &stat->state, stat->state != 0) &&
	       cryo_member_text(process, "outcome", outcomes[cryo_dossier_outcome(dossier)]) &&
	       cryo_member_flag(process, "kernel_thread", cryo_dossier_is_kernel_thread(dossier)) &&
	       cryo_member_flag(process, "frozen", dossier->frozen) &&
	       cryo_member_flag(process, "gone", dossier->gone) &&
	       cryo_member_text(process, "hidden", dossier->hidden) &&
	       add_capture(process, dossier->core) && cryo_manifest_add_mapped(process, dossier) &&
	       cryo_member_add(process, "items", make_items(dossier));
}

/* Append an object's text, and free it. */
static int print(struct json_object *object, bool ok, struct cryo_buffer *text)
{
	const char *json = ok ? json_object_to_json_string_ext(object,
					JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
			      : NULL;
	int r = json ? cryo_buffer_add(text, json, strlen(json)) : -ENOMEM;

	json_object_put(object);
	return r;
}

int cryo_manifest_process(const struct cryo_dossier *dossier, struct cryo_buffer *text)
{
	struct json_object *process = json_object_new_object();

	return print(process, process && fill_process(process, dossier), text);
}

/* ---- head and tail ---- */

static bool add_tool(struct json_object *object, const struct cryo_manifest_head *head)
{
	struct json_object *tool = json_object_new_object();

	return cryo_member_add(object, "tool", tool) &&
	       cryo_member_text(tool, "name", "cryocore") &&
	       cryo_member_text(tool, "version", CRYOCORE_VERSION) &&
	       cryo_member_text(tool, "sha256", head->tool_sha256) &&
	       cryo_member_text(tool, "library_sha256", head->library_sha256);
}

static bool add_host(struct json_object *object, const struct cryo_manifest_head *head)
{
	struct json_object *host = json_object_new_object();

	return cryo_member_add(object, "host", host) &&
	       cryo_member_string(host, "name", head->nodename) &&
	       cryo_member_text(host, "kernel", head->release) &&
	       cryo_member_string(host, "kernel_version", head->version) &&
	       cryo_member_text(host, "machine", head->machine) &&
	       cryo_member_text(host, "boot_id", head->boot_id) &&
	       cryo_member_add(host, "utc_offset_s", json_object_new_int64(head->utc_offset_s));
}

static bool add_case(struct json_object *object, const struct cryo_evidence_options *options)
{
	struct json_object *fields = json_object_new_object();

	return cryo_member_add(object, "case", fields) &&
	       cryo_member_string(fields, "case", options->case_id) &&
	       cryo_member_string(fields, "examiner", options->examiner) &&
	       cryo_member_string(fields, "note", options->note);
}

static bool add_words(struct json_object *object, const struct cryo_evidence_options *options)
{
	struct json_object *words = json_object_new_array();
	bool ok = cryo_member_add(object, "command_line", words);

	for (int i = 0; ok && i < options->argc; i++) {
		_cleanup_buffer_ struct cryo_buffer text = {0};
		struct json_object *word;

		if (cryo_escape(&text, options->argv[i], strlen(options->argv[i])) < 0 ||
			cryo_buffer_reserve(&text, 1) < 0)
			return false;
		word = json_object_new_string((const char *)text.data);
		ok = word && json_object_array_add(words, word) == 0;
	}
	return ok;
}

static bool fill_head(struct json_object *object, const struct cryo_manifest_head *head)
{
	return cryo_member_text(object, "format", "cryocore-evidence") &&
	       cryo_member_number(object, "format_version", 1) && add_tool(object, head) &&
	       add_host(object, head) && add_case(object, head->options) &&
	       add_words(object, head->options) &&
	       cryo_member_text(object, "content", head->options->content) &&
	       cryo_member_flag(object, "deleted_files", head->options->deleted_files) &&
	       cryo_member_number(object, "max_copy", head->options->max_copy) &&
	       cryo_member_text(object, "bundle", head->options->bundle) &&
	       cryo_member_number(object, "bundle_max", head->options->bundle_max) &&
	       cryo_member_time(object, "started", head->started_ns);
}

int cryo_manifest_begin(const struct cryo_manifest_head *head, struct cryo_buffer *text)
{
	struct json_object *object = json_object_new_object();
	int r = print(object, object && fill_head(object, head), text);

	if (r < 0)
		return r;
	text->size--; /* the brace that closes the object: it goes on */
	return cryo_buffer_printf(text, ",\n\"processes\":[");
}

static struct json_object *make_files(const struct cryo_manifest_file *files, size_t count)
{
	struct json_object *array = json_object_new_array();
	bool ok = array;

	for (size_t i = 0; ok && i < count; i++) {
		struct json_object *file = json_object_new_object();

		ok = file && cryo_member_text(file, "path", files[i].path) &&
		     cryo_member_number(file, "size", files[i].sum.size) &&
		     cryo_member_digest(file, &files[i].sum) &&
		     (!files[i].time || cryo_member_time(file, "time", files[i].time)) &&
		     (!files[i].changed || cryo_member_flag(file, "changed", true)) &&
		     json_object_array_add(array, file) == 0;
		if (!ok)
			json_object_put(file);
	}
	if (ok)
		return array;
	json_object_put(array);
	return NULL;
}

static bool add_summary(struct json_object *object, const struct cryo_evidence_sum *sum)
{
	struct json_object *summary = json_object_new_object();

	return cryo_member_add(object, "summary", summary) &&
	       cryo_member_number(summary, "processes", sum->processes) &&
	       cryo_member_number(summary, "kernel_threads", sum->kernel_threads) &&
	       cryo_member_number(summary, "complete", sum->complete) &&
	       cryo_member_number(summary, "partial", sum->partial) &&
	       cryo_member_number(summary, "failed", sum->failed) &&
	       cryo_member_number(summary, "files", sum->files) &&
	       cryo_member_number(summary, "bytes", sum->bytes) &&
	       cryo_member_number(summary, "items_missing", sum->missing) &&
	       cryo_member_error(summary, -sum->error);
}

int cryo_manifest_end(const struct cryo_evidence_sum *sum, uint64_t ended_ns,
	const struct cryo_manifest_file *files, size_t n_files, struct cryo_buffer *text)
{
	struct json_object *object = json_object_new_object();
	_cleanup_buffer_ struct cryo_buffer tail = {0};
	int r = print(object,
		object && cryo_member_add(object, "files", make_files(files, n_files)) &&
			add_summary(object, sum) && cryo_member_time(object, "ended", ended_ns),
		&tail);

	if (r < 0)
		return r;
	return cryo_buffer_printf(text, "],\n%s\n", (const char *)tail.data + 1);
}
