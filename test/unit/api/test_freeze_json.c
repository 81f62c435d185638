// SPDX-License-Identifier: MIT
/* Results of freeze and list as JSON. */
#include <criterion/criterion.h>
#include <cryocore/freeze.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Each way to be held has its word: a table that is too short would be read past its end. */
Test(freeze_json, every_hold_has_its_word)
{
	static const char *const words[] = {
		[CRYOCORE_HOLD_NONE] = "\"frozen\":\"no\"",
		[CRYOCORE_HOLD_OURS] = "\"frozen\":\"cryocore\"",
		[CRYOCORE_HOLD_STOPPED] = "\"frozen\":\"stopped\"",
		[CRYOCORE_HOLD_TRACER] = "\"frozen\":\"tracer\"",
		[CRYOCORE_HOLD_FREEZER] = "\"frozen\":\"freezer\"",
		[CRYOCORE_HOLD_DUMP] = "\"frozen\":\"dump\"",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct cryocore_listed process = {.pid = 1,
			.state = 'S',
			.tracer_comm = "",
			.comm = "victim",
			.hidden = "",
			.hold = (enum cryocore_list_hold)i};
		struct cryocore_list_result result = {.n_processes = 1, .processes = &process};
		_cleanup_free_ char *json = NULL;

		cr_assert_eq(cryocore_list_result_json(&result, &json), 0);
		cr_assert_not_null(strstr(json, words[i]), "%s: %s", words[i], json);
	}
}
