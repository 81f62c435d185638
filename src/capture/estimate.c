// SPDX-License-Identifier: MIT
/*
 * What is held (capture/hold.h) is only read in the stop; the rest is written there too. Two
 * workers are as fast as one and a half: they meet in the file.
 */
#include "capture/estimate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/hold.h"

enum {
	SAMPLE = 4 * 1024 * 1024,
	CHUNK = 512 * 1024,
	THREAD_NS = 20000, /* to stop it, read its registers, and let it go */
};

/* The least that any stop takes. */
#define LEAST_NS (500 * CRYO_NSEC_PER_MSEC / 1000)

uint64_t cryo_estimate_from(
	uint64_t bytes, uint64_t n_threads, uint64_t sample, uint64_t read_ns, uint64_t write_ns)
{
	uint64_t held = bytes < CRYO_HOLD_BYTES ? bytes : CRYO_HOLD_BYTES;
	double rest = (double)(bytes - held), each = (double)sample * 1.5;
	double all = (double)held / each * (double)read_ns +
		     rest / each * ((double)read_ns + (double)write_ns);

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

static uint64_t time_writing(struct cryo_output *output, const uint8_t *chunk)
{
	uint64_t begin = cryo_now(), end;
	int r = 0;

	if (output->forward)
		return 0;
	for (uint64_t at = 0; at < SAMPLE && r == 0; at += CHUNK)
		r = cryo_output_write(output, chunk, CHUNK, at);
	end = cryo_now();
	cryo_output_empty(output);
	return end - begin;
}

uint64_t cryo_estimate_pause(const struct cryo_inspector *inspector, struct cryo_output *output)
{
	_cleanup_free_ uint8_t *from = malloc(SAMPLE), *to = malloc(CHUNK);
	uint64_t read_ns, write_ns;

	if (!from || !to)
		return 0;
	memset(from, 1, SAMPLE);
	memset(to, 1, CHUNK);
	read_ns = time_reading(from, to);
	write_ns = time_writing(output, to);
	return cryo_estimate_from(
		inspector->expected, inspector->n_threads, SAMPLE, read_ns, write_ns);
}
