// SPDX-License-Identifier: MIT
/*
 * An archive, plain or compressed, or a compressed core: any bytes get a verdict.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "verify/archive.h"
#include "verify/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file = -1;

static void check(int r, struct cryo_verdict *verdict)
{
	if (r == -ENOMEM || verdict->n_kept > verdict->n_findings)
		abort();
	for (size_t i = 0; i < verdict->n_kept; i++)
		if (!verdict->findings[i].code || !verdict->findings[i].text[0])
			abort();
	cryo_verdict_clear(verdict);
}

/* Also where its beginning would not be taken for an archive's. */
static void as_archive(void)
{
	_cleanup_input_ struct cryo_input *input = NULL;
	struct cryo_verdict verdict = {0};

	if (lseek(file, 0, SEEK_SET) < 0 || cryo_input_open(file, &input) < 0)
		abort();
	check(cryo_verify_archive(input, &verdict), &verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryo_verdict verdict = {0};
	char path[64];

	if (file < 0)
		file = memfd_create("archive", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 0) < 0 || cryo_io_pwrite(file, data, size, 0) < 0)
		abort();
	as_archive();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	check(cryo_verify_file(path, &verdict), &verdict);
	return 0;
}
