// SPDX-License-Identifier: MIT
/*
 * A system call run by a thread that we hold, at the user's wish.
 *
 * The thread executes an instruction `syscall` that is in its program anyhow, one that a `ret`
 * follows. No code is written. For the case that we are killed in the middle a signal frame (as the
 * kernel makes it for every handler) lies ready below the red zone of the thread's stack, and the
 * `ret` leads to the sigreturn of the program's own C library: so the thread goes back to where it
 * was by itself, with all its registers. In the end the registers are set as they were, and the
 * bytes of the stack too.
 */
#pragma once

#include "trace/tracee.h"

enum {
	CRYO_SITE_STACKS = 64
};

/**
 * struct cryo_site - where system calls can be run.
 * @call: address of `syscall; ret`
 * @restorer: address of `mov $15, %eax; syscall`
 * @stacks: mappings that are stacks for sure, @n_stacks in number
 */
struct cryo_site {
	uint64_t call, restorer;
	struct {
		uint64_t start, end;
	} stacks[CRYO_SITE_STACKS];
	size_t n_stacks;
};

/**
 * struct cryo_injection - one thread that runs our calls.
 * @before: its general registers
 * @stack: address of the frame; @below: what was there before
 * @child: where the stack of a clone(2) is to be: it leads a child that nobody holds to its end
 * @mask: its blocked signals; all are while it @is_masked
 * @child_pid: where the pid of a child is to be told as soon as there is one; or NULL
 */
struct cryo_injection {
	struct cryo_tracee *tracee;
	const struct cryo_site *site;
	struct cryo_buffer before, below;
	uint64_t stack, child;
	uint64_t mask;
	bool is_masked;
	_Atomic int32_t *child_pid;
};

/* Whether this build can inject at all. */
bool cryo_inject_is_possible(void);

/**
 * cryo_inject_find_code - look for the instructions in a piece of a program.
 * @address: of its first byte
 * @site: @call and @restorer are set if they are 0 and the piece has them
 */
void cryo_inject_find_code(
	struct cryo_site *site, uint64_t address, const uint8_t *code, size_t size);

/**
 * cryo_inject_begin - make a thread ready.
 * @tracee: held in a stop that we caused
 *
 * Returns 0; -EOPNOTSUPP (another ABI, or another machine); -EBUSY (its stop is not one that we
 * caused); -EKEYREJECTED if seccomp watches its calls, or may; -ENOSYS if its calls are dispatched
 * to itself; -ESTRPIPE if its stack pointer is in no stack of the site; -ENOEXEC if the code is not
 * at the site; -errno. Then the thread is as it was.
 */
int cryo_inject_begin(struct cryo_tracee *tracee, const struct cryo_site *site,
	struct cryo_injection *ret_injection);

/**
 * cryo_inject_call - run one call; cryo_tracee_tick_start() must run, here and in
 * cryo_inject_end().
 * @arguments: up to six; the others are 0
 * @ret_result: what it returned, a negative errno too
 *
 * Returns 0, -EBUSY if another stop came before it, -ESRCH if the thread died, -ETIMEDOUT.
 */
int cryo_inject_call(struct cryo_injection *injection, uint64_t number, const uint64_t *arguments,
	size_t count, int64_t *ret_result);

/* Take the frame out of a copy of the process that was made by a call. 0 or -EFAULT. */
int cryo_inject_clean(const struct cryo_injection *injection, pid_t copy);

/* Put everything back: the thread is in a stop as before, or in that of its group. 0 or -errno:
 * then it goes back by itself, by the frame, as soon as its call has ended. */
int cryo_inject_end(struct cryo_injection *injection);

/* Whether a stopped tracee waits for children without an exit signal too (__WALL, __WCLONE): it
 * would be told of one that a call here has made, and take it for its own. */
bool cryo_inject_would_find_child(pid_t tid);
