// SPDX-License-Identifier: MIT
/*
 * The workers pull batches of windows from one walk, under a lock that they hold only while the
 * page tables are asked: a batch is one large window, or what many small mappings hold; reading,
 * looking for zeros and writing go on side by side, each in a buffer of its own that is small
 * enough to stay in the cache.
 *
 * The first worker is the calling thread. The other is a thread that was started before the stop
 * and waits for a job.
 */
#include "capture/write.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "capture/hold.h"
#include "capture/walk.h"
#include "capture/window.h"

enum {
	MAX_WORKERS = 2
};

/* Below this a second thread costs more than it saves. */
#define PARALLEL_BYTES (4ULL << 20)

/* Beside a process's own pages: first pages of its libraries, the vdso. */
#define SLACK (128ULL << 10)

/* A core of this share of the machine's memory is written uncached: the kernel would make its
 * writer wait for the disk anyhow (vm.dirty_ratio), and throw out what others have in the page
 * cache. A smaller one is complete sooner in the cache. */
enum {
	UNCACHED_SHARE = 8
};

/* A worker keeps the file of the mapping that it last read. */
struct worker {
	struct cryo_copy *copy;
	uint8_t *image;
	const struct cryo_vma *vma;
	int file;
	struct cryo_batch *batch;
};

typedef int job_function(struct worker *worker);

struct cryo_copy {
	pthread_mutex_t lock; /* of all that changes while workers run */
	pthread_cond_t changed;
	struct cryo_walk walk;
	struct cryo_window ahead; /* taken off the walk, but not yet in a batch */
	bool has_ahead;
	struct cryo_hold hold;
	size_t run, run_done; /* written: all held runs before, and bytes of this */
	struct cryo_written *written;
	int error;
	const struct cryo_inspector *inspector;
	struct cryo_output *output;
	struct cryo_shared *shared;
	struct worker workers[MAX_WORKERS];
	bool is_stream, begun;
	bool has_helper, ended;
	job_function *job; /* that the helper is to do, or does */
	pthread_t helper;
};

static int compare_gaps(const void *left, const void *right)
{
	uint64_t a = ((const struct cryo_gap *)left)->start,
		 b = ((const struct cryo_gap *)right)->start;

	return (a > b) - (a < b);
}

static int add_gap(void *user, uint64_t start, uint64_t end, int error)
{
	struct cryo_copy *copy = ((struct worker *)user)->copy;
	struct cryo_written *written = copy->written;
	struct cryo_gap *last = written->gaps_kept ? &written->gaps[written->gaps_kept - 1] : NULL;
	int r = 0;

	pthread_mutex_lock(&copy->lock);
	written->gap_bytes += end - start;
	if (last && last->end == start && last->error == error) {
		last->end = end;
	} else {
		written->n_gaps++;
		if (written->gaps_kept < CRYO_GAPS_KEPT) {
			last = cryo_array_add(written->gaps, written->gaps_kept);
			if (last)
				*last = (struct cryo_gap){start, end, error};
			else
				r = -ENOMEM;
		}
	}
	pthread_mutex_unlock(&copy->lock);
	return r;
}

static int file_of(void *user, const struct cryo_vma *vma)
{
	struct worker *worker = user;

	if (vma->kind != CRYO_VMA_FILE)
		return -ENOENT;
	if (worker->vma != vma) {
		cryo_cleanup_close(&worker->file);
		worker->file = cryo_inspector_open_file(worker->copy->inspector, vma);
		worker->vma = vma;
	}
	return worker->file;
}

/* Write @size bytes at an offset of the core, but for the pages of zeros among them. */
static int write_image(struct cryo_copy *copy, const uint8_t *image, size_t size, uint64_t offset)
{
	size_t page = (size_t)copy->inspector->memory.page_size;
	size_t start, end = 0, bytes = 0;
	int r = 0;

	while (r == 0 && cryo_window_next_run(image, size, page, end, &start, &end)) {
		r = cryo_output_write(copy->output, image + start, end - start, offset + start);
		bytes += end - start;
	}
	pthread_mutex_lock(&copy->lock);
	copy->written->data_bytes += bytes;
	pthread_mutex_unlock(&copy->lock);
	return r;
}

/* Windows as long as they make a batch; the one behind it is kept for the next. 0 or -errno. */
static int fill_batch(struct cryo_copy *copy, struct cryo_batch *batch)
{
	while (batch->count < CRYO_BATCH_WINDOWS && batch->size < CRYO_WINDOW_SIZE) {
		struct cryo_window *window = &batch->windows[batch->count];
		int r = 1;

		if (copy->has_ahead)
			*window = copy->ahead;
		else
			r = cryo_walk_next(&copy->walk, window);
		copy->has_ahead = false;
		if (r <= 0)
			return r;
		if (!cryo_batch_join(batch)) {
			copy->ahead = *window;
			copy->has_ahead = true;
			break;
		}
	}
	return 0;
}

/* Whether to go on: 0, or -errno. With the lock. */
static int check(struct cryo_copy *copy)
{
	if (!copy->error && copy->shared->cancel)
		copy->error = -ECANCELED;
	return copy->error;
}

/* The next batch, unless another worker has failed. 1, 0 or -errno. */
static int take_batch(struct cryo_copy *copy, struct cryo_batch *batch)
{
	int r;

	batch->count = batch->size = 0;
	batch->packed = false;
	pthread_mutex_lock(&copy->lock);
	r = check(copy);
	if (r == 0)
		r = fill_batch(copy, batch);
	pthread_mutex_unlock(&copy->lock);
	return r < 0 ? r : batch->count > 0;
}

/* The next batch and a place to hold it, as long as there is room. 1, 0 or -errno. */
static int take_held_batch(struct cryo_copy *copy, struct cryo_batch *batch, uint8_t **ret_image)
{
	int r;

	batch->count = batch->size = 0;
	batch->packed = true;
	pthread_mutex_lock(&copy->lock);
	r = check(copy);
	if (r == 0 && cryo_hold_has_room(&copy->hold))
		r = fill_batch(copy, batch);
	if (r == 0 && batch->count) {
		*ret_image = cryo_hold_add(&copy->hold, batch);
		r = *ret_image ? 0 : -ENOMEM;
	}
	pthread_mutex_unlock(&copy->lock);
	return r < 0 ? r : batch->count > 0;
}

/* The next piece of what is held. 1, 0 or -errno. */
static int take_held(struct cryo_copy *copy, struct cryo_held *ret_piece)
{
	struct cryo_held *run;
	size_t left;
	int r;

	pthread_mutex_lock(&copy->lock);
	r = check(copy);
	if (r == 0 && copy->run < copy->hold.n_runs) {
		run = &copy->hold.runs[copy->run];
		left = run->size - copy->run_done;
		*ret_piece =
			(struct cryo_held){run->offset + copy->run_done, run->data + copy->run_done,
				left < CRYO_WINDOW_SIZE ? left : CRYO_WINDOW_SIZE};
		copy->run_done += ret_piece->size;
		if (copy->run_done == run->size) {
			copy->run++;
			copy->run_done = 0;
		}
		r = 1;
	}
	pthread_mutex_unlock(&copy->lock);
	return r;
}

static int hold_job(struct worker *worker)
{
	struct cryo_copy *copy = worker->copy;
	uint8_t *image = NULL;
	int r;

	while ((r = take_held_batch(copy, worker->batch, &image)) > 0) {
		r = cryo_batch_read(
			&copy->inspector->memory, worker->batch, image, file_of, add_gap, worker);
		if (r < 0)
			break;
		atomic_fetch_add(&copy->shared->bytes_done, worker->batch->size);
	}
	return r;
}

static int copy_job(struct worker *worker)
{
	struct cryo_copy *copy = worker->copy;
	struct cryo_batch *batch = worker->batch;
	int r;

	if (!worker->image)
		worker->image = aligned_alloc(4096, CRYO_WINDOW_SIZE);
	if (!worker->image)
		return -ENOMEM;
	while ((r = take_batch(copy, batch)) > 0) {
		r = cryo_batch_read(
			&copy->inspector->memory, batch, worker->image, file_of, add_gap, worker);
		if (r == 0)
			r = write_image(copy, worker->image, batch->size, batch->offset);
		if (r < 0)
			break;
		atomic_fetch_add(&copy->shared->bytes_done, batch->size);
	}
	return r;
}

static int flush_job(struct worker *worker)
{
	struct cryo_copy *copy = worker->copy;
	struct cryo_held piece = {0};
	int r;

	while ((r = take_held(copy, &piece)) > 0) {
		r = write_image(copy, piece.data, piece.size, piece.offset);
		if (r < 0)
			break;
		atomic_fetch_add(&copy->shared->steps, 1);
	}
	return r;
}

static void do_job(struct cryo_copy *copy, struct worker *worker, job_function *job)
{
	int r = job(worker);

	cryo_cleanup_close(&worker->file);
	worker->file = -1;
	worker->vma = NULL;
	pthread_mutex_lock(&copy->lock);
	if (r < 0 && !copy->error)
		copy->error = r;
	pthread_mutex_unlock(&copy->lock);
}

static void *help(void *argument)
{
	struct cryo_copy *copy = argument;

	pthread_mutex_lock(&copy->lock);
	while (!copy->ended) {
		if (!copy->job) {
			pthread_cond_wait(&copy->changed, &copy->lock);
			continue;
		}
		pthread_mutex_unlock(&copy->lock);
		do_job(copy, &copy->workers[1], copy->job);
		pthread_mutex_lock(&copy->lock);
		copy->job = NULL;
		pthread_cond_broadcast(&copy->changed);
	}
	pthread_mutex_unlock(&copy->lock);
	return NULL;
}

/* Let all workers do a job, and wait for it. The first error. */
static int run(struct cryo_copy *copy, job_function *job)
{
	if (copy->has_helper) {
		pthread_mutex_lock(&copy->lock);
		copy->job = job;
		pthread_cond_broadcast(&copy->changed);
		pthread_mutex_unlock(&copy->lock);
	}
	do_job(copy, &copy->workers[0], job);
	pthread_mutex_lock(&copy->lock);
	while (copy->job)
		pthread_cond_wait(&copy->changed, &copy->lock);
	pthread_mutex_unlock(&copy->lock);
	return copy->error;
}

static int add_worker(struct cryo_copy *copy, size_t index)
{
	struct worker *worker = &copy->workers[index];

	worker->copy = copy;
	worker->file = -1;
	worker->batch = malloc(sizeof(*worker->batch));
	if (!worker->batch)
		return -ENOMEM;
	memset(worker->batch, 0, sizeof(*worker->batch)); /* gives it pages */
	return 0;
}

static void start_helper(struct cryo_copy *copy, uint64_t expected)
{
	if (copy->is_stream || expected < PARALLEL_BYTES || sysconf(_SC_NPROCESSORS_ONLN) < 2 ||
		add_worker(copy, 1) < 0)
		return;
	copy->has_helper = pthread_create(&copy->helper, NULL, help, copy) == 0;
}

int cryo_copy_begin(const struct cryo_inspector *inspector, struct cryo_shared *shared,
	struct cryo_written *written, bool is_stream, struct cryo_copy **ret_copy)
{
	struct cryo_copy *copy = calloc(1, sizeof(*copy));
	int r = copy ? add_worker(copy, 0) : -ENOMEM;

	if (r == 0 && !is_stream)
		r = cryo_hold_begin(inspector->expected + SLACK, &copy->hold);
	if (r < 0) {
		if (copy)
			free(copy->workers[0].batch);
		free(copy);
		return r;
	}
	pthread_mutex_init(&copy->lock, NULL);
	pthread_cond_init(&copy->changed, NULL);
	copy->inspector = inspector;
	copy->shared = shared;
	copy->written = written;
	copy->is_stream = is_stream;
	start_helper(copy, inspector->expected);
	*ret_copy = copy;
	return 0;
}

int cryo_copy_hold(struct cryo_copy *copy, const struct cryo_plan *plan)
{
	int r;

	cryo_walk_begin(&copy->walk, plan, copy->inspector);
	copy->begun = true;
	if (copy->is_stream)
		return 1;
	copy->walk.tight = true;
	r = run(copy, hold_job);
	copy->walk.tight = false;
	return r < 0 ? r : !cryo_hold_has_room(&copy->hold);
}

static bool is_large(uint64_t bytes)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && bytes >= (uint64_t)pages * (uint64_t)size / UNCACHED_SHARE;
}

int cryo_copy_rest(struct cryo_copy *copy, struct cryo_output *output)
{
	copy->output = output;
	output->uncached = is_large(copy->shared->bytes_expected);
	return run(copy, copy_job);
}

/* What is held was placed before the plan was finished. */
static void shift_runs(struct cryo_hold *hold, uint64_t distance)
{
	for (size_t i = 0; i < hold->n_runs; i++)
		hold->runs[i].offset += distance;
}

int cryo_copy_flush(struct cryo_copy *copy, struct cryo_output *output)
{
	int r;

	copy->output = output;
	shift_runs(&copy->hold, copy->walk.plan->head.size);
	r = run(copy, flush_job);
	if (copy->written->gaps_kept)
		qsort(copy->written->gaps, copy->written->gaps_kept, sizeof(struct cryo_gap),
			compare_gaps);
	return r;
}

static void end_helper(struct cryo_copy *copy)
{
	pthread_mutex_lock(&copy->lock);
	copy->ended = true;
	pthread_cond_broadcast(&copy->changed);
	pthread_mutex_unlock(&copy->lock);
	pthread_join(copy->helper, NULL);
}

void cryo_copy_end(struct cryo_copy *copy)
{
	if (!copy)
		return;
	if (copy->has_helper)
		end_helper(copy);
	if (copy->begun)
		cryo_walk_end(&copy->walk);
	for (size_t i = 0; i < MAX_WORKERS; i++) {
		free(copy->workers[i].image);
		free(copy->workers[i].batch);
	}
	cryo_hold_end(&copy->hold);
	pthread_mutex_destroy(&copy->lock);
	pthread_cond_destroy(&copy->changed);
	free(copy);
}

void cryo_written_clear(struct cryo_written *written)
{
	free(written->gaps);
	*written = (struct cryo_written){0};
}
