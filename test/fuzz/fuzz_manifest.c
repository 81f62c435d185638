// SPDX-License-Identifier: MIT
/*
 * A manifest from an enemy: any text is read, or refused with one finding.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "verify/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int look(const struct cryo_manifest_entry *entry, void *user)
{
	if (!entry->path || !entry->digest)
		abort();
	++*(size_t *)user;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	struct cryo_verdict verdict = {0};
	struct json_object *manifest;
	size_t count = 0;

	if (cryo_buffer_add(&text, data, size) < 0 || cryo_buffer_reserve(&text, 1) < 0)
		abort();
	text.data[text.size] = '\0';
	if (cryo_manifest_parse((const char *)text.data, text.size, &verdict, &manifest) < 0)
		abort();
	if (!manifest != (verdict.n_findings == 1))
		abort();
	if (manifest && cryo_manifest_walk(manifest, look, &count) != 0)
		abort();
	cryo_manifest_free(manifest);
	cryo_verdict_clear(&verdict);
	return 0;
}
