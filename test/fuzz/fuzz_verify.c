// SPDX-License-Identifier: MIT
/*
 * verify: any bytes get a verdict.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "verify/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct cryo_core *core)
{
	struct cryo_verdict verdict = {0};

	if (cryo_verify_core(core, &verdict) != 0 || verdict.n_kept > verdict.n_findings)
		abort();
	for (size_t i = 0; i < verdict.n_kept; i++)
		if (!verdict.findings[i].code || !verdict.findings[i].text[0])
			abort();
	cryo_verdict_clear(&verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	static int file = -1;

	if (file < 0)
		file = memfd_create("core", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, 0) < 0 || cryo_io_pwrite(file, data, size, 0) < 0)
		abort();
	if (cryo_core_open_fd(file, &core) == 0)
		check(&core);
	return 0;
}
