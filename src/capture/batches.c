// SPDX-License-Identifier: MIT
/*
 * The workers pull batches of windows from one walk. Only one walks at a time, while the page
 * tables are asked: a batch is one large window, or what many small mappings hold; reading, looking
 * for zeros and writing go on side by side, each in a buffer of its own that is small enough to
 * stay in the cache.
 *
 * Of a worker that got stuck as it walked the walk begins again behind the mapping, which is a gap.
 * The windows of one that got stuck as it read are read once more, one by one and the careful way
 * (/proc/PID/mem, which gives an error where process_vm_readv(2) waits for a userfaultfd), and so
 * is the rest of these mappings; who gets stuck there again leaves a gap, up to the end of the
 * mapping. What they had read of it by then is not written: it may be half of a page, or come when
 * the target runs again, and zeros among it would replace what another has read.
 *
 * Nobody holds the lock while it does what may block.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "capture/copy.h"

enum {
	MAX_GIVEN_UP = 8 /* behind the last of them all is a gap */
};

/* How often the other worker is looked at by one who waits for it. */
#define LOOK_NS (50 * CRYO_NSEC_PER_MSEC)

/* What is thought of a mapping. */
enum suspicion {
	SUSPECT_NOTHING,
	SUSPECT_STUCK, /* one who read it, or another at the same time, got stuck: be careful */
	SUSPECT_ALL,   /* that did not help: leave it alone */
};

static int add_gap(void *user, uint64_t start, uint64_t end, int error)
{
	struct cryo_worker *worker = user;
	struct cryo_copy *copy = worker->copy;
	int r;

	cryo_guard_check(worker->guard);
	if (copy->spool)
		cryo_page_set_remove(&copy->spool->seen, start, end);
	pthread_mutex_lock(&copy->lock);
	r = cryo_written_add_gap(copy->written, start, end, error);
	pthread_mutex_unlock(&copy->lock);
	return r;
}

static int file_of(void *user, const struct cryo_vma *vma)
{
	struct cryo_worker *worker = user;

	if (vma->kind != CRYO_VMA_FILE)
		return -ENOENT;
	if (worker->vma != vma) {
		cryo_cleanup_close(&worker->file);
		worker->file = cryo_inspector_open_file(worker->copy->inspector, vma);
		worker->vma = vma;
	}
	return worker->file;
}

int cryo_batches_start(struct cryo_copy *copy, size_t segment)
{
	struct cryo_source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	cryo_walk_begin(&source->walk, copy->plan, copy->inspector);
	source->walk.segment = segment;
	copy->source = source;
	return 0;
}

/* What a worker that is stuck as it walks would have come to in this mapping; the walk goes on
 * behind it. */
static int leave_segment(struct cryo_copy *copy, const struct cryo_source *source)
{
	const struct cryo_walk *walk = &source->walk;
	const struct cryo_segment *stuck = &copy->plan->segments[walk->segment];
	uint64_t from = walk->begun ? walk->at : stuck->vma->start;
	uint64_t end = stuck->vma->start + stuck->file_size;
	int r = from < end ? cryo_written_add_gap(copy->written, from, end, -ETIMEDOUT) : 0;

	return r < 0 ? r : cryo_batches_start(copy, walk->segment + 1);
}

static size_t segment_of(const struct cryo_copy *copy, const struct cryo_window *window)
{
	return (size_t)(window->segment - copy->plan->segments);
}

static void suspect(struct cryo_copy *copy, const struct cryo_window *window)
{
	if (!copy->suspicion)
		copy->suspicion = calloc(copy->plan->n_segments, 1);
	if (copy->suspicion)
		copy->suspicion[segment_of(copy, window)] =
			window->careful ? SUSPECT_ALL : SUSPECT_STUCK;
}

/* What was about to be read is not in the file, whatever a spool has of it. With the lock. */
static int leave_window(struct cryo_copy *copy, const struct cryo_window *window, int error)
{
	if (copy->spool)
		cryo_page_set_remove(&copy->spool->seen, window->start, window->end);
	return cryo_written_add_gap(copy->written, window->start, window->end, error);
}

/* Prepare a window for what is known of its mapping. Whether it is to be read; else it is a gap.
 * With the lock. */
static bool judge(struct cryo_copy *copy, struct cryo_window *window)
{
	uint8_t suspicion = copy->suspicion ? copy->suspicion[segment_of(copy, window)] : 0;

	if (suspicion == SUSPECT_ALL && leave_window(copy, window, -ETIMEDOUT) < 0)
		copy->error = -ENOMEM;
	window->careful |= suspicion == SUSPECT_STUCK;
	return suspicion != SUSPECT_ALL;
}

/* One of these windows is what the worker was stuck at, if it did not walk. They are read once
 * more, by themselves and the careful way; who gets stuck there again leaves a gap. */
static int leave_windows(struct cryo_copy *copy, const struct cryo_worker *worker)
{
	const struct cryo_batch *batch = worker->batch;

	for (size_t i = 0; i < batch->count; i++) {
		struct cryo_window *again = cryo_array_add(copy->again, copy->n_again);

		if (!again)
			return -ENOMEM;
		*again = batch->windows[i];
		if (!worker->source)
			suspect(copy, again);
	}
	return 0;
}

/* What a worker that was given up has left to do. With the lock. */
void cryo_batches_take_over(struct cryo_copy *copy, const struct cryo_worker *worker)
{
	int r = leave_windows(copy, worker);

	if (r == 0 && worker->held)
		r = cryo_hold_drop(&copy->hold, worker->batch, worker->held);
	if (r == 0 && worker->source)
		r = leave_segment(copy, worker->source);
	if (r < 0 && !copy->error)
		copy->error = r;
	copy->late |= ++copy->n_given_up == MAX_GIVEN_UP;
	pthread_cond_broadcast(&copy->changed);
}

/* Wait a little for the other worker, or for its end if it is stuck. With the lock. */
void cryo_batches_wait(struct cryo_copy *copy)
{
	uint64_t until = cryo_now() + LOOK_NS;
	struct timespec time = {(time_t)(until / CRYO_NSEC_PER_SEC), until % CRYO_NSEC_PER_SEC};
	struct cryo_worker *other = copy->workers[1];

	if (pthread_cond_clockwait(&copy->changed, &copy->lock, CLOCK_MONOTONIC, &time) == 0 ||
		!copy->helps || pthread_equal(pthread_self(), copy->helper) ||
		cryo_guard_give_up(other->guard, cryo_inspector_patience(copy->inspector)) ==
			CRYO_PLACE_SAFE)
		return;
	copy->has_helper = false;
	copy->job = NULL;
	cryo_batches_take_over(copy, other);
}

/* The next window that is to be read. 1, 0 at the end, or -errno. */
static int next_window(
	struct cryo_copy *copy, struct cryo_source *source, struct cryo_window *ret_window)
{
	bool good = false;
	int r = 0;

	while (!good && (r = cryo_walk_next(&source->walk, ret_window)) > 0) {
		pthread_mutex_lock(&copy->lock);
		good = judge(copy, ret_window);
		pthread_mutex_unlock(&copy->lock);
	}
	return r;
}

/* Windows as long as they make a batch; the one behind it is kept for the next. 0 or -errno. */
static int fill_batch(struct cryo_copy *copy, struct cryo_source *source, struct cryo_batch *batch)
{
	while (batch->count < CRYO_BATCH_WINDOWS && batch->size < CRYO_WINDOW_SIZE) {
		struct cryo_window *window = &batch->windows[batch->count];
		int r = 1;

		if (source->has_ahead)
			*window = source->ahead;
		else
			r = next_window(copy, source, window);
		source->has_ahead = false;
		if (r <= 0)
			return r;
		if (!cryo_batch_join(batch)) {
			source->ahead = *window;
			source->has_ahead = true;
			break;
		}
	}
	return 0;
}

/* Whether to go on: 0, or -errno. With the lock. */
int cryo_batches_check(struct cryo_copy *copy)
{
	if (!copy->error && copy->shared->cancel)
		copy->error = -ECANCELED;
	copy->late |= cryo_now() >= copy->inspector->write_until;
	return copy->error;
}

static bool has_room(const struct cryo_copy *copy)
{
	return !copy->is_holding || cryo_hold_has_room(&copy->hold);
}

/* Come to the walk, which may be another one in the end. Whether there is one to go on with. With
 * the lock, which is let go where it waits. */
static bool take_source(struct cryo_worker *worker)
{
	struct cryo_copy *copy = worker->copy;

	while (cryo_batches_check(copy) == 0 && !copy->late && copy->source->is_taken)
		cryo_batches_wait(copy);
	if (copy->error || copy->late || !has_room(copy))
		return false;
	worker->source = copy->source;
	worker->source->is_taken = true;
	return true;
}

static void give_back_source(struct cryo_worker *worker)
{
	worker->source->is_taken = false;
	worker->source = NULL;
	pthread_cond_broadcast(&worker->copy->changed);
}

/* Find a place for a batch that is to be held. Nobody else may have taken the room that there was
 * since it was asked for. 0 or -ENOMEM. With the lock. */
static int place_batch(struct cryo_worker *worker, bool held, uint8_t **ret_image)
{
	if (!held || !worker->batch->count)
		return 0;
	worker->held = *ret_image = cryo_hold_add(&worker->copy->hold, worker->batch);
	return *ret_image ? 0 : -ENOMEM;
}

/* Fill the batch from the walk. 0 or -errno. */
static int walk_batch(struct cryo_worker *worker, bool held, uint8_t **ret_image)
{
	struct cryo_copy *copy = worker->copy;
	bool taken;
	int r;

	pthread_mutex_lock(&copy->lock);
	taken = take_source(worker);
	pthread_mutex_unlock(&copy->lock);
	if (!taken)
		return copy->error;
	cryo_guard_at(worker->guard, CRYO_PLACE_WALK);
	r = fill_batch(copy, worker->source, worker->batch);
	cryo_guard_at(worker->guard, CRYO_PLACE_SAFE);
	pthread_mutex_lock(&copy->lock);
	if (r == 0)
		r = place_batch(worker, held, ret_image);
	give_back_source(worker);
	pthread_mutex_unlock(&copy->lock);
	return r;
}

/* One window that is to be read once more, if there is any and nobody is at the walk, who may need
 * the room. 0 or -ENOMEM. */
static int take_again(struct cryo_worker *worker, bool held, uint8_t **ret_image)
{
	struct cryo_copy *copy = worker->copy;
	struct cryo_batch *batch = worker->batch;
	int r;

	pthread_mutex_lock(&copy->lock);
	while (batch->count == 0 && copy->next_again < copy->n_again && !copy->late &&
		has_room(copy) && !(held && copy->source->is_taken)) {
		batch->windows[0] = copy->again[copy->next_again++];
		if (judge(copy, &batch->windows[0]))
			cryo_batch_join(batch);
	}
	r = place_batch(worker, held, ret_image);
	pthread_mutex_unlock(&copy->lock);
	return r;
}

int cryo_batches_take(struct cryo_worker *worker, bool held, uint8_t **ret_image)
{
	struct cryo_batch *batch = worker->batch;
	int r;

	batch->count = batch->size = 0;
	worker->held = NULL;
	r = take_again(worker, held, ret_image);
	if (r == 0 && !batch->count)
		r = walk_batch(worker, held, ret_image);
	if (r == 0 && !batch->count) /* what nobody took while the other one walked */
		r = take_again(worker, held, ret_image);
	return r < 0 ? r : batch->count > 0;
}

int cryo_batches_read(struct cryo_worker *worker, uint8_t *image)
{
	struct cryo_copy *copy = worker->copy;
	int r;

	if (copy->spool)
		cryo_spool_see(copy->spool, worker->batch);
	cryo_guard_at(worker->guard, CRYO_PLACE_READ);
	r = cryo_batch_read(
		&copy->inspector->memory, worker->batch, image, file_of, add_gap, worker);
	cryo_guard_at(worker->guard, CRYO_PLACE_SAFE);
	return r;
}

/* Everything of the plan from an address in one segment on is a gap. */
int cryo_batches_leave_rest(struct cryo_copy *copy, size_t segment, uint64_t from, int error)
{
	int r = 0;

	for (size_t i = segment; i < copy->plan->n_segments && r == 0; i++) {
		const struct cryo_segment *rest = &copy->plan->segments[i];
		uint64_t start = i == segment && from > rest->vma->start ? from : rest->vma->start;
		uint64_t end = rest->vma->start + rest->file_size;

		if (start < end && !cryo_walk_skips(rest->vma))
			r = cryo_written_add_gap(copy->written, start, end, error);
	}
	return r;
}

/* What nobody has read: for lack of time, or since too many got stuck. */
int cryo_batches_leave_unread(struct cryo_copy *copy)
{
	const struct cryo_source *source = copy->source;
	uint64_t from = source->walk.begun ? source->walk.at : 0;
	int error = copy->n_given_up < MAX_GIVEN_UP ? -ETIME : -ETIMEDOUT, r = 0;

	copy->written->is_late = error == -ETIME;
	while (copy->next_again < copy->n_again && r == 0) {
		const struct cryo_window *window = &copy->again[copy->next_again++];

		r = leave_window(copy, window, error);
	}
	if (r < 0)
		return r;
	if (source->has_ahead) /* of the same segment: the walk has just come from it */
		from = source->ahead.start;
	return cryo_batches_leave_rest(copy, source->walk.segment, from, error);
}
