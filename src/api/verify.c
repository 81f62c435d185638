// SPDX-License-Identifier: MIT
/*
 * The public functions about verification. What cannot be opened is a result too, with one finding.
 */
#include <cryocore/verify.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "api/json_field.h"
#include "base/escape.h"
#include "base/io.h"
#include "base/library.h"
#include "verify/directory.h"
#include "verify/file.h"

/* The result with what it owns: the public part is first. */
struct owned {
	struct cryocore_verification public;
	struct cryo_verdict verdict;
	struct cryocore_finding *findings;
	char *path;
};

/* Beginnings of files that are often taken for a core. */
static const struct {
	const char *magic;
	const char *what;
} others[] = {
	{"\x28\xb5\x2f\xfd", "it is compressed, and there is neither a core nor an archive in it"},
	{"\x1f\x8b", "it is compressed: decompress it first (gzip -d)"},
	{"\xfd\x37\x7a\x58\x5a", "it is compressed: decompress it first (xz -d)"},
	{"MDMP", "it is a minidump, not an ELF core"},
};

static const char *why_not_elf(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char start[8] = {0};
	ssize_t n = fd < 0 ? -1 : cryo_io_read(fd, start, sizeof(start));

	if (n == 0)
		return "it is empty";
	for (size_t i = 0; n > 0 && i < sizeof(others) / sizeof(others[0]); i++)
		if (memcmp(start, others[i].magic, strlen(others[i].magic)) == 0)
			return others[i].what;
	return "it is neither an ELF file nor a tar archive";
}

static const char *why_unreadable(const char *path, int error)
{
	switch (error) {
	case -ENOEXEC:
		return why_not_elf(path);
	case -EMEDIUMTYPE:
		return "it is an ELF file, but not a core";
	case -E2BIG:
		return "it claims more program headers than there can be";
	case -EINVAL:
		return "it is not a regular file";
	case -ENODATA:
		return "it is a directory without a manifest";
	default:
		return cryo_library_strerror(error);
	}
}

static int verify_path(const char *path, struct owned *owned)
{
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? cryo_verify_file(path, &owned->verdict)
			: cryo_verify_directory(dir, &owned->verdict);

	if (r == -ENOMEM)
		return r;
	owned->public.verdict = owned->verdict.n_findings ? CRYOCORE_FINDINGS : CRYOCORE_CLEAN;
	if (r < 0) {
		cryo_verdict_add(&owned->verdict, "unreadable", "%s", why_unreadable(path, r));
		owned->public.verdict = CRYOCORE_UNREADABLE;
	}
	return owned->verdict.error;
}

static int publish(struct owned *owned)
{
	const struct cryo_verdict *verdict = &owned->verdict;

	owned->findings = calloc(verdict->n_kept + 1, sizeof(*owned->findings));
	if (!owned->findings)
		return -ENOMEM;
	for (size_t i = 0; i < verdict->n_kept; i++)
		owned->findings[i] = (struct cryocore_finding){
			verdict->findings[i].code, verdict->findings[i].text};
	owned->public.path = owned->path;
	owned->public.n_findings = verdict->n_findings;
	owned->public.findings_kept = verdict->n_kept;
	owned->public.findings = owned->findings;
	return 0;
}

static int escape_path(const char *path, char **ret_path)
{
	_cleanup_buffer_ struct cryo_buffer text = {0};
	int r = cryo_buffer_printf(&text, "%s", "");

	if (r == 0)
		r = cryo_escape(&text, path, strlen(path));
	if (r == 0)
		*ret_path = (char *)steal_ptr(text.data);
	return r;
}

int cryocore_verify(const char *path, struct cryocore_verification **ret_verification)
{
	struct owned *owned = calloc(1, sizeof(*owned));
	int r = owned ? escape_path(path, &owned->path) : -ENOMEM;

	if (r == 0)
		r = verify_path(path, owned);
	if (r == 0)
		r = publish(owned);
	if (r == 0)
		*ret_verification = &owned->public;
	else if (owned)
		cryocore_verification_free(&owned->public);
	return r;
}

void cryocore_verification_free(struct cryocore_verification *verification)
{
	struct owned *owned = (struct owned *)verification;

	if (!owned)
		return;
	cryo_verdict_clear(&owned->verdict);
	free(owned->findings);
	free(owned->path);
	free(owned);
}

static struct json_object *make_finding(const void *source, size_t i)
{
	const struct cryocore_finding *finding =
		&((const struct cryocore_verification *)source)->findings[i];
	struct cryo_json_field fields[] = {
		CRYO_TEXT("code", finding->code), CRYO_TEXT("text", finding->text)};

	return CRYO_JSON_OBJECT(fields);
}

int cryocore_verification_json(const struct cryocore_verification *verification, char **ret_json)
{
	static const char *const verdicts[] = {"clean", "findings", "unreadable"};
	struct cryo_json_field fields[] = {
		CRYO_TEXT("path", verification->path),
		CRYO_TEXT("verdict", verdicts[verification->verdict]),
		CRYO_NUMBER("finding_count", verification->n_findings),
	};
	struct json_object *object = CRYO_JSON_OBJECT(fields);

	if (object)
		json_object_object_add(object, "findings",
			cryo_json_array(verification, verification->findings_kept, make_finding));
	return cryo_json_finish(object, ret_json);
}
