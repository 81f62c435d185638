// SPDX-License-Identifier: MIT
/*
 * The answer comes while the core is written. A tracer that holds nobody is asked as well: it waits
 * for that, and only who has been released is good for another capture.
 */
#include "capture/release.h"

#include "capture/tell.h"

/* The threads of the target, or the tracer in whose ptrace-stop they stand. */
static bool is_held(const struct cryo_work *work)
{
	return work->records || work->account.holder;
}

void cryo_release_ask(struct cryo_work *work)
{
	struct cryo_letter letter = {.kind = CRYO_LETTER_RELEASE};

	if (work->is_told)
		work->release_error = cryo_channel_send(work->reader->tracer, &letter);
}

void cryo_release_hear(struct cryo_work *work)
{
	struct cryo_letter letter = {0};
	int r = work->release_error;
	bool was_held = is_held(work);

	if (!work->is_told)
		return;
	if (r == 0)
		r = cryo_channel_receive(work->reader->tracer, work->reader->deadline, &letter);
	work->account.holder = 0;
	work->is_released = r == 0 && letter.kind == CRYO_LETTER_RELEASED;
	if (work->is_released) {
		cryo_account_stop(&work->account, &letter);
		work->account.holder = letter.holder;
	}
	if (was_held && (!work->is_released || letter.is_early) && !work->reader->shared->cancel)
		cryo_tell(work, CRYOCORE_WARNING, r,
			"the tracer ended early: the process may have run while its core was "
			"written");
}
