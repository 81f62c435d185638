// SPDX-License-Identifier: MIT
/*
 * json-c makes each object; the array of processes is put together from their texts, so that a
 * machine with many processes needs the memory of one.
 *
 * A function that adds to an object returns false when memory is short, and the object is then
 * thrown away as a whole by its maker.
 */
#include "evidence/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/escape.h"
#include "config.h"

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

static bool add(struct json_object *object, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(object, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool add_number(struct json_object *object, const char *key, uint64_t number)
{
	return add(object, key, json_object_new_uint64(number));
}

static bool add_flag(struct json_object *object, const char *key, bool flag)
{
	return add(object, key, json_object_new_boolean(flag));
}

/* Text of our own. NULL adds nothing. */
static bool add_text(struct json_object *object, const char *key, const char *text)
{
	return !text || add(object, key, json_object_new_string(text));
}

static bool add_time(struct json_object *object, const char *key, uint64_t ns)
{
	char text[CRYO_UTC_SIZE];

	cryo_utc_format(ns, text);
	return add_text(object, key, text);
}

static bool add_digest(struct json_object *object, const struct cryo_deposit_sum *sum)
{
	char hex[CRYO_DIGEST_HEX_SIZE];

	cryo_hash_hex(sum->sha256, hex);
	return add_text(object, sum->sparse ? "sha256_sparse" : "sha256", hex);
}

static bool add_hex(struct json_object *object, const char *key, const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct cryo_buffer hex_key = {0}, hex = {0};

	if (cryo_buffer_printf(&hex_key, "%s_hex", key) < 0)
		return false;
	for (size_t i = 0; i < size; i++)
		if (cryo_buffer_printf(&hex, "%02x", data[i]) < 0)
			return false;
	return add_text(object, (const char *)hex_key.data, (const char *)hex.data);
}

/* Bytes of somebody else: escaped, and in hex too if that changed them. */
static bool add_bytes(struct json_object *object, const char *key, const char *data, size_t size)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};

	if (cryo_escape(&text, data, size) < 0 || cryo_buffer_reserve(&text, 1) < 0 ||
		!add_text(object, key, (const char *)text.data))
		return false;
	if (text.size == size && memcmp(text.data, data, size) == 0)
		return true;
	return add_hex(object, key, (const uint8_t *)data, size);
}

static bool add_string(struct json_object *object, const char *key, const char *text)
{
	return !text || add_bytes(object, key, text, strlen(text));
}

/* ---- an item ---- */

static bool add_error(struct json_object *item, int error)
{
	const char *name = strerrorname_np(error);

	return error == 0 || (add_number(item, "errno", (uint64_t)error) &&
				     add_text(item, "error", name ? name : "unknown"));
}

static bool fill_item(struct json_object *item, pid_t pid, const struct cryo_record *record)
{
	char path[CRYO_SINK_PATH_MAX + 16];

	cryo_item_path(pid, record->name, path);
	if (record->partial)
		strcat(path, ".partial");
	if (!add_text(item, "name", record->name) || !add_time(item, "time", record->time) ||
		!add_error(item, record->error))
		return false;
	if (!record->made && !record->partial)
		return true;
	return add_text(item, "path", path) && add_number(item, "size", record->sum.size) &&
	       add_digest(item, &record->sum) &&
	       (!record->partial || add_flag(item, "partial", true)) &&
	       (!record->cut || add_flag(item, "cut", true));
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

	if (object && add_text(object, "severity", severities[message->severity]) &&
		add_error(object, message->error) && add_text(object, "text", message->text) &&
		json_object_array_add(messages, object) == 0)
		return true;
	json_object_put(object);
	return false;
}

static bool add_messages(struct json_object *capture, const struct cryocore_result *result)
{
	struct json_object *messages = json_object_new_array();
	bool ok = add(capture, "messages", messages);

	for (size_t i = 0; ok && i < result->n_messages; i++)
		ok = add_message(messages, &result->messages[i]);
	return ok;
}

static bool add_gap(struct json_object *gaps, const struct cryocore_gap *gap)
{
	struct json_object *object = json_object_new_object();

	if (object && add_number(object, "start", gap->start) &&
		add_number(object, "end", gap->end) && add_error(object, gap->error) &&
		json_object_array_add(gaps, object) == 0)
		return true;
	json_object_put(object);
	return false;
}

static bool add_gaps(struct json_object *capture, const struct cryocore_result *result)
{
	struct json_object *gaps = json_object_new_array();
	bool ok = add(capture, "gaps", gaps);

	for (size_t i = 0; ok && i < result->gaps_kept; i++)
		ok = add_gap(gaps, &result->gaps[i]);
	return ok;
}

static bool fill_capture(struct json_object *capture, const struct cryocore_result *result)
{
	return add_text(capture, "outcome", outcomes[result->outcome]) &&
	       add_time(capture, "started", result->started_ns) &&
	       add_time(capture, "ended", result->ended_ns) &&
	       add_number(capture, "pause_ns", result->pause_ns) &&
	       add_number(capture, "data_bytes", result->data_bytes) &&
	       add_number(capture, "threads", result->n_threads) &&
	       add_number(capture, "threads_with_registers", result->n_registers) &&
	       add_number(capture, "gap_count", result->n_gaps) &&
	       add_number(capture, "gap_bytes", result->gap_bytes) && add_gaps(capture, result) &&
	       add_messages(capture, result);
}

static bool add_capture(struct json_object *process, const struct cryocore_result *result)
{
	struct json_object *capture;

	if (!result)
		return true;
	capture = json_object_new_object();
	return add(process, "capture", capture) && fill_capture(capture, result);
}

/* ---- a process ---- */

static bool fill_process(struct json_object *process, const struct cryo_dossier *dossier)
{
	const struct cryo_stat *stat = &dossier->stat;

	return add_number(process, "pid", (uint64_t)dossier->pid) &&
	       add_number(process, "start_time", dossier->start_time) &&
	       add_number(process, "ppid", (uint64_t)stat->ppid) &&
	       add_bytes(process, "comm", stat->comm, strlen(stat->comm)) &&
	       add_bytes(process, "state", &stat->state, stat->state != 0) &&
	       add_text(process, "outcome", outcomes[cryo_dossier_outcome(dossier)]) &&
	       add_flag(process, "kernel_thread", cryo_dossier_is_kernel_thread(dossier)) &&
	       add_flag(process, "frozen", dossier->frozen) &&
	       add_flag(process, "gone", dossier->gone) &&
	       add_text(process, "hidden", dossier->hidden) &&
	       add_capture(process, dossier->core) && add(process, "items", make_items(dossier));
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

	return add(object, "tool", tool) && add_text(tool, "name", "cryocore") &&
	       add_text(tool, "version", CRYOCORE_VERSION) &&
	       add_text(tool, "sha256", head->tool_sha256) &&
	       add_text(tool, "library_sha256", head->library_sha256);
}

static bool add_host(struct json_object *object, const struct cryo_manifest_head *head)
{
	struct json_object *host = json_object_new_object();

	return add(object, "host", host) && add_string(host, "name", head->nodename) &&
	       add_text(host, "kernel", head->release) &&
	       add_string(host, "kernel_version", head->version) &&
	       add_text(host, "machine", head->machine) &&
	       add_text(host, "boot_id", head->boot_id) &&
	       add(host, "utc_offset_s", json_object_new_int64(head->utc_offset_s));
}

static bool add_case(struct json_object *object, const struct cryo_evidence_options *options)
{
	struct json_object *fields = json_object_new_object();

	return add(object, "case", fields) && add_string(fields, "case", options->case_id) &&
	       add_string(fields, "examiner", options->examiner) &&
	       add_string(fields, "note", options->note);
}

static bool add_words(struct json_object *object, const struct cryo_evidence_options *options)
{
	struct json_object *words = json_object_new_array();
	bool ok = add(object, "command_line", words);

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
	return add_text(object, "format", "cryocore-evidence") &&
	       add_number(object, "format_version", 1) && add_tool(object, head) &&
	       add_host(object, head) && add_case(object, head->options) &&
	       add_words(object, head->options) &&
	       add_text(object, "content", head->options->content) &&
	       add_flag(object, "deleted_files", head->options->deleted_files) &&
	       add_number(object, "max_copy", head->options->max_copy) &&
	       add_time(object, "started", head->started_ns);
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

		ok = file && add_text(file, "path", files[i].path) &&
		     add_number(file, "size", files[i].sum.size) &&
		     add_digest(file, &files[i].sum) && json_object_array_add(array, file) == 0;
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

	return add(object, "summary", summary) &&
	       add_number(summary, "processes", sum->processes) &&
	       add_number(summary, "kernel_threads", sum->kernel_threads) &&
	       add_number(summary, "complete", sum->complete) &&
	       add_number(summary, "partial", sum->partial) &&
	       add_number(summary, "failed", sum->failed) &&
	       add_number(summary, "files", sum->files) &&
	       add_number(summary, "bytes", sum->bytes) &&
	       add_number(summary, "items_missing", sum->missing) &&
	       add_error(summary, -sum->error);
}

int cryo_manifest_end(const struct cryo_evidence_sum *sum, uint64_t ended_ns,
	const struct cryo_manifest_file *files, size_t n_files, struct cryo_buffer *text)
{
	struct json_object *object = json_object_new_object();
	_cleanup_buffer_ struct cryo_buffer tail = {0};
	int r = print(object,
		object && add(object, "files", make_files(files, n_files)) &&
			add_summary(object, sum) && add_time(object, "ended", ended_ns),
		&tail);

	if (r < 0)
		return r;
	return cryo_buffer_printf(text, "],\n%s\n", (const char *)tail.data + 1);
}
