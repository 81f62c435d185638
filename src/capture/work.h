// SPDX-License-Identifier: MIT
/*
 * What the stages of one capture hand on, in the reader process.
 */
#pragma once

#include "capture/channel.h"
#include "capture/inspect.h"
#include "capture/output.h"
#include "capture/own_note.h"
#include "capture/plan.h"
#include "capture/reader.h"
#include "capture/sharer.h"
#include "capture/snapshot.h"
#include "capture/write.h"

/**
 * struct cryo_work - all of it; the pipeline owns it.
 * @inspector: made by prepare
 * @core, @exe: output files, made by prepare; @exe is not open where no copy is wanted
 * @records, @records_size: registers, mapped by stop; NULL if no thread is held
 * @sharer_index, @arena: of the captures before and after this one
 * @sharers: who shared its memory before the stop
 * @process: made by inspect
 * @room: for the head of the plan, made by prepare
 * @plan: made by plan
 * @snapshot: made before the stop, if at all
 * @copy: made by prepare, used by write
 * @written: made by write
 * @account: what happened, filled in along the way
 * @release_error: of the letter that asks for the release
 * @guard: of the thread that works
 * @is_looked_at, @is_open, @is_stopped, @is_placed: how far it is, for a thread that takes its
 * place
 * @is_read, @has_head, @is_flushed: the same, behind the stop
 * @is_told: the tracer said that it has stopped what it could; @is_released: and given it back
 */
struct cryo_work {
	const struct cryo_reader *reader;
	struct cryo_inspector inspector;
	struct cryo_output core, exe;
	void *records;
	size_t records_size;
	struct cryo_sharer_index *sharer_index;
	struct cryo_arena *arena;
	struct cryo_sharers sharers;
	struct cryo_process process;
	struct cryo_buffer room;
	struct cryo_plan plan;
	struct cryo_copy *copy;
	struct cryo_snapshot snapshot;
	struct cryo_written written;
	struct cryo_account account;
	int release_error;
	struct cryo_guard *guard;
	bool is_looked_at, is_open, is_stopped, is_placed, is_read, has_head, is_flushed;
	bool is_told, is_released;
};

/* Count a stop, of which the release was told. */
void cryo_account_stop(struct cryo_account *account, const struct cryo_letter *released);
