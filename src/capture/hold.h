// SPDX-License-Identifier: MIT
/*
 * Memory of a target that is held in ours until the target has been released: writing it takes
 * longer than reading it, and needs nobody to stand still.
 */
#pragma once

#include "capture/window.h"

/* Most bytes that are held; and a batch more, so that the last one has room. */
#define CRYO_HOLD_BYTES (16ULL << 20)

/* Bytes of a core: @size of them at @data belong to @offset. */
struct cryo_held {
	uint64_t offset;
	uint8_t *data;
	size_t size;
};

/**
 * struct cryo_arena - room for what is held, from one capture to the next.
 * @pages: address space in which every byte is zero; NULL: none yet, or in use
 *
 * Begin with {0}. New pages for each capture were 8 % of a collection of small processes.
 */
struct cryo_arena {
	uint8_t *pages;
};

/**
 * struct cryo_hold - what is held.
 * @owner: who gets the arena back
 * @arena: address space; only what is used of it costs memory
 * @used: bytes of it
 * @runs: what touches in the arena and in the core is one; in the order of the core, but for what
 *	cryo_hold_drop() has cut off
 */
struct cryo_hold {
	struct cryo_arena *owner;
	uint8_t *arena;
	size_t used;
	struct cryo_held *runs;
	size_t n_runs;
};

/* Take the arena, or make it. 0 or -errno. */
int cryo_hold_begin(struct cryo_arena *owner, struct cryo_hold *ret_hold);

/* Give pages to the first bytes at once. */
void cryo_hold_populate(const struct cryo_hold *hold, uint64_t expected);

/* Whether one batch more surely fits. */
bool cryo_hold_has_room(const struct cryo_hold *hold);

/* The place of a packed batch, whose windows are noted. NULL when memory is short. */
uint8_t *cryo_hold_add(struct cryo_hold *hold, const struct cryo_batch *batch);

/* A batch that cryo_hold_add() has placed at @image is not to be written. 0 or -ENOMEM. */
int cryo_hold_drop(struct cryo_hold *hold, const struct cryo_batch *batch, const uint8_t *image);

/* Give the arena back, without a byte of what was held. */
void cryo_hold_end(struct cryo_hold *hold);

void cryo_arena_clear(struct cryo_arena *arena);
