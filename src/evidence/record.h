// SPDX-License-Identifier: MIT
/*
 * What a collector tells its owner: one record for each item, in an anonymous file
 * (memfd_create(2)) that both hold, and in memory that both have mapped where it is. A collector
 * that is killed leaves every record that it completed, the name of the item at which it hung, and
 * a counter that shows whether it was still moving.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "evidence/deposit.h"

enum {
	CRYO_ITEM_NAME_SIZE = 40
};

/* A file and its state: the same four numbers, the same bytes. All zero: not a copied file. */
struct cryo_file_id {
	uint64_t device, inode, size, changed_ns;
};

/**
 * struct cryo_record - what became of one item.
 * @name: of the item; the file is proc/PID/NAME
 * @error: positive errno that kept it away, or cut it short; 0: whole
 * @partial: what there is stands in proc/PID/NAME.partial
 * @in_place: ... no: in proc/PID/NAME, filled up with zeros, as a stream has it; an empty
 *NAME.partial may stand beside it
 * @cut: the file is the first @size bytes of more (a limit)
 * @made: a file stands under the name
 * @size, @sha256: of the file, partial or whole
 * @time: CLOCK_REALTIME in ns, when it was begun
 * @file: of which it is a copy
 */
struct cryo_record {
	char name[CRYO_ITEM_NAME_SIZE];
	int32_t error;
	bool partial, in_place, cut, made;
	uint64_t time;
	struct cryo_deposit_sum sum;
	struct cryo_file_id file;
};

/*
 * Whether something is missing that should be there. ENOENT and EINVAL are not: this kernel, or
 * this process, has no such thing.
 */
bool cryo_record_is_missing(const struct cryo_record *record);

/* Records, in file and memory that a fork shares. */
struct cryo_records {
	int fd;
	struct cryo_records_head *head;
};

#define CRYO_RECORDS_NONE ((struct cryo_records){-1, NULL})

/* No records yet. 0 or -errno; cryo_records_destroy() ends it. */
int cryo_records_create(struct cryo_records *ret_records);
void cryo_records_destroy(struct cryo_records *records);

/* Forget all records, while there is no collector at work. */
void cryo_records_reset(struct cryo_records *records);

/* The collector's side: I am at this item; I am alive; this is done: 0 or -errno of write(2). */
void cryo_records_begin(struct cryo_records *records, const char *name);
void cryo_records_beat(struct cryo_records *records);
int cryo_records_add(struct cryo_records *records, const struct cryo_record *record);

/* The owner's side: changes whenever the collector moved. */
uint64_t cryo_records_progress(const struct cryo_records *records);

/* Whether an item was begun and has no record; then its name. */
bool cryo_records_unfinished(
	const struct cryo_records *records, char ret_name[CRYO_ITEM_NAME_SIZE]);

/* How many records there are. */
uint64_t cryo_records_count(const struct cryo_records *records);

/* The record at an index: 1; 0 behind the last; -errno. */
int cryo_records_get(
	const struct cryo_records *records, uint64_t index, struct cryo_record *ret_record);
