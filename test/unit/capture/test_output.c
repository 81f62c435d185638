// SPDX-License-Identifier: MIT
/* Who looks on sees that a stream gets on, also while it goes over a hole. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "capture/output.h"

#define HOLE (64ULL << 20)
#define PIECE (1ULL << 20) /* the most that is written unseen */

static uint64_t steps_over_hole(int zstd_level)
{
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	_cleanup_output_ struct cryo_output output = CRYO_OUTPUT_NONE;
	_Atomic uint64_t steps = 0;

	cryo_output_from_stream(null, false, &output);
	output.steps = &steps;
	if (zstd_level)
		cr_assert_eq(cryo_output_compress(&output, zstd_level), 0);
	cr_assert_eq(cryo_output_write(&output, "data", 4, HOLE), 0);
	cr_assert_eq(output.position, HOLE + 4);
	return steps;
}

Test(output, a_hole_in_a_stream_is_seen_to_get_on)
{
	cr_assert_gt(steps_over_hole(0), HOLE / PIECE);
}

Test(output, a_hole_that_is_compressed_is_seen_to_get_on)
{
	cr_assert_gt(steps_over_hole(3), HOLE / PIECE);
}
