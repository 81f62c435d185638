// SPDX-License-Identifier: MIT
/*
 * What captures one after the other can have in common: an instance of procfs, the children, and
 * who carries what is written.
 */
#pragma once

#include "capture/carrier.h"
#include "capture/children.h"

/**
 * struct cryo_session - of one thread at a time.
 * @procfs: -1: none is open yet
 * @is_borrowed: @procfs is somebody else's
 * @is_for_one: children end with their capture
 * @carriers: of the output; owned
 */
struct cryo_session {
	int procfs;
	bool is_borrowed, is_for_one;
	struct cryo_children children;
	struct cryo_carriers *carriers;
};

/* With a procfs that is borrowed, or -1: a private one will be opened for the first capture. */
#define CRYO_SESSION(procfs)                                                                       \
	((struct cryo_session){(procfs), (procfs) >= 0, false, CRYO_CHILDREN_NONE, NULL})

/* Open what every capture needs. 0 or -errno. */
int cryo_session_open(struct cryo_session *session);

/* End the children. */
void cryo_session_end(struct cryo_session *session);

#define _cleanup_session_ _cleanup_(cryo_session_end)
