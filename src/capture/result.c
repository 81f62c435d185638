// SPDX-License-Identifier: MIT
/*
 * The struct is public and constant for its users; here it is filled and freed.
 */
#include "capture/result.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/escape.h"

/* What is known beside the public part, which comes first. */
struct whole {
	struct cryocore_result result;
	struct cryo_mapped_list mapped;
};

struct cryocore_result *cryo_result_new(void)
{
	struct whole *whole = calloc(1, sizeof(*whole));

	return whole ? &whole->result : NULL;
}

struct cryo_mapped_list *cryo_result_mapped(struct cryocore_result *result)
{
	return &((struct whole *)result)->mapped;
}

void cryo_result_vsay(struct cryocore_result *result, enum cryocore_severity severity, int error,
	const char *format, va_list arguments)
{
	struct cryocore_message *messages = (struct cryocore_message *)result->messages, *message;
	_cleanup_buffer_ struct cryo_buffer raw = {0}, text = {0};
	int r = cryo_buffer_vprintf(&raw, format, arguments);

	if (r < 0 || cryo_escape(&text, raw.data, raw.size) < 0 || !text.data)
		return;
	message = cryo_array_add(messages, result->n_messages);
	result->messages = messages;
	if (!message)
		return;
	*message = (struct cryocore_message){
		severity, error < 0 ? -error : error, (char *)steal_ptr(text.data)};
}

void cryo_result_say(struct cryocore_result *result, enum cryocore_severity severity, int error,
	const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	cryo_result_vsay(result, severity, error, format, arguments);
	va_end(arguments);
}

void cryo_result_forget(struct cryocore_result *result, size_t kept)
{
	while (result->n_messages > kept)
		free((char *)result->messages[--result->n_messages].text);
}

bool cryo_result_has(const struct cryocore_result *result, enum cryocore_severity severity)
{
	for (size_t i = 0; i < result->n_messages; i++)
		if (result->messages[i].severity >= severity)
			return true;
	return false;
}

void cryo_result_conclude(struct cryocore_result *result, bool captured)
{
	result->outcome = captured ? CRYOCORE_COMPLETE : CRYOCORE_FAILED;
	for (size_t i = 0; i < result->n_messages; i++)
		if (captured && result->messages[i].severity != CRYOCORE_INFO)
			result->outcome = CRYOCORE_PARTIAL;
}

void cryo_result_free(struct cryocore_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->n_messages; i++)
		free((char *)result->messages[i].text);
	for (size_t i = 0; i < result->n_mappings; i++)
		free((char *)result->mappings[i].name);
	free((void *)result->messages);
	free((void *)result->mappings);
	free((void *)result->gaps);
	for (size_t i = 0; i < result->n_unstopped; i++)
		free((char *)result->unstopped[i].unknown);
	free((void *)result->unstopped);
	free((char *)result->comm);
	free((char *)result->core_path);
	free((char *)result->exe_path);
	cryo_mapped_list_clear(cryo_result_mapped(result));
	free(result);
}
