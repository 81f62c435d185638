// SPDX-License-Identifier: MIT
/*
 * The secondary signal, for those that could not be stopped. One that is blocked in the kernel gets
 * none: it would stay pending and strike after thaw, when nobody expects it any more; it already
 * has a stop pending.
 */
#include "freeze/freezer.h"
#include "freeze/send.h"

void cryo_freezer_then(struct cryo_freezer *freezer)
{
	for (size_t i = 0; i < freezer->subjects.count; i++) {
		struct cryo_subject *subject = &freezer->subjects.array[i];

		if (subject->fate != CRYO_FATE_FAILED || subject->trouble == CRYO_TROUBLE_BLOCKED)
			continue;
		subject->then_sent =
			cryo_send_signal(freezer->procfs, subject->row.pid, subject->row.start_time,
				freezer->request->then_signal) == 0;
	}
}
