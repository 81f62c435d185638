// SPDX-License-Identifier: MIT
/*
 * The worker's side of evidence/worker.h.
 */
#pragma once

#include "evidence/worker.h"

/* What is sent to a worker. @after: the item behind which to begin; @known: of the owner. */
struct cryo_order {
	struct cryo_task task;
	uint64_t known;
	char after[CRYO_ITEM_NAME_SIZE];
};

/* Send an order, and the core with it. 0 or -errno. */
int cryo_order_send(int orders, const struct cryo_order *order);

/* Obey orders until there are no more: the life of a worker. An exit status. */
int cryo_worker_live(
	const struct cryo_worker_setup *setup, struct cryo_records *records, int orders);
