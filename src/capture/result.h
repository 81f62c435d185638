// SPDX-License-Identifier: MIT
/*
 * The public result while it is being made.
 */
#pragma once

#include <cryocore/cryocore.h>
#include <stdarg.h>

#include "model/mapped.h"

/* A result that cryo_result_free() frees; NULL when memory is short. */
struct cryocore_result *cryo_result_new(void);

/* The files that the process had mapped, in the order of addresses; of cryo_result_new() only. */
struct cryo_mapped_list *cryo_result_mapped(struct cryocore_result *result);

/* Add a message; the text is escaped. A message for which there is no memory is lost. */
void cryo_result_say(struct cryocore_result *result, enum cryocore_severity severity, int error,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same, with a list of arguments. */
void cryo_result_vsay(struct cryocore_result *result, enum cryocore_severity severity, int error,
	const char *format, va_list arguments);

/* Take back what was said behind the first @kept messages. */
void cryo_result_forget(struct cryocore_result *result, size_t kept);

/* Whether something of this severity or worse has been said. */
bool cryo_result_has(const struct cryocore_result *result, enum cryocore_severity severity);

/* Derive the outcome: failed unless @captured, else partial if a message is a warning or worse. */
void cryo_result_conclude(struct cryocore_result *result, bool captured);

void cryo_result_free(struct cryocore_result *result);
