// SPDX-License-Identifier: MIT
/* The manifest of synthetic processes, read back by json-c. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "evidence/manifest.h"

static void load(void)
{
	cr_assert_eq(cryo_json_ready(), 0);
}

TestSuite(manifest, .init = load);

static struct json_object *get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, key, &value);
	return value;
}

static const char *text_of(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(get(object, key));

	return text ? text : "";
}

static struct json_object *process_json(const struct cryo_dossier *dossier)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct json_object *object;

	cr_assert_eq(cryo_manifest_process(dossier, &text), 0);
	object = json_tokener_parse((const char *)text.data);
	cr_assert_not_null(object);
	return object;
}

Test(manifest, a_hostile_name_is_escaped_and_in_hex)
{
	struct cryo_dossier dossier = {
		.pid = 7, .start_time = UINT64_MAX, .stat = {.comm = "a\x1b\xff\"", .state = 'S'}};
	struct json_object *object = process_json(&dossier);

	cr_expect_str_eq(text_of(object, "comm"), "a\\x1b\\xff\"");
	cr_expect_str_eq(text_of(object, "comm_hex"), "611bff22");
	cr_expect_eq(json_object_get_uint64(get(object, "start_time")), UINT64_MAX);
	cr_expect_str_eq(text_of(object, "outcome"), "failed");
	json_object_put(object);
}

Test(manifest, an_item_is_a_file_or_an_error)
{
	struct cryo_record records[] = {
		{.name = "maps", .made = true, .sum = {.size = 3}},
		{.name = "environ", .error = EACCES},
		{.name = "smaps", .error = EIO, .partial = true, .cut = true, .sum = {.size = 9}},
	};
	struct cryo_dossier dossier = {
		.pid = 7, .stat = {.comm = "x", .state = 'Z'}, .records = records, .n_records = 3};
	struct json_object *object = process_json(&dossier), *items = get(object, "items"), *item;

	cr_assert_eq(json_object_array_length(items), 3);
	item = json_object_array_get_idx(items, 0);
	cr_expect_str_eq(text_of(item, "path"), "proc/7/maps");
	cr_expect_null(get(item, "errno"));
	item = json_object_array_get_idx(items, 1);
	cr_expect_str_eq(text_of(item, "error"), "EACCES");
	cr_expect_null(get(item, "path"));
	item = json_object_array_get_idx(items, 2);
	cr_expect_str_eq(text_of(item, "path"), "proc/7/smaps.partial");
	cr_expect_str_eq(text_of(item, "error"), "EIO");
	cr_expect(json_object_get_boolean(get(item, "cut")));
	json_object_put(object);
}

Test(manifest, who_needs_a_core)
{
	struct cryo_dossier kernel_thread = {.stat = {.flags = CRYO_PF_KTHREAD, .state = 'S'}};
	struct cryo_dossier zombie = {.stat = {.state = 'Z', .num_threads = 1}};
	struct cryo_dossier leaderless = {.stat = {.state = 'Z', .num_threads = 2}};
	struct cryo_dossier plain = {.stat = {.state = 'S', .num_threads = 1}};

	cr_expect_eq(cryo_dossier_outcome(&kernel_thread), CRYOCORE_COMPLETE);
	cr_expect_eq(cryo_dossier_outcome(&zombie), CRYOCORE_COMPLETE);
	cr_expect_eq(cryo_dossier_outcome(&leaderless), CRYOCORE_FAILED);
	cr_expect_eq(cryo_dossier_outcome(&plain), CRYOCORE_FAILED);
	plain.core_record.made = true;
	cr_expect_eq(cryo_dossier_outcome(&plain), CRYOCORE_COMPLETE);
	plain.gone = true;
	cr_expect_eq(cryo_dossier_outcome(&plain), CRYOCORE_PARTIAL);
}

Test(manifest, head_processes_and_tail_are_one_document)
{
	static const char *const words[] = {"cryocore", "--note", "a\nb"};
	struct cryo_evidence_options options = {
		.argc = 3, .argv = words, .note = "a\nb", .content = "evidence"};
	struct cryo_manifest_head head = {.options = &options,
		.nodename = "h\xc3\xa4",
		.release = "6",
		.version = "v",
		.machine = "m",
		.boot_id = "b",
		.started_ns = 1700000000123456789};
	struct cryo_dossier dossier = {.pid = 7, .stat = {.comm = "x"}};
	struct cryo_manifest_file file = {.path = "log", .sum = {.size = 1}};
	struct cryo_evidence_sum sum = {.processes = 1, .error = -ENOSPC};
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct json_object *object;

	cr_assert_eq(cryo_manifest_begin(&head, &text), 0);
	cr_assert_eq(cryo_manifest_process(&dossier, &text), 0);
	cr_assert_eq(cryo_buffer_printf(&text, ",\n"), 0);
	cr_assert_eq(cryo_manifest_process(&dossier, &text), 0);
	cr_assert_eq(cryo_manifest_end(&sum, 0, &file, 1, &text), 0);
	object = json_tokener_parse((const char *)text.data);
	cr_assert_not_null(object, "%s", (const char *)text.data);
	cr_expect_str_eq(text_of(object, "started"), "2023-11-14T22:13:20.123456789Z");
	cr_expect_str_eq(text_of(get(object, "host"), "name"), "h\xc3\xa4");
	cr_expect_str_eq(text_of(get(object, "case"), "note"), "a\\x0ab");
	cr_expect_str_eq(text_of(get(object, "case"), "note_hex"), "610a62");
	cr_expect_eq(json_object_array_length(get(object, "processes")), 2);
	cr_expect_str_eq(text_of(get(object, "summary"), "error"), "ENOSPC");
	json_object_put(object);
}
