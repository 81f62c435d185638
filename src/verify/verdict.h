// SPDX-License-Identifier: MIT
/*
 * What a check found.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	CRYO_FINDINGS_KEPT = 1000, /* more are only counted */
};

/**
 * struct cryo_finding - one thing that is wrong.
 * @code: for programs; a constant string
 * @text: for people: one line, escaped; owned
 */
struct cryo_finding {
	const char *code;
	char *text;
};

/**
 * struct cryo_verdict - what was found. All zero is a verdict without findings.
 * @about: the file that findings are about from now on; NULL if there is but one; not owned
 * @n_findings: counts also those that are not kept
 */
struct cryo_verdict {
	const char *about;
	struct cryo_finding *findings;
	size_t n_kept;
	uint64_t n_findings;
	int error; /* -ENOMEM: a finding was lost */
};

/* Add a finding. The text is escaped here. */
void cryo_verdict_add(struct cryo_verdict *verdict, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void cryo_verdict_clear(struct cryo_verdict *verdict);
