// SPDX-License-Identifier: MIT
/*
 * Letters between the supervisor, the tracer and the reader: packets on a SOCK_SEQPACKET pair. The
 * end of a process is the end of its channel, which the others see at once.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum cryo_letter_kind {
	CRYO_LETTER_READY, /* reader to supervisor: all that can be done before the stop is done */
	CRYO_LETTER_STOP,  /* supervisor to tracer */
	CRYO_LETTER_STOPPED,  /* tracer to reader and supervisor */
	CRYO_LETTER_RELEASE,  /* reader or supervisor to tracer */
	CRYO_LETTER_RELEASED, /* tracer to reader and supervisor */
	CRYO_LETTER_MESSAGE,  /* to supervisor: words for a person */
	CRYO_LETTER_DONE, /* reader to supervisor: the capture is complete, or as good as it gets */
};

/* What the tracer does in a stop. */
enum cryo_order {
	CRYO_ORDER_HOLD,  /* hold until it is told to release */
	CRYO_ORDER_TRACK, /* make a userfaultfd in the target, take it over, and release */
	CRYO_ORDER_FORK,  /* make a copy of the target, and hold until it is told to release */
	CRYO_ORDER_END,   /* end the copy, without a trace in the target, and release */
};

enum {
	CRYO_LETTER_TEXT = PATH_MAX + 512 /* a sentence with a path in it */
};

/**
 * struct cryo_letter - one packet; what is not used is 0.
 * @error: negative errno
 * @order: READY, STOP: enum cryo_order
 * @done: STOPPED: how that went: 0 or a negative errno
 * @child: STOPPED: pid of the copy
 * @holder: STOPPED, RELEASED: the tracer in whose ptrace-stop all threads stood that were not held;
 * 0
 * @records_size: STOPPED: bytes of registers
 * @severity: of a message, enum cryocore_severity
 * @n_threads: STOPPED, RELEASED: threads that the tracer holds, or held
 * @n_unstopped: STOPPED: threads that could not be stopped
 * @n_restarted: RELEASED: system calls that were put back
 * @is_early: RELEASED: nobody had asked for it
 * @stop_ns, @release_ns: CLOCK_MONOTONIC of the first stop request and the last release
 * @is_spent: DONE, RELEASED: who tells it is not to be used again
 * @text: of a message; only what is used of it is sent
 */
struct cryo_letter {
	uint32_t kind;
	int32_t error;
	uint32_t severity;
	uint32_t order;
	int32_t done;
	int32_t child;
	int32_t holder;
	uint64_t records_size;
	uint64_t n_threads, n_unstopped, n_restarted;
	uint64_t stop_ns, release_ns;
	bool is_early, is_spent;
	char text[CRYO_LETTER_TEXT];
};

/* Two connected ends, close-on-exec. 0 or -errno. */
int cryo_channel_pair(int ret_ends[2]);

/* 0, or -EPIPE if nobody is at the other end; -errno. */
int cryo_channel_send(int end, const struct cryo_letter *letter);

/* The next letter. 0, -ETIMEDOUT, -EPIPE if the other end is gone, -EINTR, or -errno. */
int cryo_channel_receive(int end, uint64_t deadline, struct cryo_letter *ret_letter);

/* The same with a descriptor that goes along; @ret_fd is -1 if none came. */
int cryo_channel_send_file(int end, const struct cryo_letter *letter, int fd);
int cryo_channel_receive_file(
	int end, uint64_t deadline, struct cryo_letter *ret_letter, int *ret_fd);

/* Send a CRYO_LETTER_MESSAGE. */
void cryo_channel_say(int end, uint32_t severity, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
