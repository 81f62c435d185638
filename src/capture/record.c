// SPDX-License-Identifier: MIT
/*
 * A core has its name only when its tail is written and libelf has read its headers back. The
 * report comes first: if we are killed between the two, the supervisor sees which names there are.
 */
#include "capture/record.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "capture/channel.h"
#include "capture/exe_copy.h"
#include "capture/report.h"
#include "capture/tell.h"
#include "elf/core.h"

void cryo_account_stop(struct cryo_account *account, const struct cryo_letter *released)
{
	uint64_t pause = released->release_ns - released->stop_ns;

	if (!released->n_threads) /* it is gone */
		return;
	if (pause > account->pause_ns)
		account->pause_ns = pause;
	account->pauses_ns += pause;
	account->n_stops++;
	account->n_restarted += released->n_restarted;
}

static int report_snapshot(const struct cryo_work *work)
{
	struct cryo_report_snapshot snapshot = {
		.pause_ns = work->account.pause_ns,
		.pauses_ns = work->account.pauses_ns,
		.n_stops = work->account.n_stops,
		.way = work->account.snapshot,
	};

	return cryo_report_add(
		work->reader->report, CRYO_REPORT_SNAPSHOT, &snapshot, sizeof(snapshot), "");
}

static int write_tail(struct cryo_work *work, uint64_t *ret_size)
{
	_cleanup_buffer_ struct cryo_buffer tail = {0};
	uint64_t end = work->plan.data_end;
	int r;

	work->account.ended_ns = cryo_clock_ns(CLOCK_REALTIME);
	r = cryo_buffer_add(&tail, work->plan.tail.data, work->plan.tail.size);
	if (r == 0)
		r = cryo_own_note_add(
			&tail, &work->process, &work->account, &work->written, work->core.sparse);
	if (r == 0)
		r = cryo_output_set_size(&work->core, end);
	if (r == 0)
		r = cryo_output_write(&work->core, tail.data, tail.size, end);
	*ret_size = end + tail.size;
	return r;
}

/* Read back what can be read back: the frame, with libelf. What was written forward cannot. */
static int check_core(const struct cryo_work *work)
{
	_cleanup_core_ struct cryo_core core = CRYO_CORE_NONE;
	int r;

	if (work->core.forward)
		return 0;
	r = cryo_core_open_fd(work->core.fd, &core);
	if (r < 0)
		return r;
	return core.damage || core.n_phdrs != work->plan.n_segments + 1 ? -EBADMSG : 0;
}

int cryo_record_core(struct cryo_work *work)
{
	uint64_t size = 0;
	int r = write_tail(work, &size);

	if (r == 0)
		r = check_core(work);
	if (r == 0 && !work->core.stream)
		r = cryo_report_add(
			work->reader->report, CRYO_REPORT_CORE, NULL, 0, work->core.path);
	if (r == 0)
		r = cryo_report_add_written(
			work->reader->report, &work->process, size, &work->written);
	if (r == 0)
		r = report_snapshot(work);
	if (r == 0)
		r = cryo_output_commit(&work->core);
	return r < 0 ? cryo_tell_core(work, r) : 0;
}

void cryo_record_exe(struct cryo_work *work)
{
	int r = work->inspector.exe_error;
	bool stays;

	if (work->exe.fd < 0)
		return;
	if (r == 0)
		r = cryo_exe_copy(work->inspector.exe, &work->exe);
	if (r == 0)
		r = cryo_output_commit(&work->exe);
	if (r == 0) {
		cryo_report_add(work->reader->report, CRYO_REPORT_EXE, NULL, 0, work->exe.path);
		cryo_output_close(&work->exe);
		return;
	}
	stays = cryo_output_abandon(&work->exe);
	cryo_channel_say(work->reader->supervisor, CRYOCORE_WARNING, r,
		"the copy of its executable: %s%s%s%s", strerror(-r),
		stays ? ": what could be written is in " : "", stays ? work->exe.path : "",
		stays ? ".partial" : "");
	cryo_output_close(&work->exe);
}
