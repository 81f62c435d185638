// SPDX-License-Identifier: MIT
/*
 * One capture, as the supervisor hands it to its children, who may have been there before.
 */
#pragma once

#include "capture/request.h"

/**
 * struct cryo_job - what is to be done.
 * @request: its @procfs has the same number in the child, who inherited it
 * @deadline: CLOCK_MONOTONIC, ns
 * @is_last: the child ends behind it
 * @magic: tells a job from a letter, which goes the same way; set where it is sent
 */
struct cryo_job {
	struct cryo_request request;
	uint64_t deadline;
	bool is_last;
	uint32_t magic;
};

/* Send it, with the descriptors of its target and its stream. 0; -EPIPE: nobody is there; or
 * -errno. */
int cryo_job_send(int channel, const struct cryo_job *job);

/**
 * cryo_job_receive - wait for a job, as long as it takes.
 * @ret_job: its descriptors and its prefix are ours; cryo_job_clear()
 *
 * Returns 0, -EPIPE (the other end is gone, or sent something else), -EMFILE (not all of its
 * descriptors have come), or -errno.
 */
int cryo_job_receive(int channel, struct cryo_job *ret_job);

void cryo_job_clear(struct cryo_job *job);
