// SPDX-License-Identifier: MIT
#include "capture/written.h"

#include <errno.h>

#include "base/array.h"

int cryo_written_add_gap(struct cryo_written *written, uint64_t start, uint64_t end, int error)
{
	struct cryo_gap *last = written->gaps_kept ? &written->gaps[written->gaps_kept - 1] : NULL;

	written->gap_bytes += end - start;
	if (last && last->end == start && last->error == error) {
		last->end = end;
		return 0;
	}
	written->n_gaps++;
	if (written->gaps_kept == CRYO_GAPS_KEPT)
		return 0;
	last = cryo_array_add(written->gaps, written->gaps_kept);
	if (!last)
		return -ENOMEM;
	*last = (struct cryo_gap){start, end, error};
	return 0;
}

static int compare_gaps(const void *left, const void *right)
{
	uint64_t a = ((const struct cryo_gap *)left)->start,
		 b = ((const struct cryo_gap *)right)->start;

	return (a > b) - (a < b);
}

void cryo_written_sort(struct cryo_written *written)
{
	if (written->gaps_kept)
		qsort(written->gaps, written->gaps_kept, sizeof(*written->gaps), compare_gaps);
}

void cryo_written_clear(struct cryo_written *written)
{
	free(written->gaps);
	*written = (struct cryo_written){0};
}
