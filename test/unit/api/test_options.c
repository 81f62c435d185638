// SPDX-License-Identifier: MIT
#include <criterion/criterion.h>
#include <cryocore/cryocore.h>
#include <cryocore/evidence.h>
#include <errno.h>
#include <unistd.h>

enum {
	NOBODY = 0x3fffffff /* a pid that no kernel gives */
};

Test(options, a_size_is_one)
{
	static const size_t wrong[] = {
		0, sizeof(size_t) - 1, sizeof(struct cryocore_options) + 1, SIZE_MAX};
	struct cryocore_result *result = NULL;
	struct cryocore_options options;

	cryocore_options_init(&options);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		options.size = wrong[i];
		cr_assert_eq(cryocore_capture(NOBODY, &options, &result), -EINVAL);
	}
	options.size = sizeof(size_t);
	cr_assert_eq(cryocore_capture(NOBODY, &options, &result), 0);
	cr_assert_eq(result->outcome, CRYOCORE_FAILED);
	cryocore_result_free(result);
}

Test(options, a_level_of_compression_is_one_that_there_is)
{
	static const int wrong[] = {-1, 20};
	static const pid_t nobody = NOBODY;
	struct cryocore_gather_result *result = NULL;
	struct cryocore_gather_options options;

	cryocore_gather_options_init(&options);
	options.directory = "/nonexistent/directory";
	options.pids = &nobody;
	options.n_pids = 1;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		options.zstd_level = wrong[i];
		cr_assert_eq(cryocore_gather(&options, &result), -EINVAL);
	}
}
