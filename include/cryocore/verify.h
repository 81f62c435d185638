// SPDX-License-Identifier: MIT
/*
 * libcryocore: whether a core file, an evidence directory or an archive of evidence is whole and
 * its parts agree with each other.
 */
#ifndef CRYOCORE_VERIFY_H
#define CRYOCORE_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The result of a check; the numbers are exit statuses. */
enum cryocore_verdict {
	CRYOCORE_CLEAN = 0,      /* nothing is wrong */
	CRYOCORE_FINDINGS = 1,   /* something is */
	CRYOCORE_UNREADABLE = 2, /* it cannot be checked: the first finding says why */
};

/**
 * struct cryocore_finding - one thing that is wrong.
 * @code: for programs: "unreadable", "frame", "truncated", "header", "sections", "segment", "tail",
 *	"notes", "note-size", "threads", "registers", "files", "auxv", "architecture"; of a
 *	directory or archive also "manifest", "missing", "size", "hash", "unlisted"
 * @text: one line, escaped
 */
struct cryocore_finding {
	const char *code;
	const char *text;
};

/**
 * struct cryocore_verification - the result. Read only; cryocore_verification_free().
 * @path: escaped
 * @n_findings: all of them; @findings holds the first of them, @findings_kept in number
 */
struct cryocore_verification {
	enum cryocore_verdict verdict;
	const char *path;
	uint64_t n_findings;
	size_t findings_kept;
	const struct cryocore_finding *findings;
};

/**
 * cryocore_verify - check a core of anybody's making, or evidence: a directory, or a tar archive.
 *
 * A core and an archive may be compressed by zstd(1). Nothing is written to a file system.
 * Returns 0 when there is a result (which may say CRYOCORE_UNREADABLE) or -ENOMEM.
 */
int cryocore_verify(const char *path, struct cryocore_verification **ret_verification);

void cryocore_verification_free(struct cryocore_verification *verification);

/* The result as one line of JSON, malloc'ed. 0, -ELIBACC (json-c cannot be loaded)
 * or -ENOMEM. */
int cryocore_verification_json(const struct cryocore_verification *verification, char **ret_json);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
