// SPDX-License-Identifier: MIT
/*
 * Findings are counted without end but kept in a bounded number: a hostile core can have sixteen
 * million of them.
 */
#include "verify/verdict.h"

#include <errno.h>
#include <stdarg.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/escape.h"

static char *make_text(const char *about, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static char *make_text(const char *about, const char *format, va_list arguments)
{
	_cleanup_buffer_ struct cryo_buffer raw = {0}, text = {0};

	if (about && cryo_buffer_printf(&raw, "%s: ", about) < 0)
		return NULL;
	if (cryo_buffer_vprintf(&raw, format, arguments) < 0)
		return NULL;
	if (cryo_escape(&text, raw.data, raw.size) < 0)
		return NULL;
	return (char *)steal_ptr(text.data);
}

void cryo_verdict_add(struct cryo_verdict *verdict, const char *code, const char *format, ...)
{
	struct cryo_finding *finding;
	va_list arguments;
	char *text;

	verdict->n_findings++;
	if (verdict->n_kept == CRYO_FINDINGS_KEPT)
		return;
	va_start(arguments, format);
	text = make_text(verdict->about, format, arguments);
	va_end(arguments);
	finding = text ? cryo_array_add(verdict->findings, verdict->n_kept) : NULL;
	if (finding) {
		*finding = (struct cryo_finding){code, text};
	} else {
		free(text);
		verdict->error = -ENOMEM;
	}
}

void cryo_verdict_clear(struct cryo_verdict *verdict)
{
	for (size_t i = 0; i < verdict->n_kept; i++)
		free(verdict->findings[i].text);
	free(verdict->findings);
	*verdict = (struct cryo_verdict){0};
}
