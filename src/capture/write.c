// SPDX-License-Identifier: MIT
/*
 * The first worker is the calling thread. The other is a thread that was started before the stop
 * and waits for a job. Either may be given up: the first by who then takes its place, the other by
 * the first. Nothing that a stuck worker may still use is freed.
 */
#include "capture/write.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/copy.h"

/* Below this a second thread costs more than it saves. */
#define PARALLEL_BYTES (4ULL << 20)

/* Beside a process's own pages: first pages of its libraries, the vdso. */
#define SLACK (128ULL << 10)

/*
 * On a disk a file in small pieces takes longer to be written, and far longer until it is durable,
 * than the zeros between them: 4 GiB of which every other page is zero took 5.4 s on ext4, and 2 s
 * with them. The kernel writes them too.
 */
#define SMALL_HOLE (64ULL << 10)

static size_t least_hole(const struct cryo_copy *copy)
{
	return copy->output->behind.wanted ? SMALL_HOLE : 1;
}

/* Write @size bytes at an offset of the core, but for the pages of zeros among them. */
static int write_image(struct cryo_copy *copy, const uint8_t *image, size_t size, uint64_t offset)
{
	size_t page = (size_t)copy->inspector->memory.page_size, hole = least_hole(copy);
	size_t start, end = 0, bytes = 0;
	int r = 0;

	while (r == 0 && cryo_window_next_run(image, size, page, hole, end, &start, &end)) {
		r = cryo_output_write(copy->output, image + start, end - start, offset + start);
		bytes += end - start;
	}
	pthread_mutex_lock(&copy->lock);
	copy->written->data_bytes += bytes;
	pthread_mutex_unlock(&copy->lock);
	return r;
}

/* The same beside a spool: what is in it is written by its rules, what is not as ever. */
static int write_beside(struct cryo_copy *copy, const uint8_t *image, size_t size, uint64_t offset)
{
	int r = 0;

	for (size_t done = 0; done < size && r == 0;) {
		size_t part = size - done;
		bool has_place = cryo_spool_has_place(copy->spool, offset + done, &part);

		r = has_place ? cryo_spool_write(copy->spool, copy->output, image + done, part,
					offset + done)
			      : write_image(copy, image + done, part, offset + done);
		done += part;
	}
	return r;
}

static int write_out(struct cryo_copy *copy, const uint8_t *image, size_t size, uint64_t offset)
{
	return (copy->spool ? write_beside : write_image)(copy, image, size, offset);
}

/* Bytes from the window on that lie together in the core too. */
static size_t together(const struct cryo_batch *batch, size_t *window)
{
	size_t start = batch->at[*window];
	uint64_t shift = cryo_window_offset(&batch->windows[*window]) - start;

	do {
		++*window;
	} while (*window < batch->count &&
		 cryo_window_offset(&batch->windows[*window]) == shift + batch->at[*window]);
	return (*window < batch->count ? batch->at[*window] : batch->size) - start;
}

static int write_batch(struct cryo_copy *copy, const struct cryo_batch *batch, const uint8_t *image)
{
	int r = 0;

	for (size_t i = 0; i < batch->count && r == 0;) {
		size_t at = batch->at[i];
		uint64_t offset = cryo_window_offset(&batch->windows[i]);

		r = write_out(copy, image + at, together(batch, &i), offset);
	}
	return r;
}

/* The next piece of what is held. 1, 0 or -errno. */
static int take_held(struct cryo_copy *copy, struct cryo_held *ret_piece)
{
	struct cryo_held *run;
	size_t left;
	int r;

	pthread_mutex_lock(&copy->lock);
	r = cryo_batches_check(copy);
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

static int hold_job(struct cryo_worker *worker)
{
	struct cryo_copy *copy = worker->copy;
	uint8_t *image = NULL;
	int r;

	while ((r = cryo_batches_take(worker, true, &image)) > 0) {
		r = cryo_batches_read(worker, image);
		if (r < 0)
			break;
		atomic_fetch_add(&copy->shared->bytes_done, worker->batch->size);
	}
	return r;
}

static int copy_job(struct cryo_worker *worker)
{
	struct cryo_copy *copy = worker->copy;
	struct cryo_batch *batch = worker->batch;
	int r;

	if (!worker->image)
		worker->image = aligned_alloc(4096, CRYO_WINDOW_SIZE);
	if (!worker->image)
		return -ENOMEM;
	while ((r = cryo_batches_take(worker, false, NULL)) > 0) {
		r = cryo_batches_read(worker, worker->image);
		if (r == 0)
			r = write_batch(copy, batch, worker->image);
		if (r < 0)
			break;
		atomic_fetch_add(&copy->shared->bytes_done, batch->size);
	}
	return r;
}

static int flush_job(struct cryo_worker *worker)
{
	struct cryo_copy *copy = worker->copy;
	struct cryo_held piece = {0};
	int r;

	while ((r = take_held(copy, &piece)) > 0) {
		r = write_out(copy, piece.data, piece.size, piece.offset);
		if (r < 0)
			break;
		atomic_fetch_add(&copy->shared->steps, 1);
	}
	return r;
}

static void do_job(struct cryo_copy *copy, struct cryo_worker *worker, cryo_job_function *job)
{
	int r = job(worker);

	cryo_guard_check(worker->guard);
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
	struct cryo_worker *worker = argument;
	struct cryo_copy *copy = worker->copy;

	worker->guard = cryo_guard_new();
	pthread_mutex_lock(&copy->lock);
	copy->helps = worker->guard;
	while (!copy->ended) {
		if (!copy->job) {
			pthread_cond_wait(&copy->changed, &copy->lock);
			continue;
		}
		pthread_mutex_unlock(&copy->lock);
		do_job(copy, worker, copy->job);
		pthread_mutex_lock(&copy->lock);
		copy->job = NULL;
		pthread_cond_broadcast(&copy->changed);
	}
	pthread_mutex_unlock(&copy->lock);
	return NULL;
}

/* Let all workers do a job, and wait for it. The first error. */
static int run(struct cryo_copy *copy, cryo_job_function *job)
{
	size_t given_up;

	copy->workers[0]->guard = copy->inspector->guard;
	if (copy->has_helper) {
		pthread_mutex_lock(&copy->lock);
		copy->job = copy->helps ? job : NULL;
		pthread_cond_broadcast(&copy->changed);
		pthread_mutex_unlock(&copy->lock);
	}
	do {
		given_up = copy->n_given_up;
		do_job(copy, copy->workers[0], job);
		pthread_mutex_lock(&copy->lock);
		while (copy->job)
			cryo_batches_wait(copy);
		pthread_mutex_unlock(&copy->lock);
	} while (copy->n_given_up != given_up && !copy->error);
	return copy->error;
}

static int add_worker(struct cryo_copy *copy, size_t index)
{
	struct cryo_worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return -ENOMEM;
	worker->copy = copy;
	worker->file = -1;
	worker->batch = malloc(sizeof(*worker->batch));
	if (!worker->batch) {
		free(worker);
		return -ENOMEM;
	}
	memset(worker->batch, 0, sizeof(*worker->batch)); /* gives it pages */
	copy->workers[index] = worker;
	return 0;
}

void cryo_copy_replace(struct cryo_copy *copy)
{
	pthread_mutex_lock(&copy->lock);
	cryo_batches_take_over(copy, copy->workers[0]);
	if (add_worker(copy, 0) < 0)
		copy->error = -ENOMEM;
	pthread_mutex_unlock(&copy->lock);
}

/* Several milliseconds, in which others look at the target. */
static int populate_job(struct cryo_worker *worker)
{
	struct cryo_copy *copy = worker->copy;

	cryo_hold_populate(&copy->hold, copy->inspector->expected + SLACK);
	return 0;
}

static void start_helper(struct cryo_copy *copy, uint64_t expected)
{
	if (copy->is_stream || expected < PARALLEL_BYTES || sysconf(_SC_NPROCESSORS_ONLN) < 2 ||
		add_worker(copy, 1) < 0)
		return;
	copy->job = populate_job;
	copy->has_helper = pthread_create(&copy->helper, NULL, help, copy->workers[1]) == 0;
	if (!copy->has_helper)
		copy->job = NULL;
}

static void free_worker(struct cryo_worker *worker)
{
	if (!worker)
		return;
	free(worker->image);
	free(worker->batch);
	free(worker);
}

int cryo_copy_begin(const struct cryo_inspector *inspector, struct cryo_shared *shared,
	struct cryo_written *written, struct cryo_arena *arena, struct cryo_copy **ret_copy)
{
	struct cryo_copy *copy = calloc(1, sizeof(*copy));
	int r = copy ? add_worker(copy, 0) : -ENOMEM;

	if (r == 0 && arena)
		r = cryo_hold_begin(arena, &copy->hold);
	if (r < 0) {
		if (copy)
			free_worker(copy->workers[0]);
		free(copy);
		return r;
	}
	pthread_mutex_init(&copy->lock, NULL);
	pthread_cond_init(&copy->changed, NULL);
	copy->inspector = inspector;
	copy->shared = shared;
	copy->written = written;
	copy->is_stream = !arena;
	start_helper(copy, inspector->expected);
	if (arena && !copy->has_helper)
		populate_job(copy->workers[0]);
	*ret_copy = copy;
	return 0;
}

void cryo_copy_ready(struct cryo_copy *copy)
{
	pthread_mutex_lock(&copy->lock);
	while (copy->job)
		cryo_batches_wait(copy);
	pthread_mutex_unlock(&copy->lock);
}

void cryo_copy_beside(struct cryo_copy *copy, struct cryo_spool *spool)
{
	copy->spool = spool;
}

/* Nothing of one walk is left for the next, which is through another plan; but for what a stuck
 * worker may still use. */
static void end_walk(struct cryo_copy *copy)
{
	if (copy->n_given_up)
		copy->source = NULL;
	if (copy->source)
		cryo_walk_end(&copy->source->walk);
	free(steal_ptr(copy->source));
	free(steal_ptr(copy->again));
	free(steal_ptr(copy->suspicion));
	copy->n_again = copy->next_again = 0;
}

int cryo_copy_plan(struct cryo_copy *copy, const struct cryo_plan *plan, struct cryo_output *output,
	struct cryo_written *written)
{
	struct cryo_written *before = copy->written;
	int r = 0;

	if (copy->plan != plan || !copy->source) { /* else somebody takes the place of another */
		end_walk(copy);
		copy->written = written;
		copy->output = output;
		copy->plan = plan;
		cryo_dropbehind_expect(&output->behind, copy->shared->bytes_expected);
		r = cryo_batches_start(copy, 0);
	}
	if (r == 0)
		r = run(copy, copy_job);
	if (r == 0 && copy->late)
		r = cryo_batches_leave_unread(copy);
	end_walk(copy);
	copy->written = before;
	cryo_written_sort(written);
	return r;
}

void cryo_copy_leave(struct cryo_copy *copy, struct cryo_written *written)
{
	if (!copy)
		return;
	end_walk(copy);
	copy->written = written;
}

int cryo_copy_hold(struct cryo_copy *copy, const struct cryo_plan *plan)
{
	int r = 0;

	copy->plan = plan;
	if (copy->inspector->memory_error)
		return cryo_batches_leave_rest(copy, 0, 0, copy->inspector->memory_error);
	if (!copy->source) { /* else somebody takes the place of another */
		copy->is_finished = plan->finished;
		r = cryo_batches_start(copy, 0);
	}
	if (r < 0 || copy->is_stream)
		return r < 0 ? r : 1;
	copy->is_holding = true;
	r = run(copy, hold_job);
	copy->is_holding = false;
	return r < 0 ? r : !cryo_hold_has_room(&copy->hold) && !copy->late;
}

int cryo_copy_rest(struct cryo_copy *copy, struct cryo_output *output)
{
	copy->output = output;
	cryo_dropbehind_expect(&output->behind, copy->shared->bytes_expected);
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
	int r = copy->late ? cryo_batches_leave_unread(copy) : 0;

	copy->output = output;
	if (!copy->is_finished)
		shift_runs(&copy->hold, copy->plan->head.size);
	if (r == 0)
		r = run(copy, flush_job);
	cryo_written_sort(copy->written);
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

size_t cryo_copy_n_given_up(const struct cryo_copy *copy)
{
	return copy->n_given_up;
}

void cryo_copy_end(struct cryo_copy *copy)
{
	if (!copy)
		return;
	if (copy->has_helper)
		end_helper(copy);
	end_walk(copy);
	for (size_t i = 0; i < CRYO_WORKERS; i++)
		free_worker(copy->workers[i]);
	free(copy->helps);
	cryo_hold_end(&copy->hold);
	pthread_mutex_destroy(&copy->lock);
	pthread_cond_destroy(&copy->changed);
	free(copy);
}
