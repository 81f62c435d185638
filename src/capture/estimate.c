// SPDX-License-Identifier: MIT
/*
 * What is held (capture/hold.h) is only read in the stop; the rest is written there too. Two
 * workers are as fast as one and a half: they meet in the file. What the page cache does not take
 * waits for the disk, which does not become faster by two.
 */
#include "capture/estimate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/hold.h"

enum {
	SAMPLE = 4 * 1024 * 1024,
	CHUNK = 512 * 1024,
	DISK_SAMPLES = 8,  /* of these together: a disk has a latency too */
	THREAD_NS = 20000, /* to stop it, read its registers, and let it go */
};

/* The least that any stop takes. */
#define LEAST_NS (500 * CRYO_NSEC_PER_MSEC / 1000)

/* A disk that takes longer for one sample is slow enough to be known by that. */
#define SLOW_NS (500 * CRYO_NSEC_PER_MSEC)

uint64_t cryo_estimate_from(
	uint64_t bytes, uint64_t beyond, uint64_t n_threads, const struct cryo_rates *rates)
{
	uint64_t held = bytes < CRYO_HOLD_BYTES ? bytes : CRYO_HOLD_BYTES;
	double sample = (double)rates->sample, each = sample * 1.5;
	double copied = (double)rates->read_ns + (double)rates->write_ns;
	double all = (double)held / each * (double)rates->read_ns +
		     (double)(bytes - held) / each * copied;
	double waited =
		(double)beyond / sample * (double)rates->disk_ns - (double)beyond / each * copied;

	if (waited > 0)
		all += waited;
	return LEAST_NS + n_threads * THREAD_NS + (uint64_t)all;
}

static uint64_t time_reading(uint8_t *from, uint8_t *to)
{
	uint64_t begin = cryo_now();

	for (size_t at = 0; at < SAMPLE; at += CHUNK) {
		struct iovec local = {to, CHUNK}, remote = {from + at, CHUNK};

		if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != CHUNK)
			memcpy(to, from + at, CHUNK);
	}
	return cryo_now() - begin;
}

static uint64_t time_writing(
	struct cryo_output *output, const uint8_t *chunk, uint64_t bytes, bool to_disk)
{
	uint64_t begin = cryo_now(), end;
	int r = 0;

	for (uint64_t at = 0; at < bytes && r == 0; at += CHUNK)
		r = cryo_output_write(output, chunk, CHUNK, at);
	if (r == 0 && to_disk)
		r = fdatasync(output->fd) < 0 ? -errno : 0;
	end = cryo_now();
	cryo_output_empty(output);
	return r < 0 ? 0 : end - begin;
}

/* Of one sample. A very slow disk is asked for no more: the supervisor would lose patience. */
static uint64_t time_disk(struct cryo_output *output, const uint8_t *chunk)
{
	uint64_t first = time_writing(output, chunk, SAMPLE, true);

	return first > SLOW_NS
		       ? first
		       : time_writing(output, chunk, DISK_SAMPLES * SAMPLE, true) / DISK_SAMPLES;
}

uint64_t cryo_estimate_pause(const struct cryo_inspector *inspector, struct cryo_output *output)
{
	_cleanup_free_ uint8_t *from = malloc(SAMPLE), *to = malloc(CHUNK);
	struct cryo_rates rates = {.sample = SAMPLE};
	uint64_t share = cryo_dropbehind_share(), beyond = 0;

	if (!from || !to)
		return 0;
	memset(from, 1, SAMPLE);
	memset(to, 1, CHUNK);
	if (inspector->expected > share)
		beyond = inspector->expected - share;
	rates.read_ns = time_reading(from, to);
	if (!output->forward)
		rates.write_ns = time_writing(output, to, SAMPLE, false);
	if (!output->forward && beyond)
		rates.disk_ns = time_disk(output, to);
	return cryo_estimate_from(inspector->expected, beyond, inspector->n_threads, &rates);
}
