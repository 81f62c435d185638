// SPDX-License-Identifier: MIT
/*
 * The workers pull windows from one walk, under a lock that they hold only while the page tables
 * are asked; reading, looking for zeros and writing go on side by side, each in a buffer of its own
 * that is small enough to stay in the cache.
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

struct copy {
	pthread_mutex_t lock; /* of all that follows but the constants */
	struct cryo_walk walk;
	struct cryo_written *written;
	int error;
	const struct cryo_inspector *inspector;
	struct cryo_output *output;
	struct cryo_shared *shared;
};

/* A worker keeps the file of the mapping that it last read. */
struct worker {
	struct copy *copy;
	uint8_t *image;
	const struct cryo_vma *vma;
	int file;
};

static int compare_gaps(const void *left, const void *right)
{
	uint64_t a = ((const struct cryo_gap *)left)->start,
		 b = ((const struct cryo_gap *)right)->start;

	return (a > b) - (a < b);
}

static int add_gap(void *user, uint64_t start, uint64_t end, int error)
{
	struct copy *copy = user;
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

static int file_of(struct worker *worker, const struct cryo_vma *vma)
{
	if (worker->vma != vma) {
		cryo_cleanup_close(&worker->file);
		worker->file = cryo_inspector_open_file(worker->copy->inspector, vma);
		worker->vma = vma;
	}
	return worker->file;
}

static int write_window(struct copy *copy, const struct cryo_window *window, const uint8_t *image)
{
	const struct cryo_segment *segment = window->segment;
	uint64_t offset = segment->offset + (window->start - segment->vma->start);
	size_t size = window->end - window->start, start, end = 0, bytes = 0;
	size_t page = (size_t)copy->inspector->memory.page_size;
	int r = 0;

	while (r == 0 && cryo_window_next_run(image, size, page, end, &start, &end)) {
		r = cryo_output_write(copy->output, image + start, end - start, offset + start);
		bytes += end - start;
	}
	atomic_fetch_add(&copy->shared->bytes_done, size);
	pthread_mutex_lock(&copy->lock);
	copy->written->data_bytes += bytes;
	pthread_mutex_unlock(&copy->lock);
	return r;
}

/* The next window, unless another worker has failed. 1, 0 or -errno. */
static int take_window(struct copy *copy, struct cryo_window *window)
{
	int r;

	pthread_mutex_lock(&copy->lock);
	if (!copy->error && copy->shared->cancel)
		copy->error = -ECANCELED;
	r = copy->error ? copy->error : cryo_walk_next(&copy->walk, window);
	pthread_mutex_unlock(&copy->lock);
	return r;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct copy *copy = worker->copy;
	struct cryo_window window;
	int r;

	while ((r = take_window(copy, &window)) > 0) {
		int file = window.segment->vma->kind == CRYO_VMA_FILE
				   ? file_of(worker, window.segment->vma)
				   : -1;

		r = cryo_window_read(
			&copy->inspector->memory, &window, file, worker->image, add_gap, copy);
		if (r == 0)
			r = write_window(copy, &window, worker->image);
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

/* Run the workers: the first in this thread, the others beside it. */
static int run_workers(struct copy *copy, uint8_t *images)
{
	struct worker workers[MAX_WORKERS];
	pthread_t threads[MAX_WORKERS];
	size_t wanted = count_workers(copy), started = 1;

	for (size_t i = 0; i < wanted; i++)
		workers[i] = (struct worker){
			.copy = copy, .image = images + i * CRYO_WINDOW_SIZE, .file = -1};
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
