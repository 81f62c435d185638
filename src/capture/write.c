// SPDX-License-Identifier: MIT
/*
 * The workers pull batches of windows from one walk, under a lock that they hold only while the
 * page tables are asked: a batch is one large window, or what many small mappings hold; reading,
 * looking for zeros and writing go on side by side, each in a buffer of its own that is small
 * enough to stay in the cache.
 */
#include "capture/write.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "capture/walk.h"
#include "capture/window.h"

enum {
	MAX_WORKERS = 2
};

/* Below this a second thread costs more than it saves. */
#define PARALLEL_BYTES (4ULL << 20)

/* A core of this share of the machine's memory is written uncached: the kernel would make its
 * writer wait for the disk anyhow (vm.dirty_ratio), and throw out what others have in the page
 * cache. A smaller one is complete sooner in the cache. */
enum {
	UNCACHED_SHARE = 8
};

struct copy;

/* A worker keeps the file of the mapping that it last read. */
struct worker {
	struct copy *copy;
	uint8_t *image;
	const struct cryo_vma *vma;
	int file;
	struct cryo_batch batch;
};

struct copy {
	pthread_mutex_t lock; /* of all that follows but the constants */
	struct cryo_walk walk;
	struct cryo_window ahead; /* taken off the walk, but not yet in a batch */
	bool has_ahead;
	struct cryo_written *written;
	int error;
	const struct cryo_inspector *inspector;
	struct cryo_output *output;
	struct cryo_shared *shared;
	struct worker workers[MAX_WORKERS];
};

static int compare_gaps(const void *left, const void *right)
{
	uint64_t a = ((const struct cryo_gap *)left)->start,
		 b = ((const struct cryo_gap *)right)->start;

	return (a > b) - (a < b);
}

static int add_gap(void *user, uint64_t start, uint64_t end, int error)
{
	struct copy *copy = ((struct worker *)user)->copy;
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

static int write_batch(struct copy *copy, const struct cryo_batch *batch, const uint8_t *image)
{
	size_t page = (size_t)copy->inspector->memory.page_size;
	size_t start, end = 0, bytes = 0;
	int r = 0;

	while (r == 0 && cryo_window_next_run(image, batch->size, page, end, &start, &end)) {
		r = cryo_output_write(
			copy->output, image + start, end - start, batch->offset + start);
		bytes += end - start;
	}
	atomic_fetch_add(&copy->shared->bytes_done, batch->size);
	pthread_mutex_lock(&copy->lock);
	copy->written->data_bytes += bytes;
	pthread_mutex_unlock(&copy->lock);
	return r;
}

/* Windows as long as they make a batch; the one behind it is kept for the next. 0 or -errno. */
static int fill_batch(struct copy *copy, struct cryo_batch *batch)
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

/* The next batch, unless another worker has failed. 1, 0 or -errno. */
static int take_batch(struct copy *copy, struct cryo_batch *batch)
{
	int r;

	batch->count = batch->size = 0;
	pthread_mutex_lock(&copy->lock);
	if (!copy->error && copy->shared->cancel)
		copy->error = -ECANCELED;
	r = copy->error ? copy->error : fill_batch(copy, batch);
	pthread_mutex_unlock(&copy->lock);
	return r < 0 ? r : batch->count > 0;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct copy *copy = worker->copy;
	int r;

	while ((r = take_batch(copy, &worker->batch)) > 0) {
		r = cryo_batch_read(&copy->inspector->memory, &worker->batch, worker->image,
			file_of, add_gap, worker);
		if (r == 0)
			r = write_batch(copy, &worker->batch, worker->image);
		if (r < 0)
			break;
	}
	pthread_mutex_lock(&copy->lock);
	if (r < 0 && !copy->error)
		copy->error = r;
	pthread_mutex_unlock(&copy->lock);
	return NULL;
}

static size_t count_workers(const struct copy *copy)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (copy->output->stream || copy->shared->bytes_expected < PARALLEL_BYTES || processors < 2)
		return 1;
	return MAX_WORKERS;
}

static bool is_large(uint64_t bytes)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && bytes >= (uint64_t)pages * (uint64_t)size / UNCACHED_SHARE;
}

/* Run the workers: the first in this thread, the others beside it. */
static int run_workers(struct copy *copy, uint8_t *images)
{
	struct worker *workers = copy->workers;
	pthread_t threads[MAX_WORKERS];
	size_t wanted = count_workers(copy), started = 1;

	for (size_t i = 0; i < wanted; i++) {
		workers[i].copy = copy;
		workers[i].image = images + i * CRYO_WINDOW_SIZE;
		workers[i].file = -1;
	}
	while (started < wanted &&
		pthread_create(&threads[started], NULL, work, &workers[started]) == 0)
		started++;
	work(&workers[0]);
	for (size_t i = 1; i < started; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < wanted; i++)
		cryo_cleanup_close(&workers[i].file);
	return copy->error;
}

int cryo_write(const struct cryo_plan *plan, const struct cryo_inspector *inspector,
	struct cryo_output *output, struct cryo_shared *shared, struct cryo_written *ret_written)
{
	_cleanup_free_ struct copy *copy = calloc(1, sizeof(*copy));
	_cleanup_free_ uint8_t *images = aligned_alloc(4096, MAX_WORKERS * CRYO_WINDOW_SIZE);
	_cleanup_written_ struct cryo_written written = {0};
	int r;

	if (!copy || !images)
		return -ENOMEM;
	pthread_mutex_init(&copy->lock, NULL);
	copy->inspector = inspector;
	copy->output = output;
	output->uncached = is_large(shared->bytes_expected);
	copy->shared = shared;
	copy->written = &written;
	cryo_walk_begin(&copy->walk, plan, inspector);
	r = run_workers(copy, images);
	cryo_walk_end(&copy->walk);
	pthread_mutex_destroy(&copy->lock);
	if (written.gaps_kept)
		qsort(written.gaps, written.gaps_kept, sizeof(*written.gaps), compare_gaps);
	*ret_written = written;
	written = (struct cryo_written){0};
	return r;
}

void cryo_written_clear(struct cryo_written *written)
{
	free(written->gaps);
	*written = (struct cryo_written){0};
}
